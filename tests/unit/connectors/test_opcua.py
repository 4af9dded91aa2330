"""Reading through everything that a link can do, and what is said of each value."""

import asyncio
import tomllib
from dataclasses import replace
from math import isnan

import pytest

from perfusio.connectors.opc_ua import connecting
from perfusio.connectors.opc_ua.node_map import node_map_of
from perfusio.connectors.opcua import OpcUaConnector
from perfusio.errors import ConfigError, NotConnected, SampleOverdue, UnreadableSource
from perfusio.protocols import Beating, Connector, ConnectorKind
from perfusio.state import STATE_QUANTITIES
from perfusio.testing import make_state
from perfusio.testing.opcua_faults import Faults

from .conftest import QUICK


async def test_one_session_and_one_request_for_all_vessels(connect, server):
    vessels = connect().vessels()
    server.publish("R02", make_state(day=0, vcd=30.0))
    await asyncio.gather(*(vessel.read_sample() for vessel in vessels.values()))
    before = server.witness.n_reads
    server.publish("R01", make_state(day=1, vcd=21.0))
    server.publish("R02", make_state(day=1, vcd=31.0))
    samples = await asyncio.gather(*(vessel.read_sample() for vessel in vessels.values()))
    assert [s.vcd for s in samples] == [21.0, 31.0]
    assert server.witness.n_reads == before + 1
    assert server.witness.n_sessions == 1
    assert all(isinstance(vessel, Connector) for vessel in vessels.values())


async def test_a_controller_can_watch_a_heartbeat(connect, server):
    vessel = connect(nodes=server.node_map(heartbeat=True)).vessels()["R01"]
    assert isinstance(vessel, Beating)
    assert vessel.is_watched
    assert vessel.describe()["heartbeat"] == "heartbeat (s=R01.heartbeat)"
    for count in (1, 2):
        await vessel.beat(count)
        assert server.value("R01.heartbeat") == count
    server.faults.bad_writes |= {"R01.heartbeat": "BadUserAccessDenied"}
    with pytest.raises(NotConnected, match="not taken: BadUserAccessDenied"):
        await vessel.beat(3)
    server.kill()
    with pytest.raises(NotConnected):
        await vessel.beat(4)
    server.start()
    assert not connect().vessels()["R01"].is_watched


async def test_status_codes_and_times_are_kept(connect, server):
    server.faults.bad_reads |= {"R01.vcd": "BadSensorFailure", "R01.glucose": "UncertainLastUsableValue"}
    server.set_value("R01.lactate", float("nan"))
    server.set_value("R01.ammonium", "12", kind="String")
    sample = await connect().vessels()["R01"].read_sample()
    assert isnan(sample.vcd)
    assert sample.quality["vcd"].startswith("BadSensorFailure; source 20")
    assert sample.glucose == 3.5
    assert sample.quality["glucose"].startswith("UncertainLastUsableValue; source 20")
    assert isnan(sample.lactate)
    assert sample.quality["lactate"].startswith("Good, but not a number")
    assert isnan(sample.ammonium)
    assert "but str" in sample.quality["ammonium"]
    assert "; server 20" in sample.quality["titer"]


@pytest.mark.parametrize("fault", ["restart", "kill", "hang up"])
async def test_a_lost_link_costs_no_sample_and_doubles_none(connect, server, proxy, fault):
    vessel = connect(endpoint=f"opc.tcp://127.0.0.1:{proxy.port}/").vessels()["R01"]
    days = [(await vessel.read_sample()).day]
    for day in (1, 2, 3):
        if fault == "hang up":
            proxy.hang_up()
        else:
            (server.restart if fault == "restart" else server.kill)()
        waiting = asyncio.create_task(vessel.read_sample())
        await asyncio.sleep(0.05)
        if fault == "kill":
            server.start()
        server.publish("R01", make_state(day=day))
        days.append((await waiting).day)
    assert days == [0, 1, 2, 3]


async def test_a_half_open_link_is_noticed_though_nothing_is_asked(connect, server, proxy):
    connector = connect(endpoint=f"opc.tcp://127.0.0.1:{proxy.port}/")
    vessel = connector.vessels()["R01"]
    await vessel.read_sample()
    link = await connector.session.link(until=None)
    proxy.stall()
    await asyncio.sleep(QUICK.keepalive + 1.5 * QUICK.request)
    assert link.lost == f"no answer within {QUICK.request:g} s"
    proxy.release()
    server.publish("R01", make_state(day=1))
    assert (await vessel.read_sample()).day == 1
    assert connector.session.n_connects == 2


async def test_a_slow_link_is_still_a_link(connect, server, proxy):
    connector = connect(endpoint=f"opc.tcp://127.0.0.1:{proxy.port}/")
    vessel = connector.vessels()["R01"]
    await vessel.read_sample()
    proxy.delay_s = 0.1
    server.publish("R01", make_state(day=1))
    assert (await vessel.read_sample()).day == 1
    assert connector.session.n_connects == 1


async def test_after_a_namespace_shift_the_right_variables_are_read_and_written(connect, server):
    vessel = connect().vessels()["R01"]
    await vessel.read_sample()
    asked = replace(await vessel.read_setpoints(), bleed_rate=0.2)
    server.shift_namespaces()
    server.publish("R01", make_state(day=1, vcd=25.0))
    assert (await vessel.read_sample()).vcd == 25.0
    await vessel.write_setpoints(asked)
    assert server.setpoints("R01").bleed_rate == 0.2
    assert not [w for w in server.witness.written if w.is_stranger]


