"""Four promises, in words and types: Connector, Model, Policy, EventSink."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar, runtime_checkable

from perfusio.config import DesignSpace, RunConfig
from perfusio.decision import Decision
from perfusio.errors import PerfusioError
from perfusio.events import Event
from perfusio.forecast import Forecast
from perfusio.state import FloatArray, Setpoints, State
from perfusio.trajectory import Trajectory

M = TypeVar("M")
A = TypeVar("A")
NOT_USED = "was found and not used"
"""In the remark on a value that is NaN, after the value: it came, and a check kept it from being used."""


class ConnectorKind(StrEnum):
    """What stands behind a connector; it decides the default mode and which checks make sense."""

    REPLAY = "replay"
    SIMULATED = "simulated"
    HARDWARE = "hardware"


@runtime_checkable
class Connector(Protocol):
    """One vessel, seen from the twin. The connector owns pace: a replay returns at once, a live one waits."""

    kind: ConnectorKind
    confirms_at_once: bool
    """Whether `read_setpoints` tells at once what a write did; a file whose controller answers later does not."""

    async def read_sample(self) -> State:
        """Wait for the next sample and return it.

        Raises:
            EndOfRun: no further sample will ever come.
            SampleOverdue: an expected sample did not come in time.
            NotConnected: the source cannot be reached.
        """
        ...

    async def read_setpoints(self) -> Setpoints:
        """Return what is really in force now; NaN where the source does not say."""
        ...

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """Ask for `setpoints` from now on and return what the vessel acknowledged.

        Raises:
            WriteRejected: the vessel did not take them.
            NotConnected: it is not known whether they were taken; read back.
        """
        ...


def able(connector: object, ability: type[A]) -> A | None:
    """Return a connector as one that has an optional ability, None if it has not: the one place where that is asked.

    It is asked of a vessel's own connector, never of a source of several: `perfusio.twin.vessels.aboard` has seen to
    that, so one vessel alone has the abilities that it has as one of many.

    Args:
        connector: Of one vessel.
        ability: `Reporting`, `Beating`, `Described`, `Dated`, `Resumable`, ...
    """
    return connector if isinstance(connector, ability) else None


def shows_at_once(connector: Connector) -> bool:
    """Whether `read_setpoints` shows at once what anybody changed at the vessel, and not only with its next sample.

    As `confirms_at_once`, unless the connector says otherwise in an attribute of this name: a controller may
    acknowledge at once what was asked of it, and still tell of a person's change only with the next sample.
    """
    return bool(getattr(connector, "shows_at_once", connector.confirms_at_once))


def is_fresh(connector: Connector) -> bool:
    """Whether the sample read last had come since the connector was made, so that it shows what is in force now.

    An attribute of this name says so of a connector whose samples may have waited while no program was running.
    """
    return bool(getattr(connector, "is_fresh", True))


class Ending(Enum):
    """How a write ended; the value is what to do."""

    DONE = "All values are in force."
    REFUSED = "Nothing has changed."
    OVERRIDDEN = "Nothing was sent: somebody else changed a setpoint. A person decides whose values hold."
    RESTORED = "The old values are back and verified. A person finds out why before anything more is written."
    PARTIAL = "A part is in force and could not be put back. A person looks at the vessel now."
    UNKNOWN = "What is in force is not known. A person looks at the vessel now."

    @property
    def stops_writing(self) -> bool:
        """Whether nothing more may be written until a person allows it."""
        return self not in (Ending.DONE, Ending.REFUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteReport:
    """How one write ended.

    Attributes:
        ending: How.
        in_force: What was read back last; NaN where it is not known.
        words: What happened, one sentence each.
    """

    ending: Ending
    in_force: Setpoints
    words: str = ""


@runtime_checkable
class Reporting(Protocol):
    """A connector that checks, reads back and puts back by itself, and says how its latest write ended."""

    last_write: WriteReport | None

    def allow_writing(self, *, who: str, why: str) -> None:
        """Allow writing again after an ending that stopped it; a person said so."""
        ...


@runtime_checkable
class Beating(Protocol):
    """A connector through which a controller can watch whether perfusio is there."""

    @property
    def is_watched(self) -> bool:
        """Whether there is a place for the heartbeat."""
        ...

    async def beat(self, count: int) -> None:
        """Show a number that is another at each call, at once or not at all.

        Raises:
            NotConnected: it could not be shown.
        """
        ...


BEATS_EVERY_S = 10.0
"""How often a twin shows through `Beating` that it is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who writes to a vessel: one program with one run.

    Attributes:
        run: Folder of the run.
        pid: Number of the process.
        host: Name of its machine.
        since: When it began, UTC.
    """

    run: str
    pid: int
    host: str
    since: str = ""

    def __str__(self) -> str:
        since = f", since {self.since}" if self.since else ""
        return f"the twin of the run in {self.run} (process {self.pid} on {self.host}{since})"


@runtime_checkable
class Leased(Protocol):
    """A connector whose vessel one twin at a time may write to; the lease ends with the program that holds it."""

    async def take(self, holder: Holder) -> None:
        """Take the vessel for this twin, before anything is written to it; a second time by the same twin is nothing.

        Raises:
            VesselTaken: another twin has it; the message names that one as far as it is known.
            NotConnected: it is not known whether another has it.
        """
        ...

    async def give_back(self) -> None:
        """Let another twin take it."""
        ...


@dataclass(frozen=True, slots=True)
class Refit(Generic[M]):
    """A freshly fitted model, and how both models predict the latest transitions (lower is better)."""

    model: M
    error: float
    previous_error: float


@runtime_checkable
class Described(Protocol):
    """A connector that can say where its samples come from."""

    def describe(self) -> dict[str, Any]:
        """Return plain data for the record, e.g. path, hash and columns of a file, and its ``clone`` if it knows it."""
        ...


@runtime_checkable
class Holding(Protocol):
    """A connector to a vessel that cannot change some of its setpoints."""

    @property
    def fixed(self) -> Mapping[str, float]:
        """Return these setpoints by name with the value that they always have, canonical unit: decisions hold it."""
        ...


@runtime_checkable
class Dated(Protocol):
    """A connector to a living source that knows the dates of its samples."""

    @property
    def began(self) -> datetime | None:
        """When culture time 0 was; None where nothing says so. Without a zone, it is the time of this machine."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a run stood with one vessel when an earlier program ended.

    Attributes:
        states: Samples that are known, in order of time, as they are believed now: corrections included. A value that
            came and was not used is NaN, with a remark that holds it (NOT_USED).
        refused: Samples that were quarantined and not accepted since.
        in_force: Setpoints since the latest sample, as far as they are known.
        done: What our last write left in force; None where there was none, or somebody else changed it since.
        source: What the connector said of its source when the run began (`Described.describe`).
    """

    states: tuple[State, ...]
    refused: tuple[State, ...]
    in_force: Setpoints
    done: Setpoints | None
    source: Mapping[str, Any]


@runtime_checkable
class Resumable(Protocol):
    """A connector that can go on where an earlier program stood."""

    def goes_on(self, standing: Standing) -> None:
        """Know what an earlier program has read and written, before the first call of this one.

        Afterwards `read_sample` returns what is news since then: a sample, late value or correction that is not in
        `standing.states`, and no value that was refused; a write is for the latest sample known.

        Raises:
            UnreadableSource: this is another source than the one that was read before.
        """
        ...


@runtime_checkable
class Following(Protocol):
    """A connector that can say whether it waits for samples that are still to be taken; hardware always does."""

    @property
    def follows(self) -> bool:
        """Whether the source grows: a file, folder or table that is followed."""
        ...


def is_live(connector: Connector) -> bool:
    """Whether the samples of a vessel are still to be taken, so that its turns pass with the clock.

    Args:
        connector: To the vessel; a replay of what is finished, and a simulation, are as fast as they are.
    """
    return connector.kind is ConnectorKind.HARDWARE or (isinstance(connector, Following) and connector.follows)


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
        """Return what `play` returns for each vessel's futures under its plans (G, H, U), H the same for all."""
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
    """A model that can say what moves a vessel beside what it foresees."""

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
        """What fits best, canonical unit."""
        ...

    @property
    def words(self) -> str:
        """What was found, what was expected, what to do."""
        ...


@runtime_checkable
class JudgesMedium(Protocol):
    """A model that can say whether the first days of a vessel fit the medium that was declared."""

    def medium_doubts(self, trajectory: Trajectory) -> Sequence[MediumDoubt]:
        """Return the species that do not fit, the surest first; nothing where all do, or too little is known."""
        ...


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
class Recorded(Protocol):
    """A policy that was told something which stands nowhere else on record."""

    def on_record(self) -> dict[str, Any]:
        """Return it as plain data for the first record of a run; nothing if it was told nothing."""
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


class EventSink(Protocol):
    """Where the facts of a run go, before they are acted upon."""

    def append(self, event: Event) -> int:
        """Write one event durably and return its sequence number; only then is it a fact.

        Raises:
            AuditError: it could not be made durable; nothing may be actuated.
        """
        ...
