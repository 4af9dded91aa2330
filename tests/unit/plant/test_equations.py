"""The assembled right-hand side, where a single balance can be seen."""

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.plant.clones import CLONE_X
from perfusio.plant.equations import INDEX, STATES, right_hand_side
from perfusio.process.rules import SAMPLING_FLOW

U = DEFAULT_AMBR250_DESIGN_SPACE.nominal.vector()[:, None]


def state(**values):
    y = np.zeros((len(STATES), 1))
    for name, value in ({"glucose": 6.0, "glutamine": 2.0, "sieving": 1.0, "diameter": 16.0} | values).items():
        y[INDEX[name]] = value
    return y


def rate(name, y, u=U):
    production, loss = right_hand_side(y, u, CLONE_X.kinetics)
    return float((production - loss * y)[INDEX[name], 0])


def test_production_is_never_negative():
    rng = np.random.default_rng(0)
    y = rng.exponential(5.0, (len(STATES), 500)) * rng.integers(0, 2, (len(STATES), 500))
    for fraction in ("arrest", "switch", "sieving"):
        y[INDEX[fraction]] = rng.uniform(0.0, 1.0, 500)
    u = rng.uniform(DEFAULT_AMBR250_DESIGN_SPACE.low, DEFAULT_AMBR250_DESIGN_SPACE.high, (500, 6)).T
    production, loss = right_hand_side(y, u, CLONE_X.kinetics)
    assert np.all(production >= 0.0)
    assert np.all(np.isfinite(production) & np.isfinite(loss))


def test_uptake_stays_finite_as_a_nutrient_runs_out():
    for name in ("glucose", "glutamine", "pyruvate"):
        for tiny in (0.0, 1e-200, 1e-12):
            _, loss = right_hand_side(state(viable=50.0, **{name: tiny}), U, CLONE_X.kinetics)
            assert np.all(np.isfinite(loss))


def test_cells_eat_and_excrete():
    empty, full = state(), state(viable=20.0)
    for eaten in ("glucose", "glutamine"):
        assert rate(eaten, full) < rate(eaten, empty)
    for made in ("lactate", "ammonium", "glutamate", "titer", "byproduct", "dead"):
        assert rate(made, full) > rate(made, empty)


def test_harvested_product_is_what_passes_the_membrane():
    harvest = U[0, 0] - U[1, 0] - SAMPLING_FLOW
    assert rate("harvested", state(titer=100.0, sieving=0.8)) == pytest.approx(0.8 * harvest * 100.0, rel=1e-6)


def test_pyruvate_binds_ammonium():
    with_it, without = state(viable=20.0, ammonium=4.0, pyruvate=3.0), state(viable=20.0, ammonium=4.0)
    assert rate("ammonium", with_it) < rate("ammonium", without)


def test_lactate_is_taken_up_once_switched():
    before, after = state(viable=20.0, lactate=10.0), state(viable=20.0, lactate=10.0, switch=1.0)
    assert rate("lactate", after) < rate("lactate", before)


def test_arrest_stops_growth():
    net = rate("viable", state(viable=20.0)) - rate("viable", state(viable=20.0, arrest=1.0))
    assert net > 0.5 * 20.0 * 0.5
    assert rate("viable", state(viable=20.0, arrest=1.0)) < 0.0


def test_hidden_states_follow_their_targets_with_their_lag():
    assert rate("arrest", state(byproduct=1e9)) == pytest.approx(
        CLONE_X.kinetics.arrest_max / CLONE_X.kinetics.adaptation_time
    )
    assert rate("switch", state(viable=1e-9, glucose=1e-9)) == pytest.approx(
        1 / CLONE_X.kinetics.adaptation_time, rel=1e-3
    )


def test_sieving_ends_at_its_floor():
    assert rate("sieving", state(viable=50.0, sieving=0.55)) == pytest.approx(0.0, abs=1e-15)
    assert rate("sieving", state(viable=50.0, sieving=1.0)) < 0.0
