"""Who gets a session and a password: only a server that is trusted, and only encrypted."""

import json

import pytest
from asyncua import ua
from asyncua.common.utils import ServiceError

from perfusio.connectors.opc_ua.access import Access, Timing
from perfusio.connectors.opc_ua.security import Certificates, Login, Untrusted
from perfusio.errors import ConfigError, NotConnected
from perfusio.testing.opcua_identity import Identity, identity

CANARY = Login(user="twin", password="canary-7Q2x")


async def test_a_trusted_server_gets_the_login_and_its_record_never_does(connect, server):
    connector = connect(login=CANARY)
    assert (await connector.vessels()["R01"].read_sample()).vcd == 20.0
    assert server.witness.logins == [("twin", "canary-7Q2x")]
    described = connector.vessels()["R01"].describe()
    assert described["user"] == "twin"
    assert "canary" not in json.dumps(described)


@pytest.mark.parametrize("kind", ["stranger", "rogue", "expired", "stolen"])
async def test_no_other_server_gets_a_session_or_the_password(connect, server, server_identity, certificates, kind):
    rogue = identity()
    server.restart(
        identity={
            "stranger": server_identity,
            "rogue": rogue,
            "expired": server_identity.expired(),
            "stolen": Identity(certificate=server_identity.certificate, key=rogue.key),  # shown without its key
        }[kind]
    )
    if kind == "stranger":
        for file in (certificates.folder / "trusted").iterdir():
            file.unlink()
    if kind == "expired":
        certificates.trust(server_identity.expired().certificate)
    expected = NotConnected if kind == "stolen" else Untrusted
    with pytest.raises(expected):
        await connect(login=CANARY).vessels()["R01"].read_sample()
    assert server.witness.n_sessions == 0
    assert server.witness.logins == []


@pytest.mark.parametrize("status", ["BadCertificateUntrusted", "BadSecurityChecksFailed"])
async def test_a_server_that_does_not_trust_us_is_named_as_that(connect, server, certificates, status):
    async def refuse(*_):
        raise ServiceError(getattr(ua.StatusCodes, status))

    server.run(_validated_by(server, refuse))
    try:
        with pytest.raises(NotConnected, match=r"The server does not trust us: it refused our cert") as refused:
            await connect().vessels()["R01"].read_sample()
    finally:
        server.run(_validated_by(server, None))
    assert str(certificates.folder / "own" / "certificate.der") in str(refused.value)


async def _validated_by(server, validator):
    server._server.iserver.certificate_validator = validator


async def test_a_rogue_that_takes_over_later_gets_nothing_either(connect, server):
    vessel = connect(login=CANARY, timing=Timing(
        request=0.8, keepalive=0.3, session=0.8, write=3.0, backoff=(0.02, 0.1), poll=0.01, sample=0.6, away=0.5
    )).vessels()["R01"]  # fmt: skip
    await vessel.read_sample()
    server.witness.logins.clear()
    server.restart(identity=identity())
    with pytest.raises(NotConnected, match="certificate is refused"):
        await vessel.read_sample()
    assert server.witness.logins == []
    assert server.witness.n_sessions == 1


@pytest.fixture
def open_server(server, server_identity):
    server.is_open, server.identity = True, None
    server.restart()
    yield server
    server.is_open, server.identity = False, server_identity


async def test_an_open_endpoint_is_refused_with_what_to_do(connect, open_server):
    with pytest.raises(ConfigError) as refused:
        await connect().vessels()["R01"].read_sample()
    for words in ("offers None None; expected Sign&Encrypt", "Switch encryption on", "allow_insecure=True"):
        assert words in str(refused.value)
    assert open_server.witness.n_sessions == 0


async def test_an_open_endpoint_can_be_allowed_and_the_record_says_so(connect, open_server):
    vessel = connect(allow_insecure=True).vessels()["R01"]
    assert (await vessel.read_sample()).vcd == 20.0
    assert vessel.describe()["insecure"] is True
    assert "anybody on its network" in vessel.describe()["warnings"][0]


async def test_a_password_never_travels_openly(connect, open_server):
    with pytest.raises(ConfigError, match="A password is never sent over an open connection"):
        await connect(allow_insecure=True, login=CANARY).vessels()["R01"].read_sample()
    assert open_server.witness.n_sessions == 0


async def test_encryption_is_taken_where_both_are_offered(connect, server):
    server.is_open = True
    server.restart()
    connector = connect(allow_insecure=True, login=CANARY)
    await connector.vessels()["R01"].read_sample()
    server.is_open = False
    assert connector.session.is_secure


async def test_nobody_there(connect):
    with pytest.raises(NotConnected, match="Check the address"):
        await connect(endpoint="opc.tcp://127.0.0.1:9/").vessels()["R01"].read_sample()


@pytest.mark.parametrize("endpoint", ["http://rig:4840", "rig:4840", "opc.tcp://"])
def test_what_is_no_endpoint(endpoint, tmp_path):
    with pytest.raises(ConfigError, match=r"expected opc\.tcp://HOST:PORT/PATH"):
        Access(endpoint=endpoint, certificates=Certificates(tmp_path))


def test_a_password_in_the_endpoint_is_refused_and_not_repeated(tmp_path):
    with pytest.raises(ConfigError) as refused:
        Access(endpoint="opc.tcp://twin:canary@rig:4840/", certificates=Certificates(tmp_path))
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("times", [{"write": 10.0}, {"keepalive": 30.0}, {"request": 0.0}, {"request": 30.0}])
def test_times_that_cannot_work_together(times):
    with pytest.raises(ConfigError, match="Timing: "):
        Timing(**times)
