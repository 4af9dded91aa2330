"""`perfusio process`: a file to start from, a process as tables, and what a model cannot say of it."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.cli.experiment_file.process_template import TEMPLATE
from perfusio.errors import ConfigError
from perfusio.process import CHO_PERFUSION
from perfusio.process.document import panel_of, read_process

PROCESSES = sorted((Path(__file__).parents[3] / "fixtures" / "processes").iterdir())
TRIED = re.sub(r"^#(?=\S)", "", TEMPLATE, flags=re.MULTILINE)


def process(*arguments):
    return CliRunner().invoke(app, ["process", *(str(a) for a in arguments)])


def test_the_file_to_start_from_is_the_default_process_under_another_name():
    panel = panel_of(tomllib.loads(TEMPLATE))
    assert (panel.species, panel.setpoints, panel.limits) == (
        CHO_PERFUSION.species, CHO_PERFUSION.setpoints, CHO_PERFUSION.limits,
    )  # fmt: skip
    assert (panel.medium, panel.equipment) == (CHO_PERFUSION.medium, CHO_PERFUSION.equipment)


def test_its_commented_lines_are_valid_too():
    panel = panel_of(tomllib.loads(TRIED))
    assert panel.species_names[-1] == "asparagine"
    assert panel.setpoint_names[-1] == "ph"
    assert panel.equipment.volume_ml == 250.0
    assert panel.medium_named("lean")["glucose"] == 2.5
    assert [limit.low for limit in panel.limits] == [90.0]


def test_new_checks_and_shows(tmp_path):
    file = tmp_path / "lab" / "process.toml"
    assert process("new", file).exit_code == 0
    assert isinstance(process("new", file).exception, ConfigError)
    assert process("new", file, "--overwrite").exit_code == 0
    checked = process("check", file)
    assert checked.exit_code == 0, checked.output
    assert "The medium is the one that perfusio assumes" in checked.stdout
    assert "glutamate, lactate, ammonium" in checked.stdout
    shown = process("show", file)
    assert "perfusion medium: glucose 5 g/L, glutamine 6 mmol/L" in shown.stdout


@pytest.mark.parametrize("file", PROCESSES, ids=lambda p: p.stem)
def test_every_process_is_shown_and_checked(file):
    panel, shown = read_process(file), process("show", file).stdout
    lines = shown.splitlines()
    assert max(map(len, lines)) <= 120
    for quantity in panel.quantities:
        (row,) = (line for line in lines if re.match(rf"  {quantity.name} +{quantity.role} ", line))
        assert quantity.unit in row
    for name in {q.name for q in CHO_PERFUSION.quantities} - {q.name for q in panel.quantities}:
        assert not re.search(rf"\b{name}\b", shown), name
    checked = process("check", file)
    assert checked.exit_code == 0, checked.output
    assert f"{len(panel.species)} measured and {len(panel.setpoints)} set. It can be run." in checked.stdout


def test_what_a_model_cannot_say_is_said(tmp_path):
    said = process("check", PROCESSES[0]).stdout
    assert "No rate law is known for asparagine" in said
    found = json.loads(process("check", PROCESSES[0], "--json").stdout)
    assert found["unknown"][0].startswith("No rate law is known for asparagine")
    assert found["assumed"] == ["Not in the medium, so none flows in: glutamate, lactate, ammonium."]


def test_the_document_is_printed_as_data():
    document = json.loads(process("show", PROCESSES[0], "--json").stdout)
    assert panel_of(document) == read_process(PROCESSES[0])
    assert json.loads(process("show", "--json").stdout) == {"name": CHO_PERFUSION.name, "base": CHO_PERFUSION.name}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[species.asn]\nrole = "solute"', "species.asn: unit missing. Give it."),
        ('[species.asn]\nunit = "mmol/L"', "species.asn: role missing. Give it."),
        ('[species.asn]\nunit = "mmol/L"\nrole = "solut"', "species.asn.role = 'solut'|Did you mean 'solute'"),
        ('[medium]\nglucos = "5 g/L"', "'glucos' in a medium is no dissolved species. Did you mean 'glucose'"),
        ('[medium]\nglucose = "5 V"', "glucose|'V'"),
        ('without = ["pyruvat"]', "'pyruvat' is no quantity|Did you mean 'pyruvate'"),
        ('without = ["pyruvate"]', "setpoints name 'pyruvate'"),
        ('sampling_flow = "4 mL/day"', "working volume is not declared"),
        ('[setpoints.bleed_rate]\nallowed = {low = 3, high = 4, nominal = 3, max_step = 1}', "would run empty"),
        ("name = ", "is no TOML file|Correct it there"),
    ],
)
def test_what_cannot_be_a_process_is_refused_in_words(tmp_path, text, words):
    (tmp_path / "process.toml").write_text(text, encoding="utf-8")
    refused = process("check", tmp_path / "process.toml")
    assert isinstance(refused.exception, ConfigError), refused.output
    for word in words.split("|"):
        assert word in str(refused.exception), str(refused.exception)


def test_a_file_that_is_not_there_is_named_with_the_nearest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    process("new", "process.toml")
    refused = process("check", "proces.toml").exception
    assert "proces.toml was not found. Did you mean 'process.toml'?" in str(refused)
