"""`perfusio resume` finds its source where the run was moved to, or where a person says that it is now."""

import asyncio
import json
import shutil

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.connectors.database.samples import SqlSample, add_samples
from perfusio.errors import PerfusioError
from perfusio.record.verification.verify import read_records, verify
from perfusio.study.closed_loop import write_synthetic_csv
from perfusio.testing import make_state


@pytest.fixture
def perfusio():
    return lambda *arguments: CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of two days, with its data beside it: both in one folder."""
    lab = tmp_path_factory.mktemp("lab")
    (lab / "data").mkdir()
    asyncio.run(write_synthetic_csv(lab / "data" / "samples.csv", days=4, seed=0))
    asked = ("run", "--csv", lab / "data" / "samples.csv", "--days", 2, "--out", lab / "run")
    assert CliRunner().invoke(app, [str(a) for a in asked]).exit_code == 0
    return lab


@pytest.fixture
def cut_off(whole, tmp_path):
    """The run as it was after its first write, when it was cut off."""
    lab = tmp_path / "lab"
    shutil.copytree(whole, lab)
    record = lab / "run" / "audit.jsonl"
    lines = record.read_bytes().splitlines(keepends=True)
    n = 1 + next(i for i, line in enumerate(lines) if json.loads(line)["event"] == "SetpointsWritten")
    record.write_bytes(b"".join(lines[:n]))
    record.with_name("audit.heads").unlink(missing_ok=True)
    return lab


def outcome(folder):
    report = verify(folder / "audit.jsonl")
    assert report.is_intact, report.problems
    return report.outcome


def test_the_source_is_kept_as_seen_from_the_run(cut_off):
    kept = json.loads((cut_off / "run" / "source.json").read_text())
    assert kept["connector"]["path"] == "../data/samples.csv"


def test_the_record_sees_its_places_from_the_run(cut_off):
    started = next(read_records(cut_off / "run" / "audit.jsonl")).payload
    source = started["sources"]["R01"]
    assert (source["path"], source["setpoints_path"]) == ("../data/samples.csv", "samples.setpoints.csv")
    assert str(cut_off.parent) not in json.dumps(started)


def test_run_and_database_can_be_moved_together(tmp_path, perfusio, monkeypatch):
    lab = tmp_path / "lab"
    lab.mkdir()
    add_samples(lab / "lab.sqlite", [SqlSample(state=make_state(day=day)) for day in range(3)])
    asked = lab / "experiment.toml"
    asked.write_text(
        '[run]\nduration_days = 2\nrun_dir = "run"\nn_paths = 16\nforecast_days = 2\n'
        '[connector]\nkind = "sql"\nurl = "lab.sqlite"\n'
    )
    monkeypatch.chdir(lab)
    assert perfusio("run", "experiment.toml").exit_code == 0
    record = lab / "run" / "audit.jsonl"
    assert next(read_records(record)).payload["sources"]["R01"]["url"] == "sqlite:///../lab.sqlite"
    record.write_bytes(b"".join(record.read_bytes().splitlines(keepends=True)[:-1]))  # as a killed run leaves it
    record.with_name("audit.heads").unlink(missing_ok=True)
    monkeypatch.chdir(tmp_path)
    shutil.move(lab, tmp_path / "moved")
    result = perfusio("resume", tmp_path / "moved" / "run")
    assert result.exit_code == 0, result.output
    assert outcome(tmp_path / "moved" / "run") == "COMPLETED"


def test_run_and_data_can_be_moved_together(cut_off, tmp_path, perfusio):
    shutil.move(cut_off, tmp_path / "moved")
    result = perfusio("resume", tmp_path / "moved" / "run")
    assert result.exit_code == 0, result.output
    assert outcome(tmp_path / "moved" / "run") == "COMPLETED"


def test_older_runs_kept_whole_paths(cut_off, perfusio):
    place = cut_off / "run" / "source.json"
    kept = json.loads(place.read_text())
    kept["connector"]["path"] = str(cut_off / "data" / "samples.csv")
    place.write_text(json.dumps(kept))
    assert perfusio("resume", cut_off / "run").exit_code == 0


def test_a_file_that_was_moved_is_named_and_that_is_kept(cut_off, tmp_path, perfusio):
    shutil.move(cut_off / "data" / "samples.csv", tmp_path / "elsewhere.csv")
    lost = perfusio("resume", cut_off / "run")
    assert isinstance(lost.exception, PerfusioError)
    assert "samples.csv" in str(lost.exception)
    found = perfusio("resume", cut_off / "run", "--source", tmp_path / "elsewhere.csv")
    assert found.exit_code == 0, found.output
    assert outcome(cut_off / "run") == "COMPLETED"
    kept = json.loads((cut_off / "run" / "source.json").read_text())
    assert kept["connector"]["path"] == "../../elsewhere.csv"
    assert [r.turn for r in read_records(cut_off / "run" / "audit.jsonl") if r.event == "SampleRead"] == [0, 1, 2]


def test_a_fallback_goes_on_from_the_kept_source_and_an_ended_run_needs_none(cut_off, perfusio):
    run = cut_off / "run"
    assert any(path.is_dir() for path in (run / "models").iterdir())
    shutil.rmtree(run / "models")  # it needs none
    result = perfusio("fallback", run, "--after", 0)
    assert result.exit_code == 0, result.output
    assert "DECIDES NOW: twin -> model-free-mpc: No twin runs." in " ".join(result.output.split())
    assert outcome(run) == "COMPLETED"
    by = {r.turn: r.payload["acquisition"] for r in read_records(run / "audit.jsonl") if r.event == "Decided"}
    assert by[1] == "model-free-mpc"
    assert (run / "report.html").exists()
    again = perfusio("fallback", run)
    assert isinstance(again.exception, PerfusioError)
    assert "has ended" in str(again.exception)


def test_a_fallback_that_could_never_reach_the_vessels_is_refused_at_once(cut_off, perfusio):
    source = cut_off / "run" / "source.json"
    source.write_text(json.dumps(json.loads(source.read_text()) | {"kind": "simulated"}))
    result = perfusio("fallback", cut_off / "run")
    assert isinstance(result.exception, PerfusioError)
    assert "were simulated and ended with the program" in str(result.exception)
