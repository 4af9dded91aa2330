"""Policy: the choice of the next setpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from perfusio.config import DesignSpace, RunConfig
from perfusio.decision import Decision
from perfusio.errors import PerfusioError
from perfusio.protocols.model import Model
from perfusio.state import Setpoints
from perfusio.trajectory import Trajectory


class Policy(Protocol):
    """Chooses the next setpoints of all vessels at once."""

    def decide(
        self,
        trajectories: Mapping[str, Trajectory],
        in_force: Mapping[str, Setpoints],
        model: Model,
        design_space: DesignSpace,
        config: RunConfig,
        *,
        day: int,
    ) -> dict[str, Decision | PerfusioError]:
        """Return a Decision per vessel, or the error that kept one from being made (other vessels are unaffected).

        `in_force` may name further vessels: they go on beside those that are asked about.
        """
        ...


@runtime_checkable
class Checking(Protocol):
    """A policy that can tell before a run whether it can do its task."""

    def check(self, config: RunConfig) -> None:
        """Refuse settings of a run that no decision could be made with.

        Raises:
            ConfigError: something they ask for is not installed here, or not known.
        """
        ...


@runtime_checkable
class Recorded(Protocol):
    """A policy that was told something which stands nowhere else on record."""

    def on_record(self) -> dict[str, Any]:
        """Return it as plain data for the first record of a run; nothing if it was told nothing."""
        ...
