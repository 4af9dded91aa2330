"""The commands on past runs and the run itself, for a process in a file: the whole road of a new user."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.errors import ConfigError
from perfusio.process.document import read_process
from perfusio.record.verification.verify import read_records, verify

PROCESSES = Path(__file__).parents[2] / "fixtures" / "processes"
LEAN = """
name = "Lean, no pyruvate"
without = ["pyruvate", "pyruvate_feed"]
[medium]
glucose = "8 g/L"
glutamine = "4 mmol/L"
"""


def perfusio(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A folder with the process, runs of it, and a model of them."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "lean.toml").write_text(LEAN, encoding="utf-8")
    runs = ("--design", "latin-hypercube", "--runs", 2, "--centre", 1, "--days", 6, "--out", folder / "runs")
    for command in (
        ("simulate", "--process", folder / "lean.toml", *runs),
        ("fit", "--runs", folder / "runs", "--process", folder / "lean.toml", "--out", folder / "model"),
    ):
        done = perfusio(*command)
        assert done.exit_code == 0, f"{done.output} {done.exception}"
    return folder


def header(file):
    with file.open(encoding="utf-8") as lines:
        return next(csv.reader(lines))


def test_runs_and_designs_have_the_columns_of_the_process(lab, tmp_path):
    for file in ("runs.csv", "design.csv"):
        assert not [name for name in header(lab / "runs" / file) if "pyruvate" in name]
    designed = perfusio("design", "--process", PROCESSES / "ph_and_oxygen.toml", "--factors", "ph,dissolved_oxygen",
                        "--design", "central-composite", "--out", tmp_path / "design.csv")  # fmt: skip
    assert designed.exit_code == 0, designed.exception
    assert header(tmp_path / "design.csv")[-2:] == ["ph [-]", "dissolved_oxygen [%]"]
    refused = perfusio("design", "--process", lab / "lean.toml", "--factors", "pyruvate_feed")
    assert "pyruvate_feed" in str(refused.exception)


def test_virtual_vessels_do_not_make_up_what_they_do_not_know(tmp_path):
    refused = perfusio("simulate", "--process", PROCESSES / "asparagine.toml", "--out", tmp_path / "runs")
    assert isinstance(refused.exception, ConfigError)
    assert "do not know asparagine" in str(refused.exception)
    assert not (tmp_path / "runs").exists()


def test_a_model_knows_its_process(lab, tmp_path):
    out = tmp_path / "ahead"
    done = perfusio("forecast", "--model", lab / "model", "--runs", lab / "runs", "--run", "R01", "--from-day", 3,
                    "--days", 3, "--out", out)  # fmt: skip
    assert done.exit_code == 0, done.exception
    rows = (out / "forecast.csv").read_text(encoding="utf-8").splitlines()
    quantities = {row[1] for row in csv.reader(rows)}
    assert "glutamine" in quantities
    assert "pyruvate" not in quantities
    scored = perfusio("score", "--model", lab / "model", "--runs", lab / "runs", "--horizons", 1, "--out", tmp_path)
    assert scored.exit_code == 0, scored.exception
    assert "pyruvate" not in scored.stdout
    other = perfusio("forecast", "--model", lab / "model", "--runs", lab / "runs", "--run", "R01", "--process",
                     PROCESSES / "no_bleed.toml")  # fmt: skip
    assert "with pyruvate, pyruvate_feed; without bleed_rate. Expected the quantities of the model" in str(
        other.exception
    )


def test_another_medium_is_taken_by_the_same_model(lab, tmp_path):
    rich = tmp_path / "rich.toml"
    rich.write_text(LEAN.replace("8 g/L", "12 g/L"), encoding="utf-8")
    glucose = {}
    for file in (lab / "lean.toml", rich):
        done = perfusio("forecast", "--model", lab / "model", "--runs", lab / "runs", "--run", "R01", "--from-day", 0,
                        "--days", 2, "--json", "--process", file)  # fmt: skip
        assert done.exit_code == 0, done.exception
        rows = json.loads(done.stdout)["forecast"]
        glucose[file.name] = next(r["mean"] for r in rows if r["quantity"] == "glucose" and r["day"] == 2)
    assert glucose["rich.toml"] > 1.1 * glucose["lean.toml"]


def test_runs_are_recommended(lab):
    done = perfusio("recommend", "--runs", lab / "runs", "--process", lab / "lean.toml", "--batch", 1, "--days", 4,
                    "--from-day", 2, "--json")  # fmt: skip
    assert done.exit_code == 0, done.exception
    (recipe,) = json.loads(done.stdout)["recipes"]
    assert tuple(recipe["setpoints"]) == read_process(lab / "lean.toml").setpoint_names


def test_a_process_without_productivity_is_asked_what_runs_are_for():
    asked = ("recommend", "--process", PROCESSES / "fed_batch.toml", "--batch", 1)
    refused = perfusio(*asked)
    assert "no productivity, so it is not known what its runs are for. Say --maximize NAME" in str(refused.exception)
    assert perfusio(*asked, "--maximize", "titer").exit_code == 0


def test_a_column_that_only_another_process_has_is_answered_with_what_to_do(tmp_path):
    (tmp_path / "data.csv").write_text("day,VCD,Via,Glc,Asn\n0,1,98,5,2\n1,2,98,5,2\n", encoding="utf-8")
    refused = perfusio("run", "--csv", tmp_path / "data.csv", "--days", 1, "--out", tmp_path / "run")
    assert "'Asn' is not a quantity" in str(refused.exception)
    assert "--process FILE" in str(refused.exception)


@pytest.fixture(scope="module")
def ran(lab):
    """A run of one day of an experiment that names the process, and what it told."""
    folder = lab / "experiment"
    folder.mkdir()
    (folder / "process.toml").write_text(LEAN, encoding="utf-8")
    (folder / "experiment.toml").write_text(
        '[process]\nfile = "process.toml"\n[run]\nduration_days = 1\nn_paths = 16\nrun_dir = "results"\n'
        '[connector]\npath = "../runs/runs.csv"\nrun = "R01"\n',
        encoding="utf-8",
    )
    done = perfusio("run", folder / "experiment.toml")
    assert done.exit_code == 0, f"{done.output} {done.exception}"
    return folder / "results", done.stdout


def test_an_experiment_of_the_process_runs_is_recorded_and_replayed(ran):
    folder, said = ran
    assert "Process: Lean, no pyruvate; medium: glucose 8 g/L, glutamine 4 mmol/L" in said
    assert "pyruvate" not in said.replace("Lean, no pyruvate", "")
    assert verify(folder / "audit.jsonl").outcome == "COMPLETED"
    started = next(read_records(folder / "audit.jsonl")).payload["config"]
    assert started["run"]["process"]["medium"] == {"glucose": 8.0, "glutamine": 4.0}
    again = perfusio("replay", folder)
    assert again.exit_code == 0, again.output
    shown = perfusio("status", folder)
    assert shown.exit_code == 0, shown.exception
    out = folder / "samples.csv"
    assert perfusio("export", folder, "--out", out).exit_code == 0
    assert not [name for name in header(out) if "pyruvate" in name]


def test_a_run_goes_on_with_the_process_that_is_on_record(ran, tmp_path):
    lab = tmp_path / "lab"
    shutil.copytree(ran[0].parents[1], lab)
    results, file = lab / "experiment" / "results", lab / "experiment" / "process.toml"
    record = results / "audit.jsonl"
    lines = record.read_bytes().splitlines(keepends=True)
    n = 1 + next(i for i, line in enumerate(lines) if json.loads(line)["event"] == "SetpointsWritten")
    record.write_bytes(b"".join(lines[:n]))
    record.with_name("audit.heads").unlink(missing_ok=True)
    file.write_text("changed, and no TOML", encoding="utf-8")
    done = perfusio("resume", results)
    assert done.exit_code == 0, f"{done.output} {done.exception}"
    assert verify(record).outcome == "COMPLETED"
    (last,) = [r for r in read_records(record) if r.event == "SampleRead"][-1:]
    assert "pyruvate" not in last.payload["state"]
