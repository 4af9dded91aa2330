"""A question about past runs says where its answer goes: into a mapping, so that nobody is asked twice."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.cli.models.history import FileAnswers, read_runs_aloud
from perfusio.errors import ConfigError, QuestionOpen
from perfusio.process.cho_perfusion import CHO_PERFUSION


def test_the_answer_of_a_question_about_past_runs_goes_into_a_mapping(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("h.csv").write_text("run,day,VCD,Via,Glc,Glu\nA,0,1,97,5,2\nA,1,2,97,5,2.5\n", encoding="utf-8")
    asked = CliRunner().invoke(app, ["fit", "--runs", "h.csv", "--out", "model"])
    assert isinstance(asked.exception, QuestionOpen)
    assert "--mapping mapping.toml" in str(asked.exception)
    CliRunner().invoke(app, ["import", "h.csv", "--dry-run", "--save-mapping", "mapping.toml"])
    text = Path("mapping.toml").read_text(encoding="utf-8")
    Path("mapping.toml").write_text(re.sub(r'#\s+(Glu = "glutamate").*', r"\1", text), encoding="utf-8")
    (run,) = read_runs_aloud(Path("h.csv"), CHO_PERFUSION, FileAnswers(mapping=Path("mapping.toml")))
    assert [s.glutamate for s in run.states] == [2, 2.5]


def test_headers_are_answered_by_options_and_assumed_units_and_unread_columns_are_shown(tmp_path, capsys):
    path = tmp_path / "h.csv"
    path.write_text("run,day,VCD,Via,Glc,Glu,Operator,OD\nA,0,1,97,5,2,J,7\nA,1,2,97,5,2.5,J,8\n", encoding="utf-8")
    (run,) = read_runs_aloud(path, CHO_PERFUSION, FileAnswers(column=["Glu=glutamate [mmol/L]"], ignore=["OD"]))
    assert [s.glutamate for s in run.states] == [2, 2.5]
    told = capsys.readouterr().err
    assert "h.csv: VCD in 1e6 cells/mL, Via in %, Glc in g/L (assumed: nothing says it)" in told
    assert "h.csv: left unread: Operator, OD" in told


def test_a_file_that_says_everything_has_no_screen(tmp_path, capsys):
    path = tmp_path / "h.csv"
    path.write_text("run,day,VCD [1e6 cells/mL],Via [%],glucose [g/L]\nA,0,1,97,5\nA,1,2,97,5\n", encoding="utf-8")
    read_runs_aloud(path, CHO_PERFUSION)
    assert "Taken for granted" not in capsys.readouterr().err


def test_a_bad_value_of_one_of_several_files_is_set_missing_by_name(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("day,vcd,Via,glucose\n0,1,97,5\n1,2,97,#REF!\n")
    told = FileAnswers(set_missing=["a.csv, line 3: glucose", "b.csv, line 3: glucose"])
    runs = read_runs_aloud(tmp_path, CHO_PERFUSION, told)
    assert [[s.glucose == s.glucose for s in run.states] for run in runs] == [[True, False], [True, False]]
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    assert told.about(files[1], files).set_missing == ["b.csv, line 3: glucose"]
    with pytest.raises(ConfigError, match="does not say of which file"):
        FileAnswers(set_missing=["line 3: glucose"]).about(files[1], files)
