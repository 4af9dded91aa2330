"""Setting up a connection from the command line: trust, look around, check a map."""

import json
import os

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.connectors.opc_ua.certificates import fingerprint
from perfusio.errors import ConfigError, NotConnected, UnreadableSource
from perfusio.testing import make_state
from perfusio.testing.opcua_identity import identity
from perfusio.testing.opcua_server import NAMESPACE, FaultyOpcUaServer


@pytest.fixture(scope="module")
def server():
    server = FaultyOpcUaServer(identity=identity(), user=("twin", "pass phrase"))
    with server:
        yield server


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "password").write_text("pass phrase\n")
    os.chmod(tmp_path / "password", 0o600)
    return tmp_path


def perfusio(*arguments):
    return CliRunner().invoke(app, ["opcua", *arguments])


LOGIN = ("--user", "twin", "--password-file", "password")


def test_from_nothing_to_a_checked_map(server, here):
    server.publish("R01", make_state(day=2, titer=float("nan")))
    server.faults.bad_reads = {}
    shown = perfusio("trust", server.endpoint)
    assert isinstance(shown.exception, ConfigError)
    assert "Nothing was trusted yet" in str(shown.exception)
    mark = fingerprint(server.identity.certificate)
    assert mark in shown.stdout
    other = perfusio("trust", server.endpoint, "--fingerprint", "00" + mark[2:])
    assert "not the expected one" in str(other.exception)
    assert not (here / "opcua-certificates" / "trusted").exists()
    done = perfusio("trust", server.endpoint, "--fingerprint", mark.replace(":", "").lower())
    assert done.exit_code == 0
    assert "own" in done.stdout
    assert server.witness.n_sessions == 0

    listed = perfusio("browse", server.endpoint, *LOGIN, "--below", "bleed", "--json")
    assert json.loads(listed.stdout) == [
        {
            "path": "R01/bleed_rate", "namespace": NAMESPACE, "identifier": "s=R01.bleed_rate", "type_name": "Double",
            "value": "0.15", "may_write": True,
        }
    ]  # fmt: skip
    told = perfusio("browse", server.endpoint, *LOGIN)
    assert "R01/vcd\n  s=R01.vcd  Double, read, 20.0" in told.stdout
    assert "R01/titer\n  s=R01.titer  Null, read, no value (BadNoData)" in told.stdout
    assert told.stdout.endswith("19 variables\n")

    (here / "nodes.toml").write_text(server.toml(write=("bleed_rate",)))
    checked = perfusio("check", server.endpoint, "--nodes", "nodes.toml", *LOGIN)
    assert checked.exit_code == 3
    assert "No value now: R01 titer" in checked.stderr
    assert "bleed_rate        0.15 1/day          Double   write Good 20" in checked.stdout
    server.set_value("R01.titer", 400.0)
    rows = json.loads(perfusio("check", server.endpoint, "--nodes", "nodes.toml", *LOGIN, "--json").stdout)
    assert [row["name"] for row in rows if row["writes"]] == ["bleed_rate"]
    assert {row["status"].partition(";")[0] for row in rows} == {"Good"}
    assert server.witness.written == []


def test_what_is_wrong_has_its_exit_code(server, here):
    (here / "nodes.toml").write_text(server.toml())
    check = ("check", server.endpoint, "--nodes", "nodes.toml")
    assert perfusio(*check).exception.exit_code == 2  # not trusted
    perfusio("trust", server.endpoint, "--yes")
    assert isinstance(perfusio(*check).exception, NotConnected)  # anonymous
    assert "There is no password" in str(perfusio(*check, "--user", "twin").exception)
    (here / "nodes.toml").write_text(server.toml().replace("{vessel}.vcd", "{vessel}.VCD"))
    missing = perfusio(*check, *LOGIN).exception
    assert isinstance(missing, UnreadableSource)
    assert "vcd (s=R01.VCD): the server has no such node" in str(missing)
