import math

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import EndOfRun, NotConnected, WriteRejected
from perfusio.protocols import Connector, ConnectorKind
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
            self._script = iter(DAYS)
            raise


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
    ],
)
async def test_each_broken_promise_is_found(make, said):
    with pytest.raises(AssertionError, match=said):
        await check_connector(make, unmeasured=("pyruvate",) if "pyruvate" in said else ())


def test_states_are_healthy_and_changeable():
    assert make_state().missing() == ()
    state = make_state(day=2, glucose=math.nan)
    assert state.time_h == 48.0
    assert state.missing() == ("glucose",)
