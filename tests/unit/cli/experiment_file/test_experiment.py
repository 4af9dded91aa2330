"""experiment.toml: layers of settings with their origins, unknown ones refused, sources opened by kind."""

import json

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.cli.experiment_file.connections import KINDS
from perfusio.cli.experiment_file.experiment import connectors, load
from perfusio.cli.experiment_file.settings import Setting
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode
from perfusio.errors import ConfigError
from perfusio.record.verification.verify import read_records

TOML = """
[run]
duration_days = 2
run_dir = "results"
n_paths = 32
objective = {kind = "track", quantity = "vcd", target = 25}

[design_space.temperature]
high = 37.0

[connector]
kind = "simulated"
n_vessels = 3

[[vessel]]
name = "left"
reactor = "R01"

[[vessel]]
name = "right"
reactor = "R03"
clone = "CloneY"
mode = "advisory"
objective = {kind = "maximize", quantity = "titer"}
design_space = {temperature = {low = 36.0, high = 36.8}}
"""


@pytest.fixture
def write(tmp_path):
    def writer(text=TOML, name="experiment.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return writer


def test_flag_beats_environment_beats_file_beats_default(write):
    environ = {"PERFUSIO_RUN_SEED": "7", "PERFUSIO_RUN_N_PATHS": "64", "PERFUSIO_TRACEBACK": "1"}
    flags = {("run", "n_paths"): Setting(128, "--paths")}
    found = load(write(), flags, environ=environ)
    origins = {key: found.settings["run", key].origin for key in ("n_paths", "seed", "duration_days", "retrain_every")}
    assert origins == {
        "n_paths": "--paths",
        "seed": "PERFUSIO_RUN_SEED",
        "duration_days": "experiment.toml",
        "retrain_every": "default",
    }
    assert (found.run.n_paths, found.run.seed, found.run.duration_days) == (128, 7, 2)


def test_a_part_of_the_design_space_changes_only_that(write):
    space = load(write(), {}, environ={"PERFUSIO_DESIGN_SPACE_BLEED_RATE_HIGH": "0.25"}).design_space
    default = DEFAULT_AMBR250_DESIGN_SPACE.bounds
    assert space.bounds["temperature"] == default["temperature"].model_copy(update={"high": 37.0})
    assert space.bounds["bleed_rate"].high == 0.25
    assert space.bounds["agitation"] == default["agitation"]


def test_vessels_are_chosen_named_and_may_differ(write):
    vessels = connectors(load(write(), {}, environ={}))
    assert list(vessels) == ["left", "right"]
    right = vessels["right"]
    assert (right.clone, right.mode, right.objective.quantity) == ("CloneY", Mode.ADVISORY, "titer")
    assert (right.design_space.bounds["temperature"].low, right.design_space.bounds["temperature"].high) == (36.0, 36.8)
    assert vessels["left"].design_space is None


def test_paths_of_the_file_count_from_its_folder(write, tmp_path):
    path = write('[run]\nduration_days = 1\n[connector]\npath = "data.csv"\n')
    assert load(path, {}, environ={}).connector.path == tmp_path / "data.csv"
    assert load(write(), {}, environ={}).run.run_dir == tmp_path / "results"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("duration_days", "duraton_days", "run.duraton_days is no setting|Did you mean 'duration_days'"),
        ("[connector]", "[conector]", "conector is no section|Did you mean 'connector'"),
        ("design_space.temperature", "design_space.temprature", "Did you mean 'temperature'"),
        ("high = 37.0", "hihg = 37.0", "design_space.temperature.hihg|Did you mean 'high'"),
        ("n_vessels", "n_vesels", "connector.n_vesels|Did you mean 'n_vessels'"),
        ('kind = "simulated"', 'kind = "simulatd"', "'simulatd' is none perfusio knows|Did you mean 'simulated'"),
        ("high = 37.0", "high = 12.0", "experiment.toml: design_space.temperature|low <= nominal <= high"),
        ("duration_days = 2", "duration_days = 0", "experiment.toml: run.duration_days|a number from 1 to 365"),
        ("target = 25", 'target = "x"', "experiment.toml: |target"),
        ('reactor = "R03"', 'rector = "R03"', "[[vessel]] 2: rector is no setting|Did you mean 'reactor'"),
        ('name = "right"', 'name = "left"', "two vessels have the same name"),
        ('clone = "CloneY"', "run = 3", "[[vessel]] 2: run is no setting|share it"),
        ("{temperature = {low", "{temp = {low", "[[vessel]] 2: design_space.temp"),
        ("duration_days = 2", "duration_days = two", "no valid TOML|line 3"),
        ("duration_days = 2\n", "", "run.duration_days is not set"),
    ],
)
def test_what_cannot_be_is_refused_in_words(write, old, new, words):
    with pytest.raises(ConfigError) as refused:
        load(write(TOML.replace(old, new)), {}, environ={})
    for word in words.split("|"):
        assert word in str(refused.value), str(refused.value)


