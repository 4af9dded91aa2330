import asyncio
import contextlib
import math
from dataclasses import replace

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import EndOfRun, NotConnected, WriteRejected
from perfusio.protocols import Connector, ConnectorKind, Standing
from perfusio.state import Setpoints, State
from perfusio.testing import ScriptedConnector, check_connector, make_state

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
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


@pytest.mark.parametrize(
    ("make", "said"),
    [
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
    ],
)
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


@pytest.mark.parametrize(
    ("kind", "said"),
    [(GivingUp, "cannot be read is no end of it"), (LosingTheNext, "at 24 h was lost with a call that failed")],
)
async def test_what_becomes_of_a_source_that_is_away(monkeypatch, kind, said):
    def away(kind):
        @contextlib.contextmanager
        def context():
            kind.is_broken = True
            yield
            kind.is_broken = False

        return context

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
