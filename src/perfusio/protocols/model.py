"""Model: a belief about vessels, and optional abilities of models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar, runtime_checkable

from perfusio.forecast import Forecast
from perfusio.state import FloatArray, Setpoints
from perfusio.trajectory import Trajectory

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Refit(Generic[M]):
    """A freshly fitted model, and how both models predict the latest transitions (lower is better)."""

    model: M
    error: float
    previous_error: float


class Futures(Protocol):
    """Random draws of one vessel's possible futures, to be played under any plan."""

    def play(self, plans: FloatArray) -> FloatArray:
        """Return the species (G, S, H, Q) under plans of setpoints (G, H, U), on the same S random paths."""
        ...


@runtime_checkable
class JointFutures(Futures, Protocol):
    """Futures that are cheaper to play beside those of other vessels; the numbers are the same."""

    def rough(self, n_paths: int) -> JointFutures:
        """Return the first so many of these paths, more roughly: to compare plans, not to say where limits lie."""
        ...

    @staticmethod
    def play_together(asked: Sequence[tuple[Any, FloatArray]]) -> Sequence[FloatArray]:
        """Return the paths of `play` for each vessel's futures under its plans (G, H, U), H the same for all."""
        ...


@runtime_checkable
class ForecastsTogether(Protocol):
    """A model that forecasts many vessels cheaper in one go; the numbers are those of `Model.rollout`."""

    def rollout_vessels(
        self,
        trajectories: Sequence[Trajectory],
        plans: Sequence[Sequence[Setpoints]],
        *,
        interval_hours: float,
        n_paths: int,
        seed: int,
    ) -> tuple[Forecast, ...]:
        """Forecast each trajectory under the plan beside it; a vessel may be there with several plans."""
        ...


class Model(Protocol):
    """A belief about vessels. Frozen: each method that learns returns a new model."""

    @property
    def model_id(self) -> str:
        """Short identifier that changes whenever the predictions change."""
        ...

    def condition(self, trajectories: Sequence[Trajectory]) -> Self:
        """Return the model having seen these trajectories so far, parameters unchanged (fast, every day)."""
        ...

    def refit(self, trajectories: Sequence[Trajectory], *, seed: int) -> Refit[Self]:
        """Learn the parameters again from all data, on a copy (slow, every few days).

        Raises:
            ModelError: no usable fit; the old model stays valid.
        """
        ...

    def rollout(
        self,
        trajectory: Trajectory,
        plans: Sequence[Sequence[Setpoints]],
        *,
        interval_hours: float,
        n_paths: int,
        seed: int,
    ) -> tuple[Forecast, ...]:
        """Forecast from the last sample under each plan (one Setpoints per interval), on common random paths."""
        ...

    def futures(
        self, trajectory: Trajectory, *, interval_hours: float, n_paths: int, n_intervals: int, seed: int
    ) -> Futures:
        """Draw possible futures of a vessel from its last sample on; the same seed draws the same futures.

        Vessels are asked about with one seed a day; a model should mix the name of the vessel in where luck differs.
        """
        ...


@runtime_checkable
class Disturbed(Protocol):
    """A model that can estimate the disturbance of a vessel."""

    def disturbance(self, trajectory: Trajectory) -> tuple[FloatArray, FloatArray]:
        """Return the estimated drift of each species and its sd, canonical units per day, two arrays (Q,)."""
        ...


@runtime_checkable
class Experienced(Protocol):
    """A model that can say where it was taught."""

    def tried(self) -> tuple[FloatArray, FloatArray] | None:
        """Return the least and the largest value of each setpoint in the runs that it learnt from, two arrays (U,).

        None where these are too few to tell a design from chance.
        """
        ...


@runtime_checkable
class Taught(Protocol):
    """A model that can name the past runs behind it."""

    def learnt_from(self) -> str:
        """Return the past runs that it was learnt from in words, e.g. ``"3 past runs of CloneX"``; empty = none."""
        ...


class MediumDoubt(Protocol):
    """A species whose declared concentration in the medium does not fit the samples."""

    @property
    def species(self) -> str:
        """Its name."""
        ...

    @property
    def declared(self) -> float:
        """In the medium, canonical unit."""
        ...

    @property
    def likely(self) -> float:
        """Best fit, canonical unit."""
        ...

    @property
    def words(self) -> str:
        """Finding, expectation and remedy."""
        ...


@runtime_checkable
class JudgesMedium(Protocol):
    """A model that can say whether the first days of a vessel fit the medium that was declared."""

    def medium_doubts(self, trajectory: Trajectory) -> Sequence[MediumDoubt]:
        """Return the species that do not fit, the surest first; nothing where all do, or too little is known."""
        ...


@runtime_checkable
class Saving(Protocol):
    """A model that can write itself to a folder, so that a run goes on with it after a crash."""

    @property
    def model_id(self) -> str:
        """As of any Model."""
        ...

    def save(self, folder: Path, *, trajectories: Sequence[Trajectory]) -> Path:
        """Write it, with the trajectories that it has seen; return the file whose SHA-256 stands for all of it.

        Raises:
            OSError: the disk does not take it.
        """
        ...
