"""One OPC UA server for all tests of this folder: making one takes seconds, restarting it does not."""

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.connectors.opc_ua.access import Timing
from perfusio.connectors.opc_ua.security import Certificates
from perfusio.connectors.opcua import OpcUaConnector
from perfusio.state import SETPOINTS
from perfusio.testing import make_state
from perfusio.testing.opcua_faults import Faults
from perfusio.testing.opcua_identity import identity
from perfusio.testing.opcua_proxy import TcpProxy
from perfusio.testing.opcua_server import FaultyOpcUaServer

QUICK = Timing(
    request=0.8, keepalive=0.3, session=0.8, write=3.0, retry=0.05, backoff=(0.02, 0.1), poll=0.01, sample=8.0
)


@pytest.fixture(scope="session")
def server_identity():
    return identity()


@pytest.fixture(scope="session")
def one_server(server_identity):
    with FaultyOpcUaServer(("R01", "R02"), identity=server_identity, types={"pyruvate_feed": "Float"}) as server:
        yield server


@pytest.fixture
def server(one_server, server_identity):
    """The server as new, with one sample of day 0 in each vessel."""
    one_server.faults = Faults()
    one_server.restart(identity=server_identity)
    for vessel in one_server.vessels:
        one_server.publish(vessel, make_state(day=0))
        for name in SETPOINTS:
            one_server.set_value(f"{vessel}.{name}", getattr(DEFAULT_AMBR250_DESIGN_SPACE.nominal, name))
    one_server.witness.written.clear()
    one_server.witness.logins.clear()
    one_server.witness.n_sessions = one_server.witness.n_reads = 0
    return one_server


@pytest.fixture
def certificates(tmp_path, server_identity):
    folder = Certificates(tmp_path / "certificates")
    folder.trust(server_identity.certificate)
    return folder


@pytest.fixture
async def connect(server, certificates):
    """A function that makes connectors to the server, which are closed at the end."""
    made = []

    def make(*, endpoint=None, nodes=None, timing=QUICK, **options):
        options = {"certificates": certificates.folder, **options}
        made.append(OpcUaConnector(endpoint or server.endpoint, nodes or server.node_map(), timing=timing, **options))
        return made[-1]

    yield make
    for connector in made:
        await connector.close()


@pytest.fixture
def proxy(server):
    with TcpProxy(server.port) as proxy:
        yield proxy
