"""What a sensor reads between samples: taken every hour from a node of its own, and no sample by itself."""

import tomllib
from datetime import UTC, datetime, timedelta

import pytest

from perfusio.config import DesignSpace
from perfusio.connectors.opc_ua.access import Timing
from perfusio.connectors.opc_ua.node_map import node_map_of
from perfusio.connectors.opc_ua.samples import Reading, Seen, next_reading, seen_before
from perfusio.connectors.opcua import OpcUaConnector
from perfusio.errors import ConfigError, SampleOverdue
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.species import Species
from perfusio.protocols import Standing
from perfusio.state import Setpoints, State
from perfusio.testing.opcua_server import FaultyOpcUaServer

PROCESS = CHO_PERFUSION.with_(Species("capacitance", unit="1e6 cells/mL", role="signal", measures="vcd"))
START = datetime(2026, 11, 2, 9, tzinfo=UTC)
NODES = """
[namespaces]
rig = "urn:rig"
[vessels]
R01 = "HT1"
[sample]
number = "rig:s=number"
time = "rig:s=time"
inoculated = 2026-11-02T10:00:00+01:00
[measured]
vcd = "rig:s=vcd"
[signals]
capacitance = "rig:s=capacitance"
"""


def read_map(text=NODES, panel=PROCESS):
    return node_map_of(tomllib.loads(text), panel=panel).vessels["R01"]


VESSEL = read_map()


def looked(hour, *, number=1.0, sampled=0.0, vcd=2.0, capacitance=2.1, status="Good", stamp=True):
    """A look at some hour of the culture; the sensor has just been read."""
    at = START + timedelta(hours=hour)
    found = {"number": number, "time": sampled, "vcd": vcd}
    readings = {tag: Reading(value=found[tag.name], status="Good", source_time=START) for tag in VESSEL.sample_tags()}
    signal = Reading(value=capacitance, status=status, source_time=at if stamp else None, server_time=at)
    return {**readings, VESSEL.signals["capacitance"]: signal}


def begun():
    sample, seen = next_reading(VESSEL, looked(0.1), Seen())
    assert not sample.is_signal
    return seen


def test_a_map_names_signals_and_how_often_they_are_taken():
    assert [tag.name for tag in VESSEL.looked_at()] == ["number", "time", "vcd", "capacitance"]
    assert VESSEL.signals_every_h == 1.0
    assert read_map(NODES + "every_hours = 0.25\n").signals_every_h == 0.25


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("inoculated = 2026-11-02T10:00:00+01:00\n", "", r"\[signals\] of R01 have no culture time"),
        ("[measured]", '[measured]\ncapacitance = "rig:s=x"', r"capacitance: expected under \[measured\], .*, or"),
        ("[signals]", "[signals]\nevery_hours = 0", r"every_hours = 0: expected a number of hours above 0"),
        ("capacitance =", "capacitence =", "'capacitence' is not known. Did you mean 'capacitance'"),
        ("s=capacitance", "s=vcd", "named twice, as vcd and capacitance"),
    ],
)
def test_what_is_wrong_with_a_map(old, new, words):
    with pytest.raises(ConfigError, match=words):
        read_map(NODES.replace(old, new))


def test_a_process_without_signals_has_none():
    with pytest.raises(ConfigError, match="the process has no on-line signal"):
        read_map(panel=CHO_PERFUSION)


def test_nothing_is_read_before_the_first_sample():
    waiting = {**looked(0.5), VESSEL.number: Reading(value=float("nan"), status="BadNoData")}
    assert next_reading(VESSEL, waiting, Seen()) == (None, Seen())


def test_a_signal_is_taken_every_hour_whatever_the_looks():
    seen, hours = begun(), []
    for quarter in range(1, 17):
        state, seen = next_reading(VESSEL, looked(quarter / 4), seen)
        if state is not None:
            assert state.is_signal
            hours.append(state.time_h)
    assert hours == [0.25, 1.25, 2.25, 3.25]


def test_the_sample_comes_first_and_the_signal_with_the_next_look():
    _, seen = next_reading(VESSEL, looked(23.0), begun())
    sample, seen = next_reading(VESSEL, looked(24.5, number=2.0, sampled=24.0), seen)
    assert (sample.time_h, sample.is_signal) == (24.0, False)
    signal, seen = next_reading(VESSEL, looked(24.5, number=2.0, sampled=24.0), seen)
    assert (signal.time_h, signal.measured()) == (24.5, {"capacitance": 2.1})
    assert signal.quality["capacitance"].startswith("Good; source 2026-11-03T09:30:00")


def test_a_bad_signal_is_none_and_one_without_a_source_time_counts_by_the_servers():
    seen = begun()
    assert next_reading(VESSEL, looked(2.0, status="BadSensorFailure"), seen)[0] is None
    assert next_reading(VESSEL, looked(2.0, stamp=False), seen)[0].time_h == 2.0


def test_a_sensor_that_stands_still_says_nothing_new():
    state, seen = next_reading(VESSEL, looked(2.0), begun())
    assert state is not None
    assert next_reading(VESSEL, looked(2.0), seen)[0] is None


def test_after_a_restart_it_goes_on_where_it_stood():
    sample, seen = next_reading(VESSEL, looked(0.1), Seen())
    signal, _ = next_reading(VESSEL, looked(2.0), seen)
    unknown = Setpoints(panel=PROCESS)
    again = seen_before(
        Standing(states=(sample, signal), refused=(), in_force=unknown, done=None, source={})
    )
    assert (again.state, again.signalled) == (sample, START + timedelta(hours=2))
    assert next_reading(VESSEL, looked(2.5), again)[0] is None
    assert next_reading(VESSEL, looked(3.0), again)[0].time_h == 3.0


async def test_over_a_real_server():
    with FaultyOpcUaServer(is_open=True, space=DesignSpace.of(PROCESS)) as server:
        line = 'capacitance = "rig:s={vessel}.capacitance"\n'
        nodes = server.toml().replace(line, "").replace("[sample]\n", f"[sample]\ninoculated = {START.isoformat()}\n")
        nodes = node_map_of(tomllib.loads(f"{nodes}\n[signals]\n{line}every_hours = 6\n"), panel=PROCESS)
        timing = Timing(poll=0.01, sample=0.3)
        connector = OpcUaConnector(server.endpoint, nodes, panel=PROCESS, timing=timing, allow_insecure=True)
        vessel = connector.vessels()["R01"]
        server.publish("R01", State.of_values(PROCESS, 0.0, {"vcd": 2.0}), at=START)
        found = [await vessel.read_sample()]
        for hour in (3, 5, 8, 9.5):
            server.set_value("R01.capacitance", 2.0 + hour / 24, at=START + timedelta(hours=hour))
            try:
                found.append(await vessel.read_sample())
            except SampleOverdue:
                continue
        server.publish("R01", State.of_values(PROCESS, 24.0, {"vcd": 3.0}), at=START + timedelta(hours=25))
        found.append(await vessel.read_sample())
        await connector.close()
    assert [(s.time_h, s.is_signal) for s in found] == [(0.0, False), (3.0, True), (9.5, True), (24.0, False)]
    assert found[1].capacitance == pytest.approx(2.125)