def changed(server, old, new):
    text = server.toml()
    assert old in text
    return node_map_of(tomllib.loads(text.replace(old, new)), source="nodes.toml")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("urn:perfusio:testing:rig", "urn:nowhere", "the server has no namespace 'urn:nowhere'. It has http://"),
        ("{vessel}.vcd", "{vessel}.VCD", "vcd (s=R01.VCD): the server has no such node"),
        ('"rig:s={vessel}.vcd"', '{ node = "rig:s={vessel}.vcd", browse_name = "Xv" }', "expected 'Xv'"),
        ('"rig:s={vessel}.vcd"', '"rig:s={vessel}"', "it is no variable that can be read (Bad"),
    ],
)
async def test_a_server_that_is_not_what_the_map_says(connect, server, old, new, said):
    with pytest.raises(UnreadableSource) as refused:
        await connect(nodes=changed(server, old, new)).vessels()["R01"].read_sample()
    assert said in str(refused.value)


async def test_the_right_to_write_is_asked_of_the_server_too(connect, server):
    server.set_read_only("R01.agitation")
    with pytest.raises(UnreadableSource, match=r"agitation \(s=R01\.agitation\): the map says write = true"):
        await connect().vessels()["R01"].read_sample()
    server.set_read_only("R01.agitation", False)


async def test_no_new_sample_in_time(connect):
    vessel = connect(timing=replace(QUICK, sample=0.1)).vessels()["R01"]
    await vessel.read_sample()
    with pytest.raises(SampleOverdue, match="The server answers, so check the analyzer"):
        await vessel.read_sample()


async def test_a_sample_that_is_never_good_is_told_with_the_reason(connect, server):
    server.faults = Faults(bad_reads={f"R01.{name}": "BadSensorFailure" for name in STATE_QUANTITIES})
    vessel = connect(timing=replace(QUICK, withheld=0.1)).vessels()["R01"]
    with pytest.raises(UnreadableSource, match=r"R01: there is a new sample, and none of its values .* and 7 more"):
        await vessel.read_sample()
    server.faults = Faults()
    assert (await vessel.read_sample()).vcd == 20.0


async def test_no_link_in_time_says_why(connect, server):
    vessel = connect(timing=replace(QUICK, away=0.3)).vessels()["R01"]
    await vessel.read_sample()
    server.kill()
    for _ in range(2):
        with pytest.raises(NotConnected, match="no connection in time"):
            await vessel.read_sample()
    with pytest.raises(NotConnected):
        await vessel.read_setpoints()


async def test_by_source_time(connect, server):
    vessel = connect(nodes=server.node_map(number=False)).vessels()["R01"]
    await vessel.read_sample()
    server.set_value("R01.time", 24.0)
    server.set_value("R01.vcd", 22.0)
    sample = await vessel.read_sample()
    assert (sample.time_h, sample.vcd) == (24.0, 22.0)
    assert sample.viability == 97.0  # it did not change, and keeps its source time


async def test_it_is_hardware_unless_said_otherwise(connect, server, certificates):
    assert connect().vessels()["R01"].kind is ConnectorKind.HARDWARE
    assert connect(kind=ConnectorKind.SIMULATED).kind is ConnectorKind.SIMULATED
    with pytest.raises(ConfigError, match="not a finished file"):
        connect(kind=ConnectorKind.REPLAY)


async def test_a_server_is_a_source_of_vessels_and_never_taken_for_one(connect, server):
    """What a vessel is able to do would be looked for on it in vain."""
    assert not isinstance(connect(), Connector)
    assert not isinstance(connect(nodes=node_map_of_one(server)), Connector)


def node_map_of_one(server):
    whole = server.node_map()
    return replace(whole, vessels={"R01": whole.vessels["R01"]})


def test_it_can_be_used_in_one_event_loop_after_another(server, certificates):
    connector = OpcUaConnector(server.endpoint, server.node_map(), certificates=certificates.folder, timing=QUICK)

    async def once():
        setpoints = await connector.vessels()["R01"].read_setpoints()
        await connector.close()
        return setpoints

    assert asyncio.run(once()) == asyncio.run(once())
    assert server.witness.n_sessions == 2


async def test_the_keys_of_a_channel_are_renewed_in_time(connect, server, monkeypatch):
    class ShortLived(connecting.Client):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self.secure_channel_timeout = 400

    monkeypatch.setattr(connecting, "Client", ShortLived)
    connector = connect()
    vessel = connector.vessels()["R01"]
    await vessel.read_sample()
    channel = (await connector.session.link(until=None))._client.uaclient.protocol._connection
    first = channel.security_token.TokenId
    await asyncio.sleep(3.5 * QUICK.keepalive)
    server.publish("R01", make_state(day=1))
    assert (await vessel.read_sample()).day == 1
    assert channel.security_token.TokenId > first
    assert connector.session.n_connects == 1


async def test_a_session_that_may_still_be_open_counts_until_its_timeout(connect, server, proxy):
    connector = connect(endpoint=f"opc.tcp://127.0.0.1:{proxy.port}/")
    vessel = connector.vessels()["R01"]
    await vessel.read_sample()
    link = await connector.session.link(until=None)
    link._client._server_nonce = b"x" * 32  # a proof that the server will not accept
    proxy.strand()
    link.lose("tried in a test")
    await vessel.read_setpoints()
    assert not connector.session.is_fenced
    await asyncio.sleep(QUICK.session + 0.1)
    assert connector.session.is_fenced
