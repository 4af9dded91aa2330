"""OpcUaConnector keeps the promises of every connector, against a real server over loopback."""

import pytest

from perfusio.connectors.opc_ua.access import Timing
from perfusio.connectors.opc_ua.security import Certificates
from perfusio.connectors.opcua import OpcUaConnector
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.errors import WriteRejected
from perfusio.protocols import Standing
from perfusio.testing import check_connector
from perfusio.testing.opcua_identity import identity
from perfusio.testing.opcua_rig import SimulatedOpcUaRig


@pytest.fixture(scope="module")
def rig():
    with SimulatedOpcUaRig(SimulatedAmbr250(n_vessels=2, seed=3), identity=identity()) as rig:
        yield rig


@pytest.fixture
async def make(rig, tmp_path):
    """A function that makes connectors to the rig, which are closed at the end."""
    Certificates(tmp_path).trust(rig.server.identity.certificate)
    made = []

    def connector():
        made.append(
            OpcUaConnector(rig.server.endpoint, rig.server.node_map(), certificates=tmp_path, timing=Timing(poll=0.01))
        )
        return made[-1]

    yield connector
    for one in made:
        await one.close()


async def test_one_vessel_of_a_server(make):
    await check_connector(lambda: make().vessels()["R02"], max_samples=4)


async def test_what_is_written_moves_the_vessel(rig, make):
    vessel = make().vessels()["R01"]
    await vessel.read_sample()
    before = await vessel.read_setpoints()
    asked = type(before).of(before.vector() * 1.01)
    await vessel.write_setpoints(asked)
    await vessel.read_sample()
    assert rig.server.setpoints("R01") == asked
    assert (await rig.rig.vessels()["R01"].read_setpoints()).vector() == pytest.approx(asked.vector())


async def test_after_a_resume_the_sample_that_was_read_is_not_news_and_a_write_expects_what_we_left(rig, make):
    vessel = make().vessels()["R02"]
    states = [await vessel.read_sample() for _ in range(2)]
    in_force = await vessel.read_setpoints()
    standing = Standing(states=tuple(states), refused=(), in_force=in_force, done=in_force, source=vessel.describe())
    again = make().vessels()["R02"]
    again.goes_on(standing)
    rig.server.set_value("R02.temperature", 34.0)  # a person
    with pytest.raises(WriteRejected, match="somebody else"):
        await again.write_setpoints(in_force)
    assert rig.server.setpoints("R02").temperature == 34.0
    assert (await again.read_sample()).time_h > states[-1].time_h
