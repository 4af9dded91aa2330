"""The design space that a node map is checked against: of an experiment, vessel by vessel, or of a process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from perfusio.cli.experiment_file.processes import FILE, panel_in

if TYPE_CHECKING:
    from perfusio.config import DesignSpace
    from perfusio.process.panel import Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Spaces:
    """Design spaces of one process.

    Attributes:
        panel: The process.
        common: Of every vessel that has none of its own; None = nothing says what may be written.
        own: By the name of the vessel in its source.
    """

    panel: Panel
    common: DesignSpace | None
    own: Mapping[str, DesignSpace] = field(default_factory=dict)

    def of(self, reactor: str) -> DesignSpace | None:
        """Return the design space of one vessel."""
        return self.own.get(reactor, self.common)


def spaces_of(process: Path | None, experiment: Path | None) -> Spaces:
    """Return the design spaces that a run would have.

    Args:
        process: A process.toml; None = that of the experiment, else CHO cells in perfusion.
        experiment: An experiment.toml; None = the design space is that of the process.

    Raises:
        ConfigError: a file cannot be read, or says something impossible.
    """
    from perfusio.cli.experiment_file.bounds import narrowed
    from perfusio.cli.experiment_file.experiment import load
    from perfusio.cli.experiment_file.settings import Setting
    from perfusio.config import DesignSpace
    from perfusio.kinetics.unknown import without_bounds

    if experiment is None:
        panel = panel_in(process)
        return Spaces(panel=panel, common=None if without_bounds(panel) else DesignSpace.of(panel))
    asked = load(experiment, {} if process is None else {FILE: Setting(str(process), "--process")})
    found = {v.reactor or v.name: narrowed(asked.design_space, v.design_space) for v in asked.vessels}
    own = {reactor: space for reactor, space in found.items() if space is not None}
    return Spaces(panel=asked.run.process, common=asked.design_space, own=own)
