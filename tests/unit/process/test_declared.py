"""Numbers that people declare: what cannot be meant is refused on every way in, with the likely meaning."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfusio.cli.experiment_file.experiment import load
from perfusio.cli.runs.aim import aim
from perfusio.config import (
    DEFAULT_ALARMS,
    DEFAULT_AMBR250_DESIGN_SPACE,
    DEFAULT_CONSTRAINTS,
    AlarmLimits,
    Bounds,
    Constraint,
    DesignSpace,
    Objective,
    RunConfig,
    track,
)
from perfusio.errors import ConfigError
from perfusio.process.declared import misdeclared
from perfusio.process.derived import DERIVED_QUANTITIES
from perfusio.state import QUANTITIES, SETPOINTS, SPECIES

EVERYTHING = {**QUANTITIES, **DERIVED_QUANTITIES}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("vcd", 3e7, "vcd = 3e+07 x 1e6 cells/mL is not possible: expected 0 to 400; read as cells/mL it is 30."),
        ("glucose", 4000, "glucose = 4000 g/L is not possible: expected 0 to 60; read as mg/L it is 4."),
        ("glutamine", 4000, "read as umol/L it is 4."),
        ("viability", 120, "viability = 120 % is not possible: expected 0 to 100."),
        ("viability", 0.95, "viability = 0.95 % is of no living culture: expected a share of 100; did you mean 95?"),
        ("temperature", 370, "temperature = 370 °C is not possible: expected 15 to 45."),
        ("cspr", -1, "cspr = -1 pL/cell/day is not possible: expected 0 to 10000."),
        ("vcd", nan, "vcd = nan is no number"),
        ("lactate", inf, "lactate = inf is no number"),
    ],
)
def test_what_cannot_be_meant_is_said_with_the_likely_meaning(name, value, words):
    assert words in misdeclared(name, value)


@given(name=st.sampled_from(sorted(EVERYTHING)), value=st.floats())
def test_a_number_is_taken_just_where_its_quantity_can_have_it(name, value):
    quantity = EVERYTHING[name]
    is_fraction = name == "viability" and 0.0 < value <= 1.0
    assert (misdeclared(name, value) == "") == (quantity.low <= value <= quantity.high and not is_fraction)


def test_the_defaults_can_be_meant():
    for limit in DEFAULT_CONSTRAINTS:
        assert not any(misdeclared(limit.quantity, v) for v in (limit.low, limit.high) if v is not None)
    for alarm in DEFAULT_ALARMS:
        assert not misdeclared(alarm.quantity, alarm.warn) + misdeclared(alarm.quantity, alarm.act)
    for name, bounds in DEFAULT_AMBR250_DESIGN_SPACE.bounds.items():
        assert not misdeclared(name, bounds.low) + misdeclared(name, bounds.high)


def bounds(**changes):
    old = DEFAULT_AMBR250_DESIGN_SPACE.bounds
    return DesignSpace(bounds={**old, "temperature": Bounds(**{**old["temperature"].model_dump(), **changes})})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: track(vcd=3e7), "read as cells/mL it is 30"),
        (lambda: Objective(kind="track", quantity="viability", target=0.95), "did you mean 95"),
        (lambda: Objective(kind="maximize", quantity="titer", move_penalty=inf), "finite"),
        (lambda: Constraint(quantity="viability", low=0.95), "viability >= 0.95 % can never matter"),
        (lambda: Constraint(quantity="ammonium", high=nan), "ammonium <= nan is no number"),
        (lambda: Constraint(quantity="glucose", low=5, high=2), "the lower limit is above the upper one"),
        (lambda: AlarmLimits(quantity="viability", warn=0.97, act=0.95), "viability warn at 0.97 % can never matter"),
        (lambda: AlarmLimits(quantity="glucose", warn=1000, act=300), "read as mg/L it is 1"),
        (lambda: AlarmLimits(quantity="viability", warn=90, act=95), "did you mean warn=95, act=90"),
        (lambda: AlarmLimits(quantity="glucose", warn=1.0, act=0.3, dead_band=inf), "finite"),
        (lambda: bounds(high=370.0), "temperature <= 370 °C is not possible"),
        (lambda: bounds(max_step=inf), "finite"),
        (lambda: bounds(nominal=nan), "expected low <= nominal <= high"),
        (lambda: RunConfig(duration_days=3, objective=track(glucose=0.2)), "lies outside of the limit glucose >= 0.3"),
        (
            lambda: RunConfig(
                duration_days=3,
                constraints=(Constraint(quantity="glucose", low=4.0), Constraint(quantity="glucose", high=2.0)),
            ),
            "the limits glucose >= 4 and <= 2 leave nothing between them",
        ),
        (lambda: aim(["vcd=3e7"], None, None), "read as cells/mL it is 30"),
        (lambda: aim(["vcd=inf"], None, None), "finite"),
    ],
)
def test_every_way_in_refuses_it(make, words):
    with pytest.raises(ConfigError, match=words.replace("(", r"\(")):
        make()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('objective = {kind = "track", quantity = "vcd", target = 3e7}', "read as cells/mL it is 30"),
        ('constraints = [{quantity = "viability", low = 0.95}]', "did you mean 95"),
        ('alarms = [{quantity = "viability", warn = 0.97, act = 0.95}]', "did you mean 97"),
        ('alarms = [{quantity = "glucose", warn = nan, act = 0.3}]', "glucose warn at nan is no number"),
    ],
)
@pytest.mark.parametrize("way", ["file", "environment"])
def test_a_file_and_the_environment_too(tmp_path, line, words, way):
    path, head = tmp_path / "experiment.toml", '[connector]\nkind = "simulated"\n[run]\nduration_days = 3\n'
    name, _, value = line.partition(" = ")
    environ = {} if way == "file" else {f"PERFUSIO_RUN_{name.upper()}": value}
    path.write_text(head + (line if way == "file" else ""))
    with pytest.raises(ConfigError, match=words):
        load(path, {}, environ=environ)


def test_each_species_and_setpoint_has_a_range():
    assert {*SPECIES, *SETPOINTS} <= set(EVERYTHING)
    assert all(q.low < q.high < inf for q in EVERYTHING.values())
