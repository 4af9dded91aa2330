"""A finished run in one file that verifies on another machine."""

import subprocess
import sys
import zipfile

import pytest

from perfusio.errors import AuditError, ChainBroken
from perfusio.events import ModelSaved, RunEnded, RunStarted, SampleMissing
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.bundle import check_bundle, write_bundle
from perfusio.record.verification.site_key import SiteKey
from perfusio.testing import ManualClock

_SEEN = {"path": "../samples.csv", "setpoints_path": "../out/mine.csv"}


@pytest.fixture
def run_dir(tmp_path):
    folder, source = tmp_path / "run", tmp_path / "samples.csv"
    source.write_text("day,vcd\n0,3.1\n")
    with AuditLogger(folder / "audit.jsonl", clock=ManualClock(), run_id="run-1", key=SiteKey.of_site()) as log:
        log.append(RunStarted(config={"seed": 7}, versions={}, sources={"R01": {"path": str(source)}, "R02": _SEEN}))
        log.append(ModelSaved(turn=0, model_id="m", file="models/turn-000/checkpoint.json", sha256="0" * 64))
        log.append(SampleMissing(reactor="R01", turn=0, expected_h=0.0))
        log.append(RunEnded(outcome="all days done", n_samples=0, n_decisions=0))
    (folder / "samples.setpoints.csv").write_text("day\n")
    for name in ("turn-000", "turn-003"):  # the second is of an earlier run here
        (folder / "models" / name).mkdir(parents=True)
        (folder / "models" / name / "checkpoint.json").write_text("{}")
    return folder


def test_it_can_be_checked_elsewhere_without_perfusio(run_dir, tmp_path):
    place = write_bundle(run_dir)
    assert place.name == "bundle-run-1.zip"
    elsewhere = tmp_path / "elsewhere"
    with zipfile.ZipFile(place) as archive:
        archive.extractall(elsewhere)
    for command in (
        ["sha256sum", "-c", "SHA256SUMS"],
        [sys.executable, "-I", "verify_alone.py", "audit.jsonl", "audit.heads", "site.pub"],
    ):
        done = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    (given,) = (elsewhere / "inputs").iterdir()
    assert given.name.endswith("-samples.csv")
    assert given.read_text() == "day,vcd\n0,3.1\n"
    assert "numpy==" in (elsewhere / "environment.txt").read_text()
    assert '"seed": 7' in (elsewhere / "config.json").read_text()
    assert (elsewhere / "samples.setpoints.csv").exists()
    assert [p.parent.name for p in (elsewhere / "models").rglob("*.json")] == ["turn-000"]


def test_it_holds_every_setpoints_file_and_what_people_left(run_dir, tmp_path):
    for name in ("R02.setpoints.csv", "source.json", "HOLD", "hold-R01.txt", "orders/1.json", "orders/refused/2.json"):
        (run_dir / name).parent.mkdir(parents=True, exist_ok=True)
        (run_dir / name).write_text("{}")
    (tmp_path / "samples-R03.setpoints.csv").write_text("day\n")  # beside the source, of one of its vessels
    (tmp_path / "other.setpoints.csv").write_text("of another run\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.csv").write_text("day\n")  # where a person wanted them
    with zipfile.ZipFile(write_bundle(run_dir, tmp_path / "b.zip")) as archive:
        names = set(archive.namelist())
    assert names >= {
        "samples.setpoints.csv", "R02.setpoints.csv", "source.json", "HOLD", "hold-R01.txt", "orders/1.json",
        "orders/refused/2.json", "README.txt",
    }  # fmt: skip
    outside = {n.partition("-")[2] for n in names if n.startswith("setpoints/")}
    assert outside == {"samples-R03.setpoints.csv", "mine.csv"}


def test_the_same_run_gives_the_same_bytes(run_dir, tmp_path):
    first = write_bundle(run_dir, tmp_path / "a.zip").read_bytes()
    assert write_bundle(run_dir, tmp_path / "b.zip").read_bytes() == first


@pytest.mark.parametrize("change", ["edit", "add", "remove"])
def test_what_changed_since_is_named(run_dir, tmp_path, change):
    place, other = write_bundle(run_dir), tmp_path / "other.zip"
    with zipfile.ZipFile(place) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            if name != "config.json" or change == "add":
                new.writestr(name, old.read(name))
        if change != "remove":
            new.writestr("config.json" if change == "edit" else "more.txt", "{}")
    with pytest.raises(ChainBroken, match="more.txt" if change == "add" else "config.json"):
        check_bundle(other)


def test_only_a_finished_and_intact_run_is_packed(run_dir, tmp_path):
    log = run_dir / "audit.jsonl"
    whole = log.read_bytes()
    log.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    with pytest.raises(AuditError, match="has not ended"):
        write_bundle(run_dir)
    log.write_bytes(whole.replace(b"expected_h", b"expected_d"))
    with pytest.raises(ChainBroken):
        write_bundle(run_dir)
    with pytest.raises(AuditError, match="cannot be read"):
        write_bundle(tmp_path)
    with pytest.raises(AuditError, match="cannot be read as a bundle"):
        check_bundle(log)
