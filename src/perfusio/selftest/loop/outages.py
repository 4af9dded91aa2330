"""T16: a source that cannot be read, for a second or for two days, at any moment of a day, in one vessel or in many.

Time is that of the vessels, on a clock that moves by itself, so that a week of a culture passes in half a second. What
must come of each outage follows from when the sample could be read again: within its turn it is decided for, after it
the turn is missing; the run goes on, and each outage is told once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode, RunConfig
from perfusio.errors import NotConnected, UnreadableSource
from perfusio.events import AlarmChanged, AlarmRaised, ConnectorFailed, ConnectorRecovered, Event, SampleRead
from perfusio.protocols import ConnectorKind
from perfusio.record.verification.verify import read_records, verify
from perfusio.selftest.promises import Tried
from perfusio.selftest.quiet_vessel import QuietVessel, sample_of
from perfusio.state import Setpoints, State
from perfusio.testing.clock import ManualClock, in_virtual_time
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.outcome import Outcome
from perfusio.twin.samples.source_watch import ALARM_AFTER_S, LOOKS_EVERY_S
from perfusio.twin.samples.vessel_reader import LONGEST_PAUSE_S, QUIET_S, VesselReader
from perfusio.twin.timeouts import SAMPLES_SHARE

DAY_S, N_DAYS, ON_DAY = 86_400.0, 4, 1
LENGTHS_S = (1.0, 2.0, 8.0, 30.0, 60.0, 600.0, 3_600.0, 6 * 3_600.0, DAY_S, 2 * DAY_S)
LENGTHS_QUICK_S = (1.0, 60.0, 6 * 3_600.0, 2 * DAY_S)
MOMENTS, MOMENTS_QUICK = 10, (0, 6)
EARLY_S = 45.0
"""So long before the sample of a day the first of the moments is: a short outage is over by then, a longer one not."""
N_VESSELS = (1, 3)
FAILURES: tuple[Callable[[], Exception], ...] = (
    lambda: NotConnected("The link is down."),
    lambda: UnreadableSource(("samples.csv: the file is not there.",)),
    lambda: UnreadableSource(("samples.csv: a header and no row.",)),
    lambda: OSError(24, "Too many open files"),
    lambda: MemoryError("no memory"),
    lambda: LookupError("a driver's own"),
)
"""How a source fails; which of them, changes with the outage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """When a source cannot be read.

    Attributes:
        begins_s: Since the first sample [s].
        length_s: How long it lasts [s].
        n_vessels: Vessels of the run; only the first has the outage.
        failure: How it fails.
    """

    begins_s: float
    length_s: float
    n_vessels: int
    failure: Callable[[], Exception]

    @property
    def ends_s(self) -> float:
        """When it is over, since the first sample [s]."""
        return self.begins_s + self.length_s

    def __str__(self) -> str:
        """Say it."""
        at = self.begins_s / DAY_S
        return f"{self.length_s:g} s from day {at:.3f} on, {self.n_vessels} vessels, {type(self.failure()).__name__}"


class DailyVessel(QuietVessel):
    """A real vessel, as far as the twin can tell: the sample of each day is there when the day has come.

    Args:
        clock: Of the run.
        outage: When nothing of it can be read or written; None = never.
    """

    kind = ConnectorKind.HARDWARE

    def __init__(self, clock: ManualClock, outage: Outage | None = None) -> None:
        super().__init__(N_DAYS)
        self._clock, self._outage = clock, outage

    async def read_sample(self) -> State:
        """Wait for the day of the next sample and return it.

        Raises:
            Exception: that of the outage.
        """
        while True:
            self._check()
            due_s = (self._day + 1) * DAY_S
            if self._now_s >= due_s:
                self._day += 1
                return sample_of(self._day)
            begins_s = self._outage.begins_s if self._outage is not None else due_s
            until_s = min(due_s, begins_s) if begins_s > self._now_s else due_s
            await self._clock.sleep(until_s - self._now_s)

    async def read_setpoints(self) -> Setpoints:
        """Return the setpoints in force.

        Raises:
            Exception: that of the outage.
        """
        self._check()
        return await super().read_setpoints()

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """Put setpoints in force.

        Raises:
            Exception: that of the outage.
        """
        self._check()
        return await super().write_setpoints(setpoints)

    @property
    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9

    def _check(self) -> None:
        outage = self._outage
        if outage is not None and outage.begins_s <= self._now_s < outage.ends_s:
            raise outage.failure()


