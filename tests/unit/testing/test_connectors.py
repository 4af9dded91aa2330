import ast
import asyncio
import contextlib
import inspect
import math
from dataclasses import replace
from pathlib import Path

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import EndOfRun, NotConnected, WriteRejected
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.protocols import Connector, ConnectorKind, Standing
from perfusio.state import Setpoints, State
from perfusio.testing import ScriptedConnector, check_connector, connectors, make_state, reading
from perfusio.testing.reading import expect

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
OTHER = CHO_PERFUSION.without("pyruvate", "pyruvate_feed")
DAYS = [make_state(day=d) for d in range(4)]


async def test_plays_back_samples_and_failures_then_ends_for_ever():
    vessel = ScriptedConnector([DAYS[0], NotConnected("cable"), DAYS[1]])
    assert isinstance(vessel, Connector)
    assert await vessel.read_sample() is DAYS[0]
    with pytest.raises(NotConnected, match="cable"):
        await vessel.read_sample()
    assert await vessel.read_sample() is DAYS[1]
    for _ in range(2):
        with pytest.raises(EndOfRun):
            await vessel.read_sample()


async def test_writes_follow_their_script():
    other = Setpoints.of(NOMINAL.vector() * 1.1)
    clipped = Setpoints.of(NOMINAL.vector() * 1.05)
    script = [None, WriteRejected("busy"), clipped, (other, NotConnected("half-open"))]
    vessel = ScriptedConnector([], write_script=script)
    assert await vessel.write_setpoints(other) == other
    assert await vessel.read_setpoints() == other
    with pytest.raises(WriteRejected):
        await vessel.write_setpoints(NOMINAL)
    assert await vessel.read_setpoints() == other
    assert await vessel.write_setpoints(NOMINAL) == clipped
    assert await vessel.read_setpoints() == clipped
    with pytest.raises(NotConnected):
        await vessel.write_setpoints(other)
    assert await vessel.read_setpoints() == other, "taken although it failed"
    assert vessel.written == [other, NOMINAL, NOMINAL, other]


@pytest.mark.parametrize("kind", list(ConnectorKind))
async def test_keeps_the_promises(kind):
    await check_connector(lambda: ScriptedConnector(DAYS, kind=kind))


async def test_a_late_value_may_come_for_a_known_time():
    late = State(time_h=24.0, titer=300.0)
    await check_connector(lambda: ScriptedConnector([DAYS[0], make_state(day=1, titer=math.nan), DAYS[2], late]))
    with pytest.raises(AssertionError, match="time went back"):
        await check_connector(lambda: ScriptedConnector([*DAYS, late]))


class Restarting(ScriptedConnector):
    async def read_sample(self):
        try:
            return await super().read_sample()
        except EndOfRun:
            self._script = list(DAYS)
            raise


class Losing(ScriptedConnector):
    """Takes a sample off its script before it has arrived."""

    async def read_sample(self):
        sample = await super().read_sample()
        await asyncio.sleep(0)
        return sample


class Repeating(ScriptedConnector):
    """Begins from the first sample after a resume."""

    def goes_on(self, standing):
        pass


class Skipping(ScriptedConnector):
    """Loses a sample at a resume."""

    def goes_on(self, standing):
        super().goes_on(standing)
        self._script.pop(0)


class Trusting(ScriptedConnector):
    """Takes a sample that was refused for one that was never read."""

    def goes_on(self, standing):
        super().goes_on(replace(standing, refused=()))


class Forgetful(ScriptedConnector):
    async def write_setpoints(self, setpoints):
        return setpoints


class Rewriting(ScriptedConnector):
    async def write_setpoints(self, setpoints):
        self.in_force = setpoints
        return setpoints


class Endless(ScriptedConnector):
    """Ends too soon after a resume."""

    def goes_on(self, standing):
        self._script = []


class Backwards(ScriptedConnector):
    async def write_setpoints(self, setpoints):
        self._script = [replace(DAYS[0], time_h=0.0)]
        return await super().write_setpoints(setpoints)


class Late(Backwards):
    """Begins on day 1, so that time can go back."""

    def __init__(self, script, **options):
        super().__init__(script[1:], **options)


class Renamed(ScriptedConnector):
    """Clips what it is asked for, and says so."""

    async def write_setpoints(self, setpoints):
        return await super().write_setpoints(NOMINAL)


class Half:
    """Reads, and cannot write."""

    kind, confirms_at_once = ConnectorKind.REPLAY, False

    async def read_sample(self):
        raise EndOfRun


