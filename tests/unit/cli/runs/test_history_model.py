"""What a run starts from when there are past runs."""

from dataclasses import replace

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.cli.runs.history_model import learnt, starting_model
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.hybrid.clone_models import CloneModels
from perfusio.hybrid.model import HybridModel
from perfusio.plant.clones import CLONE_X, CLONE_Y
from perfusio.plant.experiment import simulate_runs
from perfusio.process import CHO_PERFUSION
from perfusio.record.verification.verify import read_records
from perfusio.tables.runs_table import RUNS_HEADER, runs_rows, write_csv
from perfusio.twin.deciding.saved_models import load


def runs_of(clone, n, seed):
    plans = {f"{clone.name}{i}": replace(SPACE.nominal, perfusion_rate=0.9 + 0.2 * i) for i in range(n)}
    return simulate_runs(clone, plans, days=6, seed=seed)


@pytest.fixture(scope="module")
def past():
    return runs_of(CLONE_X, 2, 1)


def test_without_history_there_is_no_model():
    assert starting_model(None, ["CloneX"], CHO_PERFUSION, seed=0) is None


def test_history_of_the_same_clone_is_a_fit(past):
    model, told = learnt(past, ["CloneX"], seed=0)
    assert model.model_id == HybridModel().fit(past).model_id
    assert told == ["all are of CloneX"]


def test_history_of_others_makes_a_newcomer(past):
    model, (told,) = learnt(past, ["CloneY"], seed=0)
    assert "none is of CloneY" in told
    assert model.courses == ()


def test_few_runs_among_others_are_told(past):
    _, (told,) = learnt([*past, *runs_of(CLONE_Y, 1, 2)], ["CloneY"], seed=0)
    usual = "1 of CloneY teach it, and the others as its relatives; the nearest is CloneX"
    assert told.startswith((usual, "only the 1"))


def test_vessels_of_several_clones_get_a_model_that_keeps_them_apart(past):
    (short,) = (t.until(2) for t in runs_of(CLONE_Y, 1, 2))
    model, told = learnt([*past, short], ["CloneX", "CloneY"], seed=0)
    assert isinstance(model, CloneModels)
    assert sorted(model.models) == ["CloneX", "CloneY"]
    assert told == [
        "2 of CloneX teach it, and there is no other clone to learn from",
        "the 1 of CloneY are too short to learn from: its forecasts start from its relatives, with wide intervals",
    ]


def test_a_file_of_two_clones_starts_from_past_runs_of_both(past, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "past.csv", RUNS_HEADER, runs_rows([*past, *runs_of(CLONE_Y, 2, 2)]))
    rows = [f"{r},{c},{d},{12 + d},98,4" for d in range(3) for r, c in (("A1", "CloneX"), ("B2", "CloneY"))]
    (tmp_path / "now.csv").write_text("\n".join(["reactor,clone,day,vcd,viability,glucose", *rows]) + "\n")
    arguments = ["run", "--csv", "now.csv", "--days", "2", "--history", "past.csv", "--out", "out"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.exception
    assert "History: 4 past runs of 2 clones; 2 of CloneX teach it" in result.stdout
    (saved,) = (r.to_event() for r in read_records(tmp_path / "out" / "audit.jsonl") if r.event == "ModelSaved")
    assert sorted(load(tmp_path / "out", saved).models) == ["CloneX", "CloneY"]
