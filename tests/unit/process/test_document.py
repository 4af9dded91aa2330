"""A process as a document: process.toml and what a record says."""

import json

import pytest

from perfusio.config import DesignSpace, RunConfig
from perfusio.errors import ConfigError, UnknownQuantity
from perfusio.objective import track
from perfusio.process import CHO_PERFUSION
from perfusio.process.document import panel_of, plain_of, read_process

TOML = """
name = "with asparagine and pH"
without = ["pyruvate", "pyruvate_feed"]
working_volume = "250 mL"
sampling_flow = "3 mL/day"

[medium]
glucose = "45 mmol/L"
asparagine = "12 mmol/L"

[media.lean]
glucose = "10 mmol/L"

[species.asparagine]
unit = "mmol/L"
role = "solute"
molar_mass = 132.12
aliases = ["Asn"]

[species.glucose]
alarm = {warn = 0.5, act = 0.1, response = "feed", consequence = "starving"}

[setpoints.ph]
unit = "pH"
role = "condition"
low = 6
high = 8
allowed = {low = 6.8, high = 7.2, nominal = 7.0, max_step = 0.1}

[[limits]]
quantity = "viability"
low = 90
probability = 0.95
"""


@pytest.fixture
def panel(tmp_path):
    path = tmp_path / "process.toml"
    path.write_text(TOML)
    return read_process(path)


def test_a_file_describes_a_process(panel):
    assert panel.species_names[-1] == "asparagine"
    assert "pyruvate" not in panel.by_name
    assert panel.equipment.sampling == pytest.approx(0.012)
    assert panel["glucose"].noise == CHO_PERFUSION["glucose"].noise
    assert panel["glucose"].alarm.warn == 0.5
    assert panel["asparagine"].prior.mean == 6.0
    assert panel.medium_named("lean")["glucose"] == pytest.approx(1.8016)
    assert [limit.quantity for limit in panel.limits] == ["viability"]


def test_a_record_gives_it_back_to_the_last_field(panel):
    said = json.loads(json.dumps(plain_of(panel), sort_keys=True))
    assert panel_of(said) == panel
    assert panel_of(said) is panel
    assert plain_of(CHO_PERFUSION) is None
    assert panel_of(None) is CHO_PERFUSION


def test_a_run_takes_limits_alarms_and_ranges_from_its_process(panel):
    config = RunConfig(duration_days=14, process=panel)
    assert [c.quantity for c in config.constraints] == ["viability"]
    assert config.alarms[1].warn == 0.5
    again = RunConfig.model_validate(json.loads(config.model_dump_json()))
    assert again == config
    assert again.process is panel
    assert "process" not in RunConfig(duration_days=14).model_dump()
    aim = {"kind": "track", "quantity": "asparagine", "target": 3}
    held = RunConfig(duration_days=14, process=panel, objective=aim)
    assert held.objectives[0] == track(asparagine=3.0, process=panel)
    assert RunConfig(duration_days=14, process=panel, objective=track(glucose=3.0)).objective.process is panel
    with pytest.raises(ConfigError, match="'pyruvate' cannot be forecast"):
        RunConfig(duration_days=14, process=panel, objective=track(pyruvate=1.0))


def test_a_design_space_is_that_of_its_process(panel):
    space = DesignSpace.of(panel)
    assert space.nominal.ph == 7.0
    assert space.contains(space.nominal)
    assert "process" not in space.model_dump()
    assert DesignSpace(**space.model_dump(), process=panel) == space
    with pytest.raises(ConfigError, match="not a setpoint"):
        DesignSpace(**space.model_dump())
    with pytest.raises(ConfigError, match="low, high, nominal and max_step"):
        DesignSpace.of(panel_of({"setpoints": {"oxygen": {"unit": "%", "role": "condition"}}}))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"speces": {}}, "Did you mean 'species'"),
        ({"base": "yeast"}, "no process that perfusio comes with"),
        ({"without": "pyruvate"}, "list of names"),
        ({"without": ["oxygen"]}, "no quantity"),
        ({"species": {"asn": {"unit": "mmol/L"}}}, "species.asn: role missing"),
        ({"species": {"asn": {"unit": "mmol/L", "role": "solut"}}}, "Did you mean 'solute'"),
        ({"species": {"asn": {"unit": "mmol/L", "role": "solute", "high": "many"}}}, "expected float"),
        ({"species": {"asn": {"unit": "mmol/L", "role": "solute", "noise": 0.1}}}, "expected a table"),
        ({"species": {"asn": {"unit": "mmol/L", "role": "solute", "low": float("nan")}}}, "finite"),
        ({"species": ["asn"]}, "expected tables"),
        ({"species": [{"unit": "mmol/L"}]}, "has no name"),
        ({"medium": {"glucos": 1.0}}, "Did you mean 'glucose'"),
        ({"medium": 5.0}, "expected a table"),
        ({"working_volume": "5 furlong"}, "furlong"),
        ({"name": ""}, "name the process"),
        ({"base": "none", "without": ["vcd"]}, "of a base"),
        ({"base": "none"}, "'cells'"),
        (5, "is a table"),
    ],
)
def test_what_is_no_process_is_refused_in_words(changes, says):
    with pytest.raises((ConfigError, UnknownQuantity), match=says):
        panel_of(changes)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"gone\.toml was not found"):
        read_process(tmp_path / "gone.toml")
    (tmp_path / "bad.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="no TOML file"):
        read_process(tmp_path / "bad.toml")


def test_a_process_can_be_declared_from_nothing():
    panel = panel_of({
        "base": "none",
        "species": {"cells": {"unit": "1e6 cells/mL", "role": "cells"}, "sugar": {"unit": "g/L", "role": "solute"}},
        "setpoints": {"feed": {"unit": "1/day", "role": "feed_rate", "composition": {"sugar": "200 g/L"}}},
    })
    assert panel.balance == "fed_batch"
    assert panel.species_names == ("cells", "sugar")
    assert panel["feed"].composition["sugar"] == 200.0
    assert panel.one_or_none("viability") is None