BROKEN = (
        (Half, "lacks a method"),
        (lambda: ScriptedConnector([{"vcd": 30.0}]), "must return a State"),
        (lambda: ScriptedConnector([replace(DAYS[0], time_h=math.inf)]), "time_h must be finite"),
        (lambda: ScriptedConnector([make_state(viability=97)]), "must be a float"),
        (lambda: ScriptedConnector([replace(DAYS[0], quality={"gold": "odd"})]), "quality names 'gold'"),
        (lambda: ScriptedConnector(DAYS, setpoints=NOMINAL.by_name()), "must come as Setpoints"),
        (lambda: ScriptedConnector(DAYS, setpoints=Setpoints(panel=OTHER)), "expected CHO cells in perfusion"),
        (lambda: Renamed(DAYS), "acknowledged"),
        (lambda: Late(DAYS), "a write moved time back"),
        (lambda: Endless(DAYS), "found the end"),
        (lambda: ScriptedConnector([]), "ended before its first sample"),
        (lambda: ScriptedConnector(DAYS[::-1]), "time went back"),
        (lambda: ScriptedConnector([make_state(viability=120.0)]), "viability = 120"),
        (lambda: ScriptedConnector(DAYS, setpoints=Setpoints(agitation=-1.0)), "agitation = -1"),
        (lambda: Restarting(DAYS), "after EndOfRun"),
        (lambda: Forgetful(DAYS), "read back"),
        (lambda: Rewriting(DAYS, kind=ConnectorKind.REPLAY), "a replay is history"),
        (lambda: ScriptedConnector([make_state(pyruvate=0.0)]), "pyruvate was not measured"),
        (lambda: ScriptedConnector(DAYS, kind="replay"), "kind must be"),
        (lambda: Losing(DAYS), "was lost with a call that was given up"),
        (lambda: Repeating(DAYS), "a sample that was read came again after a resume"),
        (lambda: Skipping(DAYS), "after a resume expected the sample at 48 h, found 72 h"),
        (lambda: Trusting(DAYS), "a sample that was refused came again after a resume"),
)  # fmt: skip


@pytest.mark.parametrize(("make", "said"), BROKEN)
async def test_each_broken_promise_is_found(make, said):
    with pytest.raises(AssertionError, match=said):
        await check_connector(make, unmeasured=("pyruvate",) if "pyruvate" in said else ())


class Breakable(ScriptedConnector):
    """Hears of a source that is away, and makes of it what a subclass says."""

    is_broken = False

    async def read_sample(self):
        if self.is_broken:
            self.breaks()
        return await super().read_sample()

    def breaks(self):
        raise NotConnected("away")


class GivingUp(Breakable):
    def breaks(self):
        raise EndOfRun


class LosingTheNext(Breakable):
    def breaks(self):
        self._script.pop(0)
        raise NotConnected("away")


class Inventing(Breakable):
    def breaks(self):
        self._script.insert(0, make_state(day=9))


class Worn(Breakable):
    """Loses its first sample once it has been used."""

    n_made = 0

    def __init__(self, script):
        type(self).n_made += 1
        super().__init__(script[1:] if type(self).n_made > 10 else script)


def away(kind):
    @contextlib.contextmanager
    def context():
        kind.is_broken = True
        try:
            yield
        finally:
            kind.is_broken = False

    return context


AWAY = (
    (GivingUp, "cannot be read is no end of it"), (LosingTheNext, "at 24 h was lost with a call that failed"),
    (Inventing, "at 216 h is not the next sample"),
)  # fmt: skip


@pytest.mark.parametrize(("kind", "said"), AWAY)
async def test_what_becomes_of_a_source_that_is_away(monkeypatch, kind, said):
    await check_connector(lambda: Breakable(DAYS), breaks=away(Breakable))
    with pytest.raises(AssertionError, match=said):
        await check_connector(lambda: kind(DAYS), breaks=away(kind))


async def test_after_a_resume_a_script_goes_on_with_what_was_not_read():
    late = State(time_h=24.0, titer=300.0)
    vessel = ScriptedConnector([DAYS[0], NotConnected("cable"), make_state(day=1, titer=math.nan), late, DAYS[2]])
    known = (DAYS[0], make_state(day=1, titer=math.nan))
    vessel.goes_on(Standing(states=known, refused=(), in_force=NOMINAL, done=None, source={}))
    assert await vessel.read_sample() is late
    assert await vessel.read_sample() is DAYS[2]


def test_states_are_healthy_and_changeable():
    assert make_state().missing() == ()
    state = make_state(day=2, glucose=math.nan)
    assert state.time_h == 48.0
    assert state.missing() == ("glucose",)


async def test_every_promise_of_the_check_has_a_planted_bug(monkeypatch):
    """Each place at which the check can fail has failed for one of the broken connectors above."""
    failed = set()

    def noting(kept, broken):
        if not kept:
            caller = inspect.stack()[1]
            failed.add((Path(caller.filename).name, caller.lineno))
        expect(kept, broken)

    for module in (connectors, reading):
        monkeypatch.setattr(module, "expect", noting)
    Worn.n_made = 0
    tried = [(make, said, {"unmeasured": ("pyruvate",) if "pyruvate" in said else ()}) for make, said in BROKEN]
    broken = (*AWAY, (Worn, "promise broken"))
    tried += [(lambda kind=kind: kind(DAYS), said, {"breaks": away(kind)}) for kind, said in broken]
    for make, said, options in tried:
        with pytest.raises(AssertionError, match=said):
            await check_connector(make, **options)
    places = set()
    for module in (connectors, reading):
        tree = ast.parse(inspect.getsource(module))
        calls = (n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "expect")
        places |= {(Path(module.__file__).name, call.lineno) for call in calls}
    assert failed >= places, sorted(places - failed)
