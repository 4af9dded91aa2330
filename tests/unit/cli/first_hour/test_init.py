"""perfusio init: questions or options, a page of the reading, two files that load; nothing on an interruption."""

import json
import os
import tomllib

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.cli.experiment_file.experiment import load
from perfusio.cli.experiment_file.past_runs import PastRuns
from perfusio.errors import ConfigError, QuestionOpen

HEAD = "Run,Date,Culture day,pH,DO,Comment,VCD,Viability,Glucose,Lactate,Gln,NH4,Titer"
ROWS = ["R4,2026-11-02,0,7.02,41,inoculated,3.1,97.5,5.1,0.4,5.8,0.3,12", "R4,2026-11-03,1,7.0,40,,5.6,98,4.9,3,5,1,38"]


@pytest.fixture
def sheet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write(tmp_path / "now.csv", HEAD, ROWS)


def write(path, head, rows):
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def init(*arguments, typed=None, code=0):
    result = CliRunner().invoke(app, ["init", *map(str, arguments)], input=typed)
    if code == 0:
        assert result.exit_code == 0, (result.output, result.exception)
    return result


def read(path):
    return tomllib.loads(path.read_text(encoding="utf-8"))


def test_without_a_terminal_defaults_hold_and_are_told(sheet):
    said = init(sheet).stdout
    assert max(map(len, said.splitlines())) <= 80
    words = " ".join(said.split())
    for told in (
        "left unread: pH, DO, Comment", "ASSUMED, as nobody said it: knobs of the rig: perfusion_rate, bleed_rate",
        "medium with glucose 5 g/L", "temperature stands at 36.5", "mode advisory", "perfusio advise",
    ):  # fmt: skip
        assert told in words
    asked = load(sheet.parent / "experiment.toml", {}, environ={})
    assert asked.run.process.setpoint_names == ("perfusion_rate", "bleed_rate", "temperature", "agitation")
    assert "pyruvate" not in asked.run.process.by_name, "nobody measures it, and the rig has no such feed"
    assert asked.design_space.bounds["temperature"].low == asked.design_space.bounds["temperature"].high == 36.5
    assert asked.run.mode == "advisory"


def test_options_answer_and_are_written(sheet):
    init(
        sheet, "--setpoints", "perfusion_rate,temperature", "--fixed", "agitation=900", "--medium", "glucose=45 mmol/L",
        "--working-volume", "250mL", "--bounds", "temperature=35:37:0.5", "--limit", "viability >= 90",
        "--maximize", "productivity", "--days", "21", "--interval-hours", "12", "--mode", "manual",
        "--email", "a@lab.org", "--email-host", "mail.lab.org", "--email-sender", "twin@lab.org",
    )  # fmt: skip
    process, experiment = read(sheet.parent / "process.toml"), read(sheet.parent / "experiment.toml")
    assert process["without"] == ["bleed_rate", "glucose_setpoint", "pyruvate_feed", "pyruvate"]
    assert process["medium"] == {"glucose": "45 mmol/L", "glutamine": "6 mmol/L"}
    allowed = {"low": 35.0, "high": 37.0, "nominal": 36.5, "max_step": 0.5}
    assert process["setpoints"]["temperature"]["allowed"] == allowed
    assert {"quantity": "viability", "low": 90.0, "probability": 0.98} in process["limits"]
    assert experiment["design_space"] == {"agitation": {"low": 900.0, "high": 900.0, "nominal": 900.0}}
    assert experiment["run"]["objective"] == {"kind": "maximize", "quantity": "productivity"}
    assert (experiment["run"]["duration_days"], experiment["run"]["sampling_interval_hours"]) == (21, 12.0)
    assert experiment["notify"]["email"]["to"] == ["a@lab.org"]
    load(sheet.parent / "experiment.toml", {}, environ={})


def test_a_person_is_asked_and_a_wrong_answer_is_asked_again(sheet):
    answers = [
        "perfusion", "perfusion_rat", "perfusion_rate, bleed_rate", "37", "", "6 g/L", "", "", "200 mL", "0.4 1.8 0.2",
        "", "viability >= 92", "track vcd=20", "10", "", "", "", "", "y",
    ]  # fmt: skip
    said = init(sheet, "--ask", typed="\n".join(answers) + "\n").stdout
    assert "Did you mean 'perfusion_rate'?" in said
    process = read(sheet.parent / "process.toml")
    assert process["medium"]["glucose"] == "6 g/L"
    assert process["setpoints"]["perfusion_rate"]["allowed"]["max_step"] == 0.2
    assert read(sheet.parent / "experiment.toml")["design_space"]["temperature"]["low"] == 37.0


@pytest.mark.parametrize("n_answers", [0, 3, 8])
def test_an_interruption_leaves_nothing(sheet, n_answers):
    result = init(sheet, "--ask", "--out", sheet.parent / "new" / "folder", typed="\n" * n_answers, code=130)
    assert result.exception.exit_code == 130
    assert "nothing was written" in str(result.exception)
    assert os.listdir(sheet.parent) == ["now.csv"]


