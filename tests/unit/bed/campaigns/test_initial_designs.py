"""Designs: the published tables, balance, scaling, order, and refusals."""

from itertools import combinations

import numpy as np
import pytest

from perfusio.bed.campaigns.initial_designs import (
    DesignKind,
    box_behnken,
    central_composite,
    latin_hypercube,
    plan,
    sobol,
)
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import Bounds, DesignSpace
from perfusio.errors import ConfigError
from perfusio.state import SETPOINTS

FOUR = ("perfusion_rate", "bleed_rate", "glucose_setpoint", "temperature")


@pytest.mark.parametrize(("k", "n"), [(3, 12), (4, 24), (5, 40), (6, 48), (7, 56)])
def test_box_behnken_has_the_published_number_of_runs(k, n):
    points = box_behnken(k)
    assert points.shape == (n, k)
    assert len(np.unique(points, axis=0)) == n
    assert set(np.unique(points)) == {-1.0, 0.0, 1.0}


@pytest.mark.parametrize("k", range(3, 8))
def test_box_behnken_is_balanced_and_visits_no_corner(k):
    points = box_behnken(k)
    moved = np.abs(points).sum(axis=1)
    assert set(moved) == {2.0 if k < 6 else 3.0}
    np.testing.assert_array_equal(points.sum(axis=0), 0.0)
    np.testing.assert_array_equal(points.T @ points, np.eye(k) * (points**2).sum(axis=0))
    assert len(set((points**2).sum(axis=0))) == 1


def test_box_behnken_of_seven_varies_every_pair_in_exactly_one_block():
    squares = box_behnken(7) ** 2
    assert all((squares[:, i] * squares[:, j]).sum() == 8 for i, j in combinations(range(7), 2))


@pytest.mark.parametrize("k", range(3, 8))
def test_box_behnken_with_centre_can_fit_a_full_quadratic(k):
    x = np.vstack([box_behnken(k), np.zeros((1, k))])
    pairs = [x[:, i] * x[:, j] for i, j in combinations(range(k), 2)]
    model = np.column_stack([np.ones(len(x)), x, x**2, *pairs])
    assert np.linalg.matrix_rank(model) == model.shape[1]


@pytest.mark.parametrize(("k", "n"), [(2, 8), (3, 14), (4, 24), (5, 26), (6, 44), (7, 78)])
def test_central_composite_has_corners_and_faces_and_fits_a_quadratic(k, n):
    points = central_composite(k)
    assert points.shape == (n, k)
    x = np.vstack([points, np.zeros((1, k))])
    pairs = [x[:, i] * x[:, j] for i, j in combinations(range(k), 2)]
    model = np.column_stack([np.ones(len(x)), x, x**2, *pairs])
    assert np.linalg.matrix_rank(model) == model.shape[1]
    np.testing.assert_array_equal(points.T @ points, np.eye(k) * (points**2).sum(axis=0))


def test_latin_hypercube_visits_every_slice_once():
    points = latin_hypercube(4, 10, seed=1)
    assert (np.sort(np.floor((points + 1.0) * 5.0), axis=0) == np.arange(10)[:, None]).all()


def test_space_filling_designs_repeat_with_their_seed_and_differ_without():
    for draw in (latin_hypercube, sobol):
        np.testing.assert_array_equal(draw(3, 9, seed=5), draw(3, 9, seed=5))
        assert not np.array_equal(draw(3, 9, seed=5), draw(3, 9, seed=6))


def test_sobol_is_balanced_for_powers_of_two():
    points = sobol(6, 16, seed=0)
    assert ((points < 0).sum(axis=0) == 8).all()


@pytest.mark.parametrize("kind", DesignKind)
def test_every_planned_run_lies_within_the_space(kind):
    design = plan(kind, SPACE, n_centre=2, n_runs=11 if kind.fills_space else None)
    assert design.factors == SETPOINTS
    assert all(SPACE.contains(run.setpoints) for run in design.runs)
    assert sum(run.is_centre for run in design.runs) == 2


def test_training_design_of_the_first_tutorial():
    design = plan("box-behnken", SPACE, FOUR, n_centre=3)
    assert [run.name for run in design.runs] == [f"R{i:02d}" for i in range(1, 28)]
    assert {run.setpoints.agitation for run in design.runs} == {850.0}
    assert {run.setpoints.perfusion_rate for run in design.runs} == {0.5, 1.25, 2.0}
    centre = next(run for run in design.runs if run.is_centre).setpoints
    assert (centre.perfusion_rate, centre.bleed_rate, centre.temperature) == (1.25, 0.175, 36.25)


def test_run_order_is_random_but_repeats():
    design, again, other = (plan("box-behnken", SPACE, FOUR, seed=s) for s in (1, 1, 2))
    order = [run.standard_order for run in design.runs]
    assert sorted(order) == list(range(1, 25))
    assert order != sorted(order)
    assert design == again
    assert order != [run.standard_order for run in other.runs]
    assert {run.setpoints for run in design.runs} == {run.setpoints for run in other.runs}


def test_held_setpoints_are_not_varied_unless_asked_and_then_refused():
    held = SPACE.holding(agitation=900.0)
    assert "agitation" not in plan("box-behnken", held).factors
    with pytest.raises(ConfigError, match="held at 900"):
        plan("box-behnken", held, ("agitation", *FOUR))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"kind": "box-benken"}, "Did you mean 'box-behnken'"),
        ({"kind": "box-behnken", "factors": ("temprature", "agitation", "bleed_rate")}, "Did you mean 'temperature'"),
        ({"kind": "box-behnken", "factors": ("temperature", "agitation")}, "3 to 7"),
        ({"kind": "central-composite", "factors": ("temperature",)}, "2 to 7"),
        ({"kind": "sobol"}, "say how many"),
        ({"kind": "box-behnken", "n_runs": 9}, "leave n_runs"),
        ({"kind": "sobol", "n_runs": 0}, "runs >= 1"),
        ({"kind": "sobol", "n_runs": 4, "n_centre": -1}, "centre points >= 0"),
        ({"kind": "sobol", "n_runs": 4, "factors": ("temperature", "temperature")}, "once"),
    ],
)
def test_refusals_say_what_to_do(call, words):
    kind = call.pop("kind")
    with pytest.raises(ConfigError, match=words):
        plan(kind, SPACE, **call)


def test_runs_that_would_bleed_more_than_they_perfuse_are_refused():
    greedy = DesignSpace(bounds={**SPACE.bounds, "bleed_rate": Bounds(low=0.05, high=1.0, nominal=0.1, max_step=0.1)})
    with pytest.raises(ConfigError, match="bleed <= perfusion"):
        plan("central-composite", greedy, ("perfusion_rate", "bleed_rate"))
