"""`perfusio run experiment.toml` on each kind of source that is not a file: a database, a real OPC UA server."""

import os

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.cli.experiment_file.experiment import connectors, load
from perfusio.connectors.database.samples import SqlSample, add_samples
from perfusio.connectors.opc_ua.security import Certificates
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.record.verification.verify import read_records, verify
from perfusio.state import Setpoints
from perfusio.testing import make_state
from perfusio.testing.opcua_identity import identity
from perfusio.testing.opcua_rig import SimulatedOpcUaRig
from perfusio.testing.opcua_server import FaultyOpcUaServer

RUN = """
[run]
duration_days = 2
run_dir = "out"
n_paths = 32
"""
IN_FORCE = Setpoints(perfusion_rate=1.0, bleed_rate=0.15, temperature=36.5)
OPCUA = """
[connector]
kind = "opcua"
endpoint = "{endpoint}"
nodes = "nodes.toml"
certificates = "certificates"
poll_seconds = 0.02
"""
LOGIN = 'user = "twin"\npassword_file = "password"\n'


@pytest.fixture(scope="module")
def rig():
    rig = SimulatedAmbr250(n_vessels=2, days=3, seed=0)
    with SimulatedOpcUaRig(rig, identity=identity(), user=("twin", "pass phrase")) as rig:
        yield rig


@pytest.fixture
def write(tmp_path, monkeypatch):
    """A function that writes the experiment into a folder which is not the working directory."""
    folder, elsewhere = tmp_path / "experiment", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    def writer(text):
        (folder / "experiment.toml").write_text(RUN + text, encoding="utf-8")
        return folder

    return writer


def run(folder):
    return CliRunner().invoke(app, ["run", str(folder / "experiment.toml")])


def events(folder):
    return [record.event for record in read_records(folder / "out" / "audit.jsonl")]


def test_a_database_beside_the_experiment(write):
    folder = write('[connector]\nkind = "sql"\nurl = "lab.sqlite"\n')
    days = [SqlSample(state=make_state(day=day), setpoints=IN_FORCE) for day in range(3)]
    add_samples(folder / "lab.sqlite", days)
    result = run(folder)
    assert result.exit_code == 0, (result.output, result.exception)
    assert verify(folder / "out" / "audit.jsonl").outcome == "COMPLETED"
    assert events(folder).count("SampleRead") == 3


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ('kind = "sql"\nurl = "labb.sqlite"', 3, "labb.sqlite does not exist|Expected a database of perfusio"),
        ('kind = "sql"\nurl = "mysql://host/db"', 2, "'mysql' is no kind of database"),
        ('kind = "sql"', 2, "connector.url is not set"),
        ('kind = "opcua"\nnodes = "nodes.toml"', 2, "connector.endpoint is not set"),
        ('kind = "opcua"\nendpoint = "opc.tcp://h:1/"\nnodes = "n.toml"\ninsecure = true', 2,
         "connector.insecure is no setting|Did you mean 'allow_insecure'"),
        ('kind = "opcua"\nendpoint = "opc.tcp://h:1/"\nnodes = "n.toml"\npassword = "x"', 2,
         "connector.password is no setting|Did you mean 'password_file'"),
        ('kind = "opcua"\nendpoint = "opc.tcp://h:1/"\nnodes = "n.toml"', 2, "n.toml: the node map cannot be read"),
        ('kind = "opcua"\nendpoint = "http://h:1/"\nnodes = "nodes.toml"', 2, "opc.tcp://"),
    ],
)  # fmt: skip
def test_what_cannot_be_opened_is_a_sentence_and_makes_nothing(write, rig, text, code, words):
    folder = write(f"[connector]\n{text}\n")
    (folder / "nodes.toml").write_text(rig.server.toml(), encoding="utf-8")
    result = run(folder)
    assert result.exception.exit_code == code, result.exception
    for word in words.split("|"):
        assert word in str(result.exception)
    assert not (folder / "out").exists()


def test_a_rig_behind_opcua_is_written_where_the_file_says_so_and_else_advised(write, rig):
    vessels = '[[vessel]]\nname = "R01"\nmode = "automatic"\n[[vessel]]\nname = "R02"\n'
    folder = write(OPCUA.format(endpoint=rig.server.endpoint) + LOGIN + vessels)
    (folder / "nodes.toml").write_text(rig.server.toml(), encoding="utf-8")
    (folder / "password").write_text("pass phrase\n", encoding="utf-8")
    os.chmod(folder / "password", 0o600)
    Certificates(folder / "certificates").trust(rig.server.identity.certificate)
    result = run(folder)
    assert result.exit_code == 0, (result.output, result.exception)
    assert verify(folder / "out" / "audit.jsonl").outcome == "COMPLETED"
    assert events(folder).count("SampleRead") == 2 * 3
    records = list(read_records(folder / "out" / "audit.jsonl"))
    assert {r.reactor for r in records if r.event == "SetpointsWritten"} == {"R01"}
    assert {r.reactor for r in records if r.event == "Withheld"} == {"R02"}
    assert {written.node.split(".")[0] for written in rig.server.witness.written} == {"R01"}
    assert "pass phrase" not in (folder / "out" / "audit.jsonl").read_text(encoding="utf-8")


def test_settings_reach_the_connector(write, rig):
    folder = write(OPCUA.format(endpoint=rig.server.endpoint) + "timeout_seconds = 60\nallow_insecure = true\n")
    (folder / "nodes.toml").write_text(rig.server.toml(), encoding="utf-8")
    connector = connectors(load(folder / "experiment.toml", {}, environ={}))
    access = connector.session.access
    assert (access.timing.poll, access.timing.sample, access.allow_insecure) == (0.02, 60.0, True)


def test_a_server_without_encryption_is_refused_unless_the_file_says_so(write):
    with FaultyOpcUaServer() as server:
        server.publish("R01", make_state(day=0))
        folder = write(OPCUA.format(endpoint=server.endpoint))
        (folder / "nodes.toml").write_text(server.toml(), encoding="utf-8")
        refused = run(folder)
        assert refused.exception.exit_code == 2
        assert "encrypt" in str(refused.exception)
        assert "allow_insecure" in str(refused.exception)
        assert server.witness.n_sessions == 0
