"""Objectives and limits that are expressions or functions: the same decision as the quantity that they spell out."""

import numpy as np
import pytest

from perfusio.bed.objectives import scores
from perfusio.bed.policy import BEDPolicy
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Constraint, RunConfig
from perfusio.errors import ConfigError, ModelError
from perfusio.objective import Objective, maximize, minimize, objective_function, of_record, track
from perfusio.process.derived import quantity_paths
from perfusio.registry import OBJECTIVES
from perfusio.state import SPECIES_INDEX
from perfusio.testing import make_state
from perfusio.testing.fakes import GrowingModel
from perfusio.trajectory import Trajectory

SPACE = DEFAULT_AMBR250_DESIGN_SPACE
NOMINAL = SPACE.nominal
PRODUCTIVITY = "titer * (perfusion_rate - bleed_rate)"
PROFIT = f"{PRODUCTIVITY} - 300 mg/L * perfusion_rate"


@objective_function(unit="mg/L/day", direction="maximize")
def profit(titer, perfusion_rate, bleed_rate):
    return titer * (perfusion_rate - bleed_rate) - 300.0 * perfusion_rate


@pytest.fixture(autouse=True)
def registered():
    OBJECTIVES.register("profit", profit)
    yield
    for name in ("profit", "once"):
        OBJECTIVES.forget(name)


def decide(**config):
    config = RunConfig(duration_days=14, forecast_days=5, n_paths=32, **config)
    trajectories = {"R01": Trajectory(reactor_id="R01", states=(make_state(),))}
    return BEDPolicy().decide(trajectories, {"R01": NOMINAL}, GrowingModel(), SPACE, config, day=0)["R01"]


def some(n=5):
    rng = np.random.default_rng(0)
    paths = make_state().vector() * rng.uniform(0.5, 2.0, (n, 7, 3, len(SPECIES_INDEX)))
    plans = SPACE.low + rng.random((n, 3, 6)) * (SPACE.high - SPACE.low)
    return paths, plans, np.zeros((n, 6))


def test_an_expression_is_computed_along_paths_and_plans():
    paths, plans, _ = some()
    assert quantity_paths(PRODUCTIVITY, paths, plans) == pytest.approx(quantity_paths("productivity", paths, plans))
    assert quantity_paths(PROFIT, paths, plans) == pytest.approx(quantity_paths("profit", paths, plans))
    assert quantity_paths("1000 pL/L / vcd", paths, plans).shape == (5, 7, 3)


def test_a_decision_for_an_expression_is_that_for_the_quantity():
    found = [decide(objective=maximize(q)).setpoints.vector() for q in ("productivity", PRODUCTIVITY)]
    assert found[0] == pytest.approx(found[1], rel=1e-6)


def test_a_limit_on_an_expression_is_kept():
    free = decide(objective=maximize("productivity")).setpoints
    most = 0.8 * (free.perfusion_rate + free.bleed_rate)
    limit = Constraint(quantity="perfusion_rate + bleed_rate", high=most)
    kept = decide(objective=maximize("productivity"), constraints=(limit,)).setpoints
    assert kept.perfusion_rate + kept.bleed_rate <= most + 1e-9


def test_a_profit_near_nothing_is_scored_by_the_size_of_its_terms():
    paths, plans, moves = some()
    for quantity in (PROFIT, "profit"):
        value = quantity_paths(quantity, paths, plans)
        found = scores(maximize(quantity), paths, plans, moves)
        best, worst = value.mean(axis=(1, 2)).argmax(), value.mean(axis=(1, 2)).argmin()
        assert found.mean(axis=1).argmax() == best
        assert found.mean(axis=1).argmin() == worst
        assert np.abs(found).max() < 1000.0
    raised, lowered = (scores(o(PROFIT), paths, plans, moves) for o in (maximize, minimize))
    assert raised == pytest.approx(-lowered)


def test_a_quantity_that_is_no_number_while_nothing_changes_is_an_error_in_words():
    answer = decide(objective=maximize("titer / (bleed_rate - bleed_rate)"))
    assert isinstance(answer, ModelError)
    assert "not a number" in str(answer)


@pytest.mark.parametrize(
    ("function", "words"),
    [(lambda vcd: vcd.mean(), "shape"), (lambda vcd: 1 / 0, "ZeroDivisionError"), (lambda vcd: vcd[:1], "shape")],
)
def test_a_function_that_fails_is_an_error_in_words(function, words):
    OBJECTIVES.register("once", objective_function(unit="-", direction="maximize")(function))
    answer = decide(objective=Objective(quantity="once", kind="maximize"))
    assert isinstance(answer, ModelError)
    assert words in str(answer)


def test_a_function_cannot_change_the_forecast():
    def greedy(vcd):
        vcd *= 2.0
        return vcd

    OBJECTIVES.register("once", objective_function(unit="-", direction="maximize")(greedy))
    paths, plans, _ = some()
    before = paths.copy()
    quantity_paths("once", paths, plans)
    assert np.array_equal(paths, before)


def test_a_configuration_says_it_as_text_and_takes_it_back():
    config = RunConfig(
        duration_days=3, objective=(maximize(PROFIT), minimize("medium")),
        constraints=(Constraint(quantity="bleed_rate / perfusion_rate", high=0.5),),
    )  # fmt: skip
    told = config.model_dump(mode="json")
    assert RunConfig.model_validate(told) == config
    assert of_record(told["objective"]) == config.objectives
    assert str(config.objectives[0]) == f"maximize {PROFIT} [mg/L/day]"


def test_a_function_brings_its_direction():
    assert RunConfig(duration_days=3, objective="profit").objective == maximize(profit)
    with pytest.raises(ConfigError, match="made to be maximized, not minimized"):
        minimize("profit")
    with pytest.raises(ConfigError, match="has no direction of its own"):
        Objective(quantity="vcd")


@pytest.mark.parametrize(
    ("quantity", "words"),
    [
        ("titer + bleed_rate", "titer is in mg/L and bleed_rate is in 1/day"), ("titr * 2", "Did you mean 'titer'"),
        ("temperature", "cannot be forecast"), ("profits", "Did you mean 'profit'"), ("diameter * 2", "not known"),
    ],
)  # fmt: skip
def test_an_expression_that_means_nothing_is_refused(quantity, words):
    for refuse in (maximize, lambda q: Constraint(quantity=q, low=1.0), lambda q: track(**{q: 1.0})):
        with pytest.raises(ConfigError, match=words.replace("/", ".")):
            refuse(quantity)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"unit": "mgg"}, "not a unit"), ({"direction": "up"}, "direction"), ({"scale": -1.0}, "scale"),
        ({"scale": float("nan")}, "scale"),
    ],
)  # fmt: skip
def test_an_impossible_function_is_refused(options, words):
    with pytest.raises(ConfigError, match=words):
        objective_function(**{"unit": "-", "direction": "maximize", **options})(lambda vcd: vcd)


@pytest.mark.parametrize("function", [lambda *vcd: 1, lambda **vcd: 1, lambda: 1, lambda vcd, /: vcd])
def test_a_function_names_its_quantities(function):
    with pytest.raises(ConfigError, match="name"):
        objective_function(unit="-", direction="maximize")(function)


def test_a_function_without_a_name_is_refused():
    with pytest.raises(ConfigError, match="define it with def"):
        maximize(objective_function(unit="-", direction="maximize")(lambda vcd: vcd))