def trials(is_full: bool) -> Iterator[Outage]:
    """Return the outages that are tried."""
    moments = range(MOMENTS) if is_full else MOMENTS_QUICK
    for i, length_s in enumerate(LENGTHS_S if is_full else LENGTHS_QUICK_S):
        for moment in moments:
            begins_s = (ON_DAY + moment / MOMENTS) * DAY_S - EARLY_S
            for n_vessels in N_VESSELS:
                yield Outage(
                    begins_s=begins_s, length_s=length_s, n_vessels=n_vessels,
                    failure=FAILURES[(i + moment) % len(FAILURES)],
                )  # fmt: skip


def wrong_with(outage: Outage) -> list[str]:
    """Run a twin through an outage; return the faults."""
    clock, events = ManualClock(), list[Event]()
    names = [f"R{i + 1:02d}" for i in range(outage.n_vessels)]
    vessels = {name: DailyVessel(clock, outage if name == "R01" else None) for name in names}
    with tempfile.TemporaryDirectory() as folder:
        config = RunConfig(
            duration_days=N_DAYS, n_paths=16, forecast_days=2, run_dir=Path(folder), mode=Mode.AUTOMATIC,
            model_update="frozen",
        )  # fmt: skip
        twin = DigitalTwin(
            connector=vessels, design_space=DEFAULT_AMBR250_DESIGN_SPACE, run_config=config, model=SteadyModel(),
            policy=SteppingPolicy(), clock=clock, observers=(events.append,),
        )  # fmt: skip
        try:
            outcome = in_virtual_time(twin.run(), clock).outcome
        except Exception as error:  # noqa: BLE001 - whatever it ended with, that is what was wrong
            return [f"the run ended with {type(error).__name__}: {error}"]
        path = Path(folder) / "audit.jsonl"
        is_sound, n_records = verify(path).is_intact, len(list(read_records(path)))
    found = {
        "the run was not completed": outcome is not Outcome.COMPLETED,
        f"the record of {n_records} is broken": not is_sound,
    }
    return [what for what, is_so in found.items() if is_so] + _wrong_in(events, outage, names)


def _wrong_in(events: list[Event], outage: Outage, names: list[str]) -> list[str]:
    wrong = []
    for name in names:
        mine = [e for e in events if e.reactor == name]
        hours = sorted(e.state.time_h for e in mine if isinstance(e, SampleRead))
        if hours != [24.0 * day for day in range(N_DAYS + 1)]:
            wrong.append(f"{name}: the samples read are {hours}")
        written = {e.turn for e in mine if type(e).__name__ == "SetpointsWritten"}
        for day in range(N_DAYS):
            must = _must_be_decided(day, outage if name == "R01" else None)
            if must is not None and must != (day in written):
                wrong.append(f"{name}: day {day} was {'not ' if must else ''}decided and written")
        wrong += _wrong_in_what_was_told(name, mine, outage if name == "R01" else None)
    return wrong


def _must_be_decided(day: int, outage: Outage | None) -> bool | None:
    """Whether the sample of a day comes within its turn; None where a retry decides it."""
    due_s = day * DAY_S
    if outage is None or not outage.begins_s <= due_s < outage.ends_s:
        return True
    # in a fleet the others wait for a part of the interval only
    lasts_s = DAY_S if outage.n_vessels == 1 else SAMPLES_SHARE * DAY_S
    left_s = due_s + lasts_s - outage.ends_s
    return None if abs(left_s) <= 2.0 * LONGEST_PAUSE_S else left_s > 0.0


