"""How each write ends: done, refused, the old values back, a part, unknown; and nothing after its deadline."""

import asyncio
import tomllib
from dataclasses import replace
from itertools import product
from time import monotonic

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.connectors.opc_ua.node_map import node_map_of
from perfusio.errors import ConfigError, NotConnected, WriteRejected
from perfusio.protocols import Ending
from perfusio.state import SETPOINTS, Setpoints
from perfusio.testing import make_state

from ..conftest import QUICK

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
ASKED = Setpoints(
    perfusion_rate=1.2, bleed_rate=0.2, glucose_setpoint=4.5, temperature=36.0, agitation=900.0, pyruvate_feed=1.5
)


@pytest.fixture
async def vessel(connect):
    vessel = connect().vessels()["R01"]
    await vessel.read_sample()
    await vessel.read_setpoints()
    return vessel


async def ending(vessel, asked=ASKED):
    """How a write ended, and what it said if it did not end well."""
    try:
        await vessel.write_setpoints(asked)
    except (WriteRejected, NotConnected) as error:
        return vessel.last_write.ending, str(error)
    return vessel.last_write.ending, ""


async def test_done_in_one_request_each_in_its_own_type(vessel, server):
    assert await vessel.write_setpoints(ASKED) == replace(ASKED, pyruvate_feed=1.5)
    assert server.setpoints("R01") == ASKED
    assert server.setpoints("R02") == NOMINAL
    kinds = {w.node: w.kind for w in server.witness.written}
    assert kinds == {f"R01.{n}": "Float" if n == "pyruvate_feed" else "Double" for n in SETPOINTS}


async def test_only_what_changes_is_written(vessel, server):
    await vessel.write_setpoints(replace(NOMINAL, bleed_rate=0.2))
    assert [w.node for w in server.witness.written] == ["R01.bleed_rate"]
    await vessel.write_setpoints(replace(NOMINAL, bleed_rate=0.2))
    assert len(server.witness.written) == 1


async def test_all_subsets_of_failing_writes_end_done_or_with_the_old_values_back(vessel, server):
    for fails in product((False, True), repeat=6):
        failing = [n for n, fail in zip(SETPOINTS, fails, strict=True) if fail]
        server.faults.bad_writes = {f"R01.{n}": "BadNotWritable" for n in failing}
        found, said = await ending(vessel)
        if not failing:
            assert (found, server.setpoints("R01")) == (Ending.DONE, ASKED)
            await vessel.write_setpoints(NOMINAL)
            continue
        assert found is Ending.RESTORED
        assert server.setpoints("R01") == NOMINAL
        assert all(f"{n} (BadNotWritable)" in said for n in failing)
        assert vessel.stopped
        vessel.allow_writing(who="A. Person", why="next case of the test")
        await vessel.read_setpoints()


async def test_what_fails_for_a_moment_is_tried_again(vessel, server):
    server.faults.bad_writes = {"R01.bleed_rate": "BadDeviceFailure"}
    write = asyncio.create_task(ending(vessel))
    while not server.witness.written:
        await asyncio.sleep(0.005)
    server.faults.bad_writes = {}
    assert await write == (Ending.DONE, "")
    assert server.setpoints("R01") == ASKED


async def test_what_fails_for_long_is_put_back_before_the_deadline(vessel, server):
    server.faults.bad_writes = {"R01.bleed_rate": "BadDeviceFailure"}
    begun = monotonic()
    found, said = await ending(vessel)
    assert (found, server.setpoints("R01")) == (Ending.RESTORED, NOMINAL)
    assert "bleed_rate (BadDeviceFailure)" in said
    assert all(w.at <= begun + QUICK.write for w in server.witness.written)


async def test_a_write_that_is_answered_good_and_forgotten_is_seen(vessel, server):
    server.faults.ignored_writes = {"R01.temperature"}
    found, said = await ending(vessel)
    assert (found, server.setpoints("R01")) == (Ending.RESTORED, NOMINAL)
    assert "temperature 36 and 36.5" in said


class OnlyOnce(dict):
    """Writes that succeed the first time and never again."""

    def __init__(self, nodes):
        super().__init__()
        self.left = set(nodes)

    def get(self, node, default=None):
        if node in self.left:
            self.left.remove(node)
            return default
        return "BadNotWritable"