def test_files_that_are_there_are_replaced_on_a_word_only(sheet):
    mine = write(sheet.parent / "experiment.toml", "# mine", [])
    result = init(sheet, code=2)
    assert isinstance(result.exception, ConfigError)
    assert "experiment.toml in" in str(result.exception)
    assert "--overwrite" in str(result.exception)
    assert mine.read_text() == "# mine\n"
    init(sheet, "--overwrite")
    assert "# mine" not in mine.read_text()


def test_a_folder_that_cannot_be_written_is_said_before_any_question(sheet, tmp_path):
    (tmp_path / "file").touch()
    result = init(sheet, "--out", tmp_path / "file", code=2)
    assert "cannot be written" in str(result.exception)


def test_a_file_of_answers_is_the_same_as_options(sheet, tmp_path):
    (tmp_path / "mine.toml").write_text('sheet = "now.csv"\ndays = 9\nmedium = { glucose = "7 g/L" }\n')
    found = json.loads(init("--answers", "mine.toml", "--json", "--out", "set").stdout)
    assert read(tmp_path / "set" / "process.toml")["medium"]["glucose"] == "7 g/L"
    assert read(tmp_path / "set" / "experiment.toml")["run"]["duration_days"] == 9
    assert found["knobs"] == ["perfusion_rate", "bleed_rate"]
    assert found["taken_for_granted"]["files"][0]["unread"] == ["pH", "DO", "Comment"]
    result = init("--answers", write(tmp_path / "bad.toml", "dayz = 9", []), code=2)
    assert "dayz" in str(result.exception)


def test_an_ambiguous_date_is_asked_and_the_answer_kept(sheet):
    write(sheet, HEAD.replace(",Culture day", ""), [f"R4,0{d}/11/2026,7.0,40,,{3 * d},97,5,1,5,1,20" for d in (2, 3)])
    result = init(sheet, code=2)
    assert isinstance(result.exception, QuestionOpen)
    assert "--date-order dmy" in str(result.exception)
    init(sheet, "--date-order", "dmy")
    assert read(sheet.parent / "experiment.toml")["connector"]["date_order"] == "dmy"


def test_several_runs_of_a_sheet_are_a_question_with_their_dates(sheet):
    write(sheet, HEAD, [*ROWS, *(row.replace("R4", "R5") for row in ROWS)])
    result = init(sheet, code=2)
    assert isinstance(result.exception, QuestionOpen)
    assert "R5 (2 samples, to day 1, to 2026-11-03): --run R5" in str(result.exception)
    assert "--column Run=reactor" in str(result.exception)
    init(sheet, "--run", "R5")
    assert read(sheet.parent / "experiment.toml")["connector"]["run"] == "R5"
    init(sheet, "--column", "Run=reactor", "--overwrite")
    assert read(sheet.parent / "experiment.toml")["connector"]["columns"] == {"Run": "reactor"}


def test_answers_about_the_sheet_answer_for_past_runs_too(sheet):
    write(sheet, HEAD.replace("Titer", "Asn"), ROWS)
    past = sheet.parent / "past"
    past.mkdir()
    write(past / "old.csv", HEAD.replace("Titer", "Asn"), [row.replace("R4", "R1") for row in ROWS])
    init(sheet, "--history", past, "--ignore", "Asn")
    asked = load(sheet.parent / "experiment.toml", {}, environ={})
    mapping = sheet.parent / "history-mapping.toml"
    assert asked.history == PastRuns(past, mapping)
    assert read(mapping) == {"others": "recognised", "ignore": ["Asn"]}


def test_an_answer_may_be_about_past_runs_alone(sheet):
    write(sheet.parent / "old.csv", HEAD.replace("pH", "Asn"), [row.replace("R4", "R1") for row in ROWS])
    result = init(sheet, "--history", "old.csv", code=2)
    assert isinstance(result.exception, QuestionOpen)
    assert "--ignore Asn" in str(result.exception)
    init(sheet, "--history", "old.csv", "--ignore", "Asn")
    assert "ignore" not in read(sheet.parent / "experiment.toml")["connector"]
    assert read(sheet.parent / "history-mapping.toml")["ignore"] == ["Asn"]
    result = init(sheet, "--history", "old.csv", "--ignore", "Asm", "--overwrite", code=2)
    assert isinstance(result.exception, (ConfigError, QuestionOpen))


def test_feeds_without_a_perfusion_rate_are_a_question(sheet):
    write(sheet, HEAD + ",feed_fraction,feed_glucose", [row + ",0.02,400" for row in ROWS])
    result = init(sheet, code=2)
    assert "--kind fed-batch" in str(result.exception)
    assert "--kind perfusion" in str(result.exception)
    init(sheet, "--kind", "fed-batch", "--feed", "feed=glucose 400 g/L, glutamine 40 mmol/L")
    asked = load(sheet.parent / "experiment.toml", {}, environ={})
    assert asked.run.process.balance == "fed_batch"
    assert asked.run.process["feed"].composition["glucose"] == 400.0


def test_without_a_sheet_or_one_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "perfusio init SHEET" in str(init(code=2).exception)
    assert "was not found" in str(init("nowhere.csv", code=2).exception)
