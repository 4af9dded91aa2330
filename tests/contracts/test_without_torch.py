"""A plain installation has no torch: runs decide without it, and what needs it says what to install."""

import json
import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

import perfusio

EXTRA = ("torch", "gpytorch", "botorch", "linear_operator", "pyro", "functorch", "torchgen")

RUN = ("run", "--csv", "data.csv", "--days", "1", "--out", "results")


@pytest.fixture(autouse=True)
def data(tmp_path):
    (tmp_path / "data.csv").write_text("day,vcd\n0,1.0\n1,1.5\n", encoding="utf-8")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Run perfusio on the packages of this environment except those of the extra."""
    there = Path(distribution("numpy").locate_file(""))
    here = tmp_path_factory.mktemp("plain")
    for entry in there.iterdir():
        if entry.name.split("-")[0].split(".")[0] not in EXTRA and entry.suffix != ".pth":
            (here / entry.name).symlink_to(entry)
    paths = os.pathsep.join([str(here), str(Path(perfusio.__file__).parents[1])])

    def run(*arguments, cwd):
        command = [sys.executable, "-S", "-m", "perfusio", *arguments]
        settings = {**os.environ, "PYTHONPATH": paths}
        return subprocess.run(command, capture_output=True, text=True, env=settings, cwd=cwd, timeout=300)

    return run


def test_a_run_decides_and_its_record_names_no_torch(plain, tmp_path):
    done = plain(*RUN, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    record = tmp_path / "results" / "audit.jsonl"
    events = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    assert [e["payload"]["acquisition"] for e in events if e["event"] == "Decided"] == ["LogEI"]
    assert set(events[0]["payload"]["versions"]) == {"perfusio-twin", "numpy", "scipy", "python"}
    assert plain("verify", str(record), cwd=tmp_path).returncode == 0


def test_what_needs_torch_is_refused_before_the_run(plain, tmp_path):
    asked = ["--maximize", "productivity", "--minimize", "medium", "--acquisition", "qNEHVI"]
    done = plain(*RUN, *asked, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    told = " ".join(done.stderr.split())
    assert "acquisition = 'qNEHVI'" in told
    assert "pip install 'perfusio-twin[botorch]'" in told
    assert not (tmp_path / "results" / "audit.jsonl").exists()