async def test_what_cannot_be_put_back_is_told_as_a_part(vessel, server):
    server.faults.bad_writes = OnlyOnce({"R01.perfusion_rate"})
    found, said = await ending(vessel)
    assert found is Ending.PARTIAL
    assert "Not put back: perfusion_rate 1 and 1.2" in said
    assert vessel.last_write.in_force.perfusion_rate == 1.2
    assert vessel.stopped


async def test_a_server_that_dies_during_the_write_is_read_back_when_it_is_up_again(vessel, server):
    server.faults.write_delay_s = 0.2
    write = asyncio.create_task(ending(vessel))
    await asyncio.sleep(0.1)
    server.kill()
    server.faults.write_delay_s = 0.0
    server.start()
    assert await write == (Ending.DONE, "")
    assert server.setpoints("R01") == ASKED


async def test_a_server_that_stays_away_leaves_it_unknown_and_writing_stops(vessel, server):
    server.faults.write_delay_s = 0.2
    write = asyncio.create_task(ending(vessel))
    await asyncio.sleep(0.1)
    server.kill()
    found, said = await write
    assert found is Ending.UNKNOWN
    assert "What is in force is not known" in said
    server.faults.write_delay_s = 0.0
    server.start()
    n = len(server.witness.written)
    with pytest.raises(WriteRejected, match="writing has stopped"):
        await vessel.write_setpoints(ASKED)
    assert len(server.witness.written) == n


@pytest.mark.parametrize("release_after_s", [0.0, 1.2])
async def test_what_is_stuck_in_a_half_open_link_is_never_carried_out_late(connect, server, proxy, release_after_s):
    vessel = connect(endpoint=f"opc.tcp://127.0.0.1:{proxy.port}/").vessels()["R01"]
    await vessel.read_sample()
    before = await vessel.read_setpoints()
    link = await vessel._session.link(until=None)
    honest_write = link.write

    async def stalled(values):
        proxy.stall()
        return await honest_write(values)

    link.write = stalled
    begun = monotonic()
    found, _ = await ending(vessel)
    assert found is Ending.UNKNOWN
    assert vessel.stopped
    await asyncio.sleep(release_after_s)
    proxy.release()  # the bytes of the write arrive now
    await asyncio.sleep(0.3)
    assert server.setpoints("R01") == before
    assert [w for w in server.witness.written if w.at > begun + QUICK.write] == []


async def test_a_half_open_link_that_heals_in_time_ends_done_without_a_second_change(connect, server, proxy):
    vessel = connect(endpoint=f"opc.tcp://127.0.0.1:{proxy.port}/").vessels()["R01"]
    await vessel.read_sample()
    await vessel.read_setpoints()
    link = await vessel._session.link(until=None)
    honest_write = link.write

    async def stalled(values):
        proxy.stall()
        return await honest_write(values)

    link.write = stalled
    write = asyncio.create_task(ending(vessel))
    await asyncio.sleep(QUICK.request + 0.3)  # it has given up on the answer
    proxy.release()
    found, _ = await write
    assert found in (Ending.DONE, Ending.RESTORED)
    assert server.setpoints("R01") == (ASKED if found is Ending.DONE else NOMINAL)


async def test_what_is_stranded_is_done_once_on_a_new_link_and_never_again(connect, server, proxy):
    timing = replace(QUICK, session=4.0, write=12.0)  # long enough for the old session to be open when its bytes come
    vessel = connect(endpoint=f"opc.tcp://127.0.0.1:{proxy.port}/", timing=timing).vessels()["R01"]
    await vessel.read_sample()
    await vessel.read_setpoints()
    link = await vessel._session.link(until=None)
    honest_write = link.write

    async def stranded(values):
        proxy.strand()
        return await honest_write(values)

    link.write = stranded
    assert (await ending(vessel))[0] is Ending.DONE
    assert len(server.witness.written) == len(SETPOINTS)
    server.set_value("R01.temperature", 34.0)
    proxy.release()
    await asyncio.sleep(0.3)
    assert server.setpoints("R01").temperature == 34.0
    assert len(server.witness.written) == len(SETPOINTS)


async def test_a_write_does_not_wait_for_a_link(vessel, server):
    server.kill()
    found, said = await ending(vessel)
    assert found is Ending.REFUSED
    assert "A write does not wait for a link" in said
    server.start()
    await asyncio.sleep(0.2)
    assert server.witness.written == []
    assert not vessel.stopped
    assert (await ending(vessel))[0] is Ending.DONE


