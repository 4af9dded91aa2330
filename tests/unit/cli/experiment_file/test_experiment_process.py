"""The process of an experiment: a file, the document itself, a flag or a variable; every name is one of its own."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.cli.experiment_file.experiment import load
from perfusio.cli.experiment_file.processes import FILE
from perfusio.cli.experiment_file.settings import Setting
from perfusio.errors import ConfigError
from perfusio.process import CHO_PERFUSION
from perfusio.process.document import read_process

PROCESSES = Path(__file__).parents[3] / "fixtures" / "processes"
NAMED = """
[process]
file = "process.toml"

[run]
duration_days = 2
objective = {kind = "track", quantity = "asparagine", target = 2}

[design_space.temperature]
high = 37.0

[connector]
kind = "simulated"

[[vessel]]
name = "left"
reactor = "R01"
objective = [{kind = "minimize", quantity = "asparagine"}]
design_space = {temperature = {low = 36.0}}
"""
INLINE = """
[process]
name = "With pH"
without = ["bleed_rate"]

[process.setpoints.ph]
unit = "-"
role = "condition"
low = 6
high = 8

[run]
duration_days = 2

[connector]
kind = "simulated"

[design_space.ph]
low = 6.8
high = 7.2
nominal = 7.0
max_step = 0.1
"""


@pytest.fixture
def write(tmp_path):
    def writer(text, process="asparagine.toml"):
        (tmp_path / "lab").mkdir(exist_ok=True)
        if process:
            (tmp_path / "lab" / "process.toml").write_text((PROCESSES / process).read_text(encoding="utf-8"))
        (tmp_path / "lab" / "experiment.toml").write_text(text, encoding="utf-8")
        return tmp_path / "lab" / "experiment.toml"

    return writer


def test_a_file_is_found_from_the_folder_of_the_experiment(write):
    found = load(write(NAMED), {}, environ={})
    assert found.run.process == read_process(PROCESSES / "asparagine.toml")
    assert found.run.objective.quantity == "asparagine"
    assert tuple(found.design_space.bounds) == found.run.process.setpoint_names
    assert found.design_space.bounds["temperature"].high == 37.0
    (left,) = found.vessels
    assert left.objective[0].process == found.run.process
    assert {c.quantity for c in found.run.constraints} == {limit.quantity for limit in found.run.process.limits}


def test_the_document_may_stand_in_the_experiment(write):
    found = load(write(INLINE, process=""), {}, environ={"PERFUSIO_DESIGN_SPACE_PH_HIGH": "7.3"})
    assert found.run.process.name == "With pH"
    assert "bleed_rate" not in found.design_space.bounds
    assert found.design_space.bounds["ph"].high == 7.3


def test_without_a_process_it_is_the_default_one(write):
    found = load(write("[run]\nduration_days = 2\n[connector]\nkind = 'simulated'\n", process=""), {}, environ={})
    assert found.run.process is CHO_PERFUSION
    assert found.settings["process", "medium"] == Setting({"glucose": "5 g/L", "glutamine": "6 mmol/L"}, "default")


def test_flag_beats_variable_beats_file(write):
    path = write(NAMED.replace('"asparagine"', '"glucose"'))
    fed, bare = PROCESSES / "ph_and_oxygen.toml", PROCESSES / "no_bleed.toml"
    environ = {"PERFUSIO_PROCESS_FILE": str(bare)}
    assert load(path, {}, environ=environ).run.process.name == "CHO cells without a bleed"
    found = load(path, {FILE: Setting(fed, "--process")}, environ=environ)
    assert found.run.process.name == "CHO cells with pH and oxygen"
    assert found.settings["process", "name"].origin == "--process"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("file =", "fille =", "[process]|'fille' is no entry of a process|Known: name, base"),
        ('"process.toml"', '"proces.toml"', "process.file|proces.toml|Did you mean 'process.toml'"),
        ('"process.toml"', "3", "process.file = 3, expected a path"),
        ('file = "process.toml"', 'file = "process.toml"\nname = "Two"', "names a file and says name as well"),
        ("[process]\nfile = ", "process = ", "process = 'process.toml', expected a section"),
        ("design_space.temperature", "design_space.pyruvate_feed", "design_space.pyruvate_feed is no setting"),
        ("design_space.temperature", "design_space.temprature", "Did you mean 'temperature'"),
        ('quantity = "asparagine", target', 'quantity = "pyruvate", target', "'pyruvate' cannot be forecast"),
        ('"minimize", quantity = "asparagine"', '"minimize", quantity = "asparagin"', "Did you mean 'asparagine'"),
        ("{temperature = {low", "{pyruvate_feed = {low", "design_space.pyruvate_feed is no setpoint"),
        ("[run]\n", "[run]\nprocess = {}\n", "run.process is no setting"),
    ],
)
def test_what_the_process_has_not_is_refused_in_words(write, old, new, words):
    assert old in NAMED
    with pytest.raises(ConfigError) as refused:
        load(write(NAMED.replace(old, new, 1)), {}, environ={})
    for word in words.split("|"):
        assert word in str(refused.value), str(refused.value)


def test_a_setpoint_without_a_range_needs_bounds(write):
    with pytest.raises(ConfigError, match=r"design_space.ph has no nominal, max_step: With pH does not say"):
        load(write(INLINE.replace("nominal = 7.0\nmax_step = 0.1", ""), process=""), {}, environ={})
    with pytest.raises(ConfigError, match=r"design_space.ph has no low, high, nominal, max_step"):
        load(write(INLINE.split("[design_space.ph]")[0], process=""), {}, environ={})


@pytest.mark.parametrize("origin", ["experiment.toml", "--process"])
def test_config_show_says_process_medium_and_volume(write, tmp_path, origin):
    path = write(NAMED)
    more = [] if origin == "experiment.toml" else ["--process", str(tmp_path / "lab" / "process.toml")]
    shown = CliRunner().invoke(app, ["config", "show", str(path), *more])
    assert shown.exit_code == 0, shown.output
    lines = dict(line.split(" = ", 1) for line in shown.stdout.splitlines() if " = " in line)
    lines = {key.strip(): value for key, value in lines.items()}
    assert lines["process.name"] == f'"CHO cells with asparagine"  ({origin})'
    assert '"asparagine": "12 mmol/L", "glucose": "8.1072 g/L"' in lines["process.medium"]
    assert lines["process.working_volume"].startswith('"250 mL"')
    assert "run.process" not in lines
    every = json.loads(CliRunner().invoke(app, ["config", "show", str(path), "--json", *more]).stdout)
    assert every["settings"]["process.sampling_flow"] == {"value": "0.016 1/day", "origin": origin}


def test_run_takes_a_process_and_aims_at_its_quantities(write):
    asked = ["run", "--csv", "none.csv", "--days", "2", "--process", str(PROCESSES / "asparagine.toml")]
    refused = CliRunner().invoke(app, [*asked, "--maximize", "pyruvate"])
    assert isinstance(refused.exception, ConfigError)
    assert "'pyruvate' cannot be forecast in CHO cells with asparagine" in str(refused.exception)
