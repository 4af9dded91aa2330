"""The twin on a rig behind OPC UA: every fault of a write is on record, stops one vessel only, and never the run."""

import asyncio
from dataclasses import replace

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode, RunConfig
from perfusio.connectors.opc_ua.access import Timing
from perfusio.connectors.opc_ua.security import Certificates
from perfusio.connectors.opcua import OpcUaConnector
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.events import (
    AlarmRaised,
    ConnectorFailed,
    ModeChanged,
    OverrideDetected,
    SampleRead,
    SetpointsWritten,
    Withheld,
    WriteIntended,
    WriteRestored,
)
from perfusio.plant.sensors import SensorSettings
from perfusio.record.verification.verify import verify
from perfusio.state import STATE_QUANTITIES
from perfusio.testing import make_state
from perfusio.testing.opcua_faults import Faults
from perfusio.testing.opcua_identity import identity
from perfusio.testing.opcua_rig import SimulatedOpcUaRig
from perfusio.testing.opcua_server import FaultyOpcUaServer
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.outcome import Outcome
from perfusio.twin.samples import source_watch

QUICK = Timing(request=2.0, keepalive=0.5, session=2.0, write=8.0, retry=0.1, backoff=(0.02, 0.1), poll=0.02)

REFUSING = ("R01.glucose_setpoint", "R01.agitation")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Two vessels for 4 days; on day 1 a node of R01 refuses, on day 2 a person turns a knob of R02, the server dies
    each day. What the record says, by vessel, and what the server holds."""
    folder = tmp_path_factory.mktemp("opcua")
    with SimulatedOpcUaRig(
        SimulatedAmbr250(n_vessels=2, days=4, sensors=SensorSettings(missing=0.0)), identity=identity()
    ) as rig:
        server, events = rig.server, []
        Certificates(folder).trust(server.identity.certificate)
        connector = OpcUaConnector(server.endpoint, server.node_map(), certificates=folder, timing=QUICK)

        def intervene(event):
            events.append(event)
            if isinstance(event, SampleRead) and event.reactor == "R01":
                server.restart()
                server.faults = Faults(bad_writes=dict.fromkeys(REFUSING, "BadNotWritable") if event.turn == 1 else {})
            if isinstance(event, WriteIntended) and event.reactor == "R02" and event.turn == 2:
                server.set_value("R02.temperature", 34.0)

        async def run():
            async with connector:
                twin = DigitalTwin(
                    connector=connector.vessels(),
                    design_space=DEFAULT_AMBR250_DESIGN_SPACE,
                    run_config=RunConfig(
                        duration_days=4,
                        mode=Mode.AUTOMATIC,
                        n_paths=16,
                        retrain_every=9,
                        forecast_days=3,
                        run_dir=folder,
                    ),
                    observers=(intervene,),
                )
                return await twin.run()

        result = asyncio.run(run())
        in_force = {name: server.setpoints(name) for name in server.vessels}
    report = verify(folder / "audit.jsonl")
    assert report.is_intact
    return result, events, in_force


def of(events, kind, reactor):
    return {e.turn: e for e in events if isinstance(e, kind) and e.reactor == reactor}


def test_the_run_goes_on_to_its_end(told):
    result, _, _ = told
    assert result.outcome is Outcome.COMPLETED
    assert result.n_samples == 2 * 5
    assert all(len(t.states) == 5 for t in result.trajectories.values())


def test_a_refusing_node_leaves_the_old_values_and_stops_that_vessel(told):
    _, events, in_force = told
    assert set(of(events, SetpointsWritten, "R01")) == {0}
    restored = of(events, WriteRestored, "R01")
    assert set(restored) == {1}
    assert "Refused: " in restored[1].reason
    assert "(BadNotWritable)" in restored[1].reason
    held = of(events, ModeChanged, "R01")[1]
    assert (held.before, held.mode, held.who) == ("automatic", "hold", "perfusio")
    assert set(of(events, WriteIntended, "R01")) == {0, 1}
    acknowledged = of(events, SetpointsWritten, "R01")[0].acknowledged
    assert restored[1].restored == in_force["R01"] == acknowledged


def test_what_a_person_changed_is_kept_and_stops_that_vessel(told):
    _, events, in_force = told
    assert set(of(events, SetpointsWritten, "R02")) == {0, 1}
    overridden = of(events, OverrideDetected, "R02")
    assert set(overridden) == {2}
    assert "and 34" in overridden[2].reason
    assert of(events, ModeChanged, "R02")[2].mode == "advisory"
    assert of(events, Withheld, "R02")[3].action == "advise"
    before = of(events, SetpointsWritten, "R02")[1].acknowledged
    assert in_force["R02"] == overridden[2].found == replace(before, temperature=34.0)


def test_status_and_times_of_each_value_are_on_record(told):
    _, events, _ = told
    sample = of(events, SampleRead, "R01")[0].state
    for name in sample.measured():
        assert sample.quality[name].startswith("Good; source 20")
        assert "; server 20" in sample.quality[name]


def test_a_sample_that_is_never_good_raises_the_alarm_with_the_reason_and_is_read_once_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(source_watch, "ALARM_AFTER_S", 0.0)
    monkeypatch.setattr(source_watch, "LOOKS_EVERY_S", 0.05)
    with FaultyOpcUaServer(identity=identity()) as server:
        server.publish("R01", make_state(day=0))
        Certificates(tmp_path).trust(server.identity.certificate)
        timing, events = replace(QUICK, withheld=0.2), []
        connector = OpcUaConnector(server.endpoint, server.node_map(), certificates=tmp_path, timing=timing)

        def intervene(event):
            events.append(event)
            if isinstance(event, SampleRead) and event.turn == 0:
                server.faults = Faults(bad_reads={f"R01.{name}": "BadSensorFailure" for name in STATE_QUANTITIES})
                server.publish("R01", make_state(day=1, vcd=22.0))
            if isinstance(event, AlarmRaised):
                server.faults = Faults()

        async def run():
            async with connector:
                config = RunConfig(duration_days=1, n_paths=16, retrain_every=9, forecast_days=3, run_dir=tmp_path)
                twin = DigitalTwin(
                    connector=connector.vessels(), design_space=DEFAULT_AMBR250_DESIGN_SPACE, run_config=config,
                    observers=(intervene,),
                )  # fmt: skip
                return await twin.run()

        assert asyncio.run(asyncio.wait_for(run(), 300)).outcome is Outcome.COMPLETED
    (failed,) = [e for e in events if isinstance(e, ConnectorFailed)]
    assert "none of its values can be used: vcd (s=R01.vcd) is BadSensorFailure" in failed.reason
    assert [e.quantity for e in events if isinstance(e, AlarmRaised)] == ["source"]
    assert [(e.turn, e.state.vcd) for e in events if isinstance(e, SampleRead)] == [(0, 20.0), (1, 22.0)]