async def test_what_somebody_else_changed_is_not_overwritten(vessel, server):
    await vessel.write_setpoints(ASKED)
    server.set_value("R01.temperature", 34.0)
    found, said = await ending(vessel, replace(ASKED, bleed_rate=0.25))
    assert found is Ending.OVERRIDDEN
    assert "temperature 36 and 34" in said
    assert server.setpoints("R01") == replace(ASKED, temperature=34.0)
    await vessel.read_setpoints()
    assert "writing has stopped" in (await ending(vessel))[1]
    vessel.allow_writing(who="A. Person", why="temperature shift was planned")
    await vessel.read_setpoints()
    assert (await ending(vessel, replace(ASKED, temperature=34.0, bleed_rate=0.25)))[0] is Ending.DONE
    assert "A. Person: temperature shift was planned" in vessel.warnings[0]


async def test_advice_that_a_person_carried_out_is_no_override(vessel, server):
    server.set_value("R01.bleed_rate", 0.2)
    await vessel.read_setpoints()
    assert (await ending(vessel))[0] is Ending.DONE


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (replace(ASKED, bleed_rate=float("nan")), "bleed_rate = nan cannot be written: expected a number of 1/day"),
        (replace(ASKED, perfusion_rate=float("inf")), "perfusion_rate = inf cannot be written"),
        (replace(ASKED, temperature=99.0), "temperature = 99"),
    ],
)
async def test_what_is_no_setpoint_is_not_sent(vessel, server, asked, said):
    found, words = await ending(vessel, asked)
    assert found is Ending.REFUSED
    assert said in words
    assert server.witness.written == []


async def test_what_is_read_only_is_not_written_and_the_rest_neither(connect, server):
    vessel = connect(nodes=server.node_map(write=("bleed_rate",))).vessels()["R01"]
    found, said = await ending(vessel)
    assert found is Ending.REFUSED
    assert "design_space.holding(temperature=36.5)" in said
    assert server.witness.written == []
    assert (await ending(vessel, replace(NOMINAL, bleed_rate=0.2)))[0] is Ending.DONE


async def test_without_a_readable_old_value_nothing_is_sent(vessel, server):
    server.faults.bad_reads = {"R01.agitation": "BadSensorFailure"}
    found, said = await ending(vessel)
    assert found is Ending.REFUSED
    assert "agitation cannot be read, so it could not be put back" in said
    assert server.witness.written == []


async def test_a_server_that_keeps_sessions_too_long_for_the_deadline_is_told(connect, server):
    server._server.iserver.min_session_timeout_ms = 60_000.0
    try:
        found, said = await ending(connect().vessels()["R01"])
    finally:
        server._server.iserver.min_session_timeout_ms = 200.0
    assert found is Ending.REFUSED
    assert "keeps a silent session for 60 s" in said


def test_allowing_again_needs_a_name_and_a_reason(connect):
    async def vessel_of():
        return connect().vessels()["R01"]

    vessel = asyncio.run(vessel_of())
    for who, why in (("", "because"), ("A. Person", "no")):
        with pytest.raises(ConfigError, match="a reason of 3 to 200"):
            vessel.allow_writing(who=who, why=why)


async def test_reading_goes_on_after_writing_has_stopped(vessel, server):
    server.faults.bad_writes = {"R01.bleed_rate": "BadNotWritable"}
    await ending(vessel)
    server.publish("R01", make_state(day=1))
    assert (await vessel.read_sample()).day == 1


async def test_a_controller_that_keeps_steps_has_taken_what_it_rounded(connect, server):
    steps = {"temperature": 0.1, "agitation": 5.0}
    server.faults.keeps = {f"R01.{name}": step for name, step in steps.items()}
    asked = replace(NOMINAL, temperature=36.7264, agitation=861.37)
    told = server.toml()
    for name, step in steps.items():
        told = told.replace(f'.{name}", write = true', f'.{name}", write = true, resolution = {step}')
    vessel = connect(nodes=node_map_of(tomllib.loads(told))).vessels()["R01"]
    await vessel.read_sample()
    await vessel.read_setpoints()
    done = await vessel.write_setpoints(asked)
    assert (done.temperature, done.agitation, vessel.stopped) == (pytest.approx(36.7), pytest.approx(860.0), "")
    assert await vessel.write_setpoints(asked) == done  # and is not asked again
    assert len(server.witness.written) == 2
    rigid = connect().vessels()["R01"]
    await rigid.read_sample()
    await rigid.read_setpoints()
    assert (await ending(rigid, replace(NOMINAL, temperature=36.3264)))[0] is Ending.RESTORED
