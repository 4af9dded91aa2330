"""How a run ended and its results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from perfusio import labelled
from perfusio.frames import DataFrame, one_frame
from perfusio.labelled import Dataset
from perfusio.trajectory import Trajectory


class Outcome(Enum):
    """How a run ended; each value is a sentence for the operator.

    SAMPLE_OVERDUE and FAILED stand in older records only: neither ends a run any more.
    """

    COMPLETED = "The run reached its planned length."
    SOURCE_EXHAUSTED = "The source has no further samples; the run ended early."
    STOPPED = "The run was stopped by a person."
    SAMPLE_OVERDUE = "No sample came for several days; the run was ended. Check the analyser and its link."
    FAILED = "The run failed; the record says where."


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run left behind.

    Attributes:
        outcome: How it ended.
        trajectories: What was seen and in force, by reactor.
        audit_path: The record, or None if the twin was given another sink.
        n_samples: Samples that the loop took in as expected ones.
        n_decisions: Decisions made.
    """

    outcome: Outcome
    trajectories: Mapping[str, Trajectory]
    audit_path: Path | None
    n_samples: int
    n_decisions: int

    def __repr__(self) -> str:
        """Say how it ended, how much there was, and where the record lies."""
        where = "no record of its own" if self.audit_path is None else f"record {self.audit_path}"
        counted = f"{self.n_samples} samples, {self.n_decisions} decisions"
        return f"<RunResult {self.outcome.name}: {', '.join(self.trajectories)}; {counted}; {where}>"

    def to_frame(self) -> DataFrame:
        """Return the samples of all vessels and their setpoints as a data frame, as `Trajectory.to_frame` does.

        Raises:
            ConfigError: pandas is not installed.
        """
        return one_frame([t.to_frame() for t in self.trajectories.values()])

    def to_xarray(self) -> Dataset:
        """Return the samples of all vessels as an `xarray.Dataset` over ``vessel`` and ``day``; units in ``attrs``.

        Raises:
            ConfigError: xarray is not installed.
        """
        return labelled.joined({name: t.to_xarray() for name, t in self.trajectories.items()}, "vessel")


def ended_by(who: str, why: str) -> str:
    """Return why a run ended that a person stopped."""
    return f"The run was stopped by {who}: {why}"