def test_the_simulated_cell_line_may_be_any_that_has_a_name(write):
    text = TOML.replace('kind = "simulated"', 'kind = "simulated"\nclone = "Y-GS46-k3"')
    vessels = connectors(load(write(text), {}, environ={}))
    assert {v.connector.time.plant.clones[0].name for v in vessels.values()} == {"Y-GS46-k3"}
    with pytest.raises(ConfigError, match=r"connector.clone: 'Y-GS64'.*Did you mean 'Y-GS46'"):
        connectors(load(write(text.replace("GS46-k3", "GS64")), {}, environ={}))


def test_all_unknown_settings_are_told_together(write):
    text = TOML.replace("duration_days", "duraton_days").replace("[connector]", "[conector]")
    with pytest.raises(ConfigError) as refused:
        load(write(text), {}, environ={})
    assert str(refused.value).count("no se") == 2


@pytest.mark.parametrize(
    ("flags", "environ", "words"),
    [
        ({}, {"PERFUSIO_RUN_SED": "1"}, "PERFUSIO_RUN_SED is set|Did you mean 'PERFUSIO_RUN_SEED'"),
        ({}, {"PERFUSIO_CONNECTOR_PATH": "x.csv"}, "sets connector.path, but the connector is of kind 'simulated'"),
        ({("connector", "path"): Setting("x.csv", "--csv")}, {}, "--csv sets connector.path"),
        ({}, {"PERFUSIO_CONNECTOR_KIND": "opc"}, "PERFUSIO_CONNECTOR_KIND: connector.kind = 'opc'"),
    ],
)
def test_flags_and_variables_never_vanish(write, flags, environ, words):
    with pytest.raises(ConfigError) as refused:
        load(write(), flags, environ=environ)
    for word in words.split("|"):
        assert word in str(refused.value)


@pytest.mark.parametrize("url", ["postgresql://me:secret@host/db", "postgresql://me@host/db?sslmode=x&password=secret"])
def test_a_password_does_not_belong_into_the_file(write, url):
    path = write(f'[run]\nduration_days = 1\n[connector]\nkind = "sql"\nurl = "{url}"\n')
    with pytest.raises(ConfigError, match="PERFUSIO_CONNECTOR_URL") as refused:
        load(path, {}, environ={})
    assert "secret" not in str(refused.value)
    from_environment = load(path, {}, environ={"PERFUSIO_CONNECTOR_URL": url})
    assert "secret" not in json.dumps([str(s.value) for s in from_environment.settings.values()])


def test_a_missing_file_and_a_missing_vessel_are_named(write, tmp_path):
    write()
    with pytest.raises(ConfigError, match=r"Did you mean 'experiment.toml'"):
        load(tmp_path / "experimnt.toml", {}, environ={})
    with pytest.raises(ConfigError, match=r"no reactor 'R09'. Did you mean"):
        connectors(load(write(TOML.replace("R03", "R09")), {}, environ={}))


def test_every_kind_of_connector_is_declared_with_its_settings():
    assert set(KINDS) == {"file", "simulated", "opcua", "sql"}
    for name, kind in KINDS.items():
        assert kind.settings.model_fields["kind"].default == name
        assert set(kind.paths) <= set(kind.settings.model_fields)


def test_an_experiment_runs_and_flags_win(write, tmp_path):
    result = CliRunner().invoke(app, ["run", str(write()), "--days", "1", "--seed", "5"])
    assert result.exit_code == 0, result.output
    config = next(read_records(tmp_path / "results" / "audit.jsonl")).payload["config"]
    assert (config["run"]["duration_days"], config["run"]["seed"], config["run"]["n_paths"]) == (1, 5, 32)


def test_config_show_prints_each_value_with_its_origin(write, monkeypatch):
    monkeypatch.setenv("PERFUSIO_RUN_SEED", "3")
    shown = CliRunner().invoke(app, ["config", "show", str(write()), "--changed"])
    assert shown.exit_code == 0, shown.output
    lines = {line.split(" ")[0]: line for line in shown.stdout.splitlines()}
    assert lines["run.seed"].endswith("= 3  (PERFUSIO_RUN_SEED)")
    assert lines["design_space.temperature.high"].endswith("= 37.0  (experiment.toml)")
    assert "run.retrain_every" not in lines
    assert "vessel right: reactor 'R03'" in shown.stdout
    every = json.loads(CliRunner().invoke(app, ["config", "show", str(write()), "--json"]).stdout)
    assert every["settings"]["run.retrain_every"] == {"value": 3, "origin": "default"}
    assert every["vessels"][0]["name"] == "left"
