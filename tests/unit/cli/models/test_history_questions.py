"""A question about past runs says where its answer goes: into a mapping, so that nobody is asked twice."""

import re
from pathlib import Path

from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.cli.models.history import read_runs_aloud
from perfusio.errors import QuestionOpen
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
    (run,) = read_runs_aloud(Path("h.csv"), CHO_PERFUSION, Path("mapping.toml"))
    assert [s.glutamate for s in run.states] == [2, 2.5]