def _wrong_in_what_was_told(name: str, events: list[Event], outage: Outage | None) -> list[str]:
    failed = sum(isinstance(e, ConnectorFailed) for e in events)
    recovered = [e.seconds for e in events if isinstance(e, ConnectorRecovered)]
    raised = sum(isinstance(e, AlarmRaised) and e.quantity == "source" for e in events)
    cleared = sum(isinstance(e, AlarmChanged) and e.alarm == "source:act" for e in events)
    if outage is None:
        return [f"{name}: told of an outage of another vessel"] if failed or recovered or raised else []
    wrong = []
    if (failed, len(recovered)) != (1, 1):
        wrong.append(f"{name}: the outage was told {failed} times, its end {len(recovered)} times")
    elif not outage.length_s <= recovered[0] <= outage.length_s + LONGEST_PAUSE_S + 1.0:
        wrong.append(f"{name}: it is said to have lasted {recovered[0]:g} s")
    slack_s = LOOKS_EVERY_S + LONGEST_PAUSE_S + QUIET_S
    if abs(outage.length_s - ALARM_AFTER_S) > slack_s:
        n = int(outage.length_s > ALARM_AFTER_S)
        if (raised, cleared) != (n, n):
            wrong.append(f"{name}: {raised} alarms raised and {cleared} cleared, expected {n}")
    return wrong


def outages(is_full: bool) -> Tried:
    """Cut vessels off, for every length at every moment."""
    asked = list(trials(is_full))
    broken = [(outage, wrong) for outage in asked if (wrong := wrong_with(outage))]
    words = f"1 s to {max(o.length_s for o in asked) / DAY_S:g} days, at {len({o.begins_s for o in asked})} moments"
    return Tried(
        id="T16",
        promise="a source that cannot be read ends neither a turn nor a run, and is told once",
        n_tried=len(asked),
        n_failed=len(broken),
        note=f"{broken[0][0]}: {broken[0][1][0]}" if broken else f"{words}, {N_VESSELS[0]} and {N_VESSELS[1]} vessels",
    )


# -- bugs that it must notice ------------------------------------------------------------------------------------------


@contextmanager
def _exchanged(name: str, faulty: object) -> Iterator[None]:
    rightly = getattr(VesselReader, name)
    setattr(VesselReader, name, faulty)
    try:
        yield
    finally:
        setattr(VesselReader, name, rightly)


@contextmanager
def an_error_ends_the_turn() -> Iterator[None]:
    """A read that fails is taken for a sample that does not come."""
    rightly = VesselReader.look

    async def gives_up(self: VesselReader) -> State | None:
        try:
            await rightly(self)
        except Exception:  # noqa: BLE001 - that is the bug
            return None
        return self.ahead

    with _exchanged("next", gives_up):
        yield


@contextmanager
def an_error_ends_the_run() -> Iterator[None]:
    """A read that fails is nobody's business."""

    async def raises(self: VesselReader) -> State | None:
        await self.look()
        return self.ahead

    with _exchanged("next", raises):
        yield


@contextmanager
def each_try_is_told() -> Iterator[None]:
    """Whoever watches is told again and again."""
    rightly = VesselReader._fails

    def fails(self: VesselReader, error: Exception) -> None:
        since, self.failing_since_ns = self.failing_since_ns, None
        rightly(self, error)
        self.failing_since_ns = since or self.failing_since_ns

    with _exchanged("_fails", fails):
        yield


BUGS = {
    "an error ends the turn": an_error_ends_the_turn,
    "an error ends the run": an_error_ends_the_run,
    "each try is told": each_try_is_told,
}


def planted_in_outages(is_full: bool) -> Tried:
    """Plant each bug and see it noticed."""
    del is_full
    outage = Outage(begins_s=1.5 * DAY_S, length_s=1.2 * DAY_S, n_vessels=1, failure=FAILURES[0])
    missed = []
    for name, bug in BUGS.items():
        with bug():
            if not wrong_with(outage):
                missed.append(name)
    if wrong := wrong_with(outage):
        missed.append(f"without a bug: {wrong[0]}")
    return Tried(
        id="teeth",
        promise="bugs planted in what becomes of reads that fail are caught",
        n_tried=len(BUGS),
        n_failed=len(missed),
        note=f"missed: {', '.join(missed)}" if missed else f"caught by T16: {', '.join(BUGS)}",
    )
