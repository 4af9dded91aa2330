"""Opening: the facts about a run that a connector may need when it is opened by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from perfusio.process.panel import Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A run, as far as it concerns its source.

    Attributes:
        days: Length of the run.
        interval_hours: Time between samples [h].
        process: Whose quantities are read and set.
        run_dir: Folder of the results; None = nobody chose one.
    """

    days: int
    interval_hours: float
    process: Panel
    run_dir: Path | None
