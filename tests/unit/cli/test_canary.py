"""A secret that is planted wherever one may be given turns up nowhere: no file of a run, no screen, no message."""

import zipfile
from io import BytesIO

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.connectors.database.samples import SqlSample, add_samples
from perfusio.connectors.opc_ua.security import PASSWORD_VARIABLE, Certificates
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.record.verification.verify import read_records
from perfusio.state import Setpoints
from perfusio.testing import make_state
from perfusio.testing.opcua_identity import identity
from perfusio.testing.opcua_rig import SimulatedOpcUaRig

CANARY = "canary-9Qz7"
RUN = """
[run]
duration_days = 2
run_dir = "out"
n_paths = 16
[connector]
"""
NOTIFY = """
[log]
path = "out/alarms.log"
[email]
host = "127.0.0.1"
port = 1
sender = "twin@lab.example"
to = ["night@lab.example"]
user = "twin"
password_file = "mail-password"
[webhook]
url_file = "hook"
hosts = ["127.0.0.1"]
"""


class Lab:
    """A folder with secrets in it, and all that perfusio said there."""

    def __init__(self, folder):
        self.folder, self.out, self.said = folder, folder / "out", []
        (folder / "notify.toml").write_text(NOTIFY)
        self.secret("mail-password", CANARY)
        self.secret("hook", f"http://127.0.0.1:1/hook/{CANARY}")

    def secret(self, name, text):
        (self.folder / name).write_text(text + "\n")
        (self.folder / name).chmod(0o600)

    def perfusio(self, *arguments):
        """Return the exit code; what was printed, and all that a traceback would print, is kept."""
        result = CliRunner().invoke(app, [str(a) for a in arguments])
        error, code = result.exception, result.exit_code
        self.said += [result.stdout, result.stderr]
        while error is not None:
            self.said.append(f"{error!r} {error}")
            code = getattr(error, "exit_code", code)
            error = error.__cause__ or error.__context__
        return code

    def looks_at_the_run(self):
        """Have everything done with a run that makes text or files of it."""
        again = self.out / "again"
        again.mkdir()
        for command in (
            ("status", self.out), ("status", self.out, "--json"), ("alarms", self.out),
            ("verify", self.out / "audit.jsonl"), ("config", "show", self.folder / "experiment.toml"),
            ("export", self.out, "--out", again / "export.csv"),
            ("mirror", self.out, "--to", again / "mirror.sqlite"), ("bundle", self.out, "--out", again / "run.zip"),
        ):  # fmt: skip
            assert self.perfusio(*command) == 0, (command, self.said[-3:])

    def found(self):
        """Return where the canary is: names of files below the run, and "said"."""
        places = [str(path) for path in self.out.rglob("*") if path.is_file() and holds(path.read_bytes())]
        return places + ["said"] * any(CANARY in text for text in self.said)


def holds(data):
    if CANARY.encode() in data:
        return True
    if not zipfile.is_zipfile(BytesIO(data)):
        return False
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return any(holds(archive.read(name)) for name in archive.namelist())


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(PASSWORD_VARIABLE, CANARY)
    return Lab(tmp_path)


def test_the_search_finds_a_canary_also_in_an_archive_and_in_a_cause(lab):
    lab.out.mkdir()
    with zipfile.ZipFile(lab.out / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside", f"token={CANARY}")
    assert lab.found() == [str(lab.out / "a.zip")]
    lab.said.append(CANARY)
    assert len(lab.found()) == 2


def cut_off(out):
    """Leave the run as it was before its last sample."""
    record = out / "audit.jsonl"
    last = max(r.seq for r in read_records(record) if r.event == "SampleRead")
    record.write_bytes(b"".join(record.read_bytes().splitlines(keepends=True)[: last - 1]))
    record.with_name("audit.heads").unlink()


def test_the_password_of_a_database_and_of_channels(lab, monkeypatch, postgres_url):
    secret = postgres_url.replace("tests@", f"tests:{CANARY}@", 1)
    if CANARY not in secret:
        pytest.skip("the server's own URL names another user")
    in_force = Setpoints(perfusion_rate=1.0, bleed_rate=0.15, temperature=36.5)
    add_samples(secret, [SqlSample(state=make_state(day=d, viability=91.0), setpoints=in_force) for d in range(3)])
    monkeypatch.setenv("PERFUSIO_CONNECTOR_URL", secret)
    (lab.folder / "experiment.toml").write_text(RUN + 'kind = "sql"\nurl = "postgresql://tests@/named-elsewhere"\n')
    run = ("run", lab.folder / "experiment.toml", "--notify", lab.folder / "notify.toml")
    assert lab.perfusio(*run) == 0, lab.said
    assert "Not delivered: email" in lab.said[-1]  # both were tried
    assert "Not delivered: webhook" in lab.said[-1]
    cut_off(lab.out)
    assert lab.perfusio("resume", lab.out, "--notify", lab.folder / "notify.toml") == 0, lab.said
    assert lab.perfusio("mirror", lab.out, "--to", secret) == 0, lab.said
    lab.looks_at_the_run()
    gone = f"postgresql://tests:{CANARY}@127.0.0.1:1/lab"
    assert lab.perfusio("mirror", lab.out, "--to", gone) != 0
    assert lab.perfusio("resume", lab.out, "--source", gone) != 0
    monkeypatch.setenv("PERFUSIO_CONNECTOR_URL", gone)
    assert lab.perfusio(*run, "--fresh") != 0
    assert lab.found() == []


def test_the_password_of_a_server(lab, monkeypatch):
    rig = SimulatedAmbr250(n_vessels=1, days=3, seed=0)
    with SimulatedOpcUaRig(rig, identity=identity(), user=("twin", CANARY)) as served:
        (lab.folder / "nodes.toml").write_text(served.server.toml())
        Certificates(lab.folder / "certificates").trust(served.server.identity.certificate)
        (lab.folder / "experiment.toml").write_text(
            f'{RUN}kind = "opcua"\nendpoint = "{served.server.endpoint}"\nnodes = "nodes.toml"\nuser = "twin"\n'
            'certificates = "certificates"\npoll_seconds = 0.02\n'
        )
        run = ("run", lab.folder / "experiment.toml", "--notify", lab.folder / "notify.toml")
        assert lab.perfusio(*run) == 0, lab.said  # the password is in the environment
        assert served.server.witness.logins[0] == ("twin", CANARY)
        lab.looks_at_the_run()
        monkeypatch.setenv(PASSWORD_VARIABLE, f"wrong-{CANARY}")
        assert lab.perfusio(*run, "--fresh") != 0
    assert lab.found() == []
