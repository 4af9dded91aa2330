"""The search finds what can be found in the box, and never looks outside it."""

from dataclasses import dataclass

import numpy as np
import pytest

from perfusio.bed.problem import Problem
from perfusio.bed.search import N_CANDIDATES, N_ROUNDS, alone, cross_entropy, refining
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import Constraint, RunConfig, maximize
from perfusio.state import SPECIES_INDEX
from perfusio.testing import make_state

LOW, HIGH = np.array([0.5, 0.05, 2.0, 35.0, 700.0, 0.0]), np.array([2.0, 0.30, 8.0, 37.5, 1050.0, 5.0])
HOLD = np.array([1.0, 0.15, 4.0, 36.5, 850.0, 1.0])


class Merit:
    """A quadratic with its optimum at a known point of the unit cube; keeps what it was asked."""

    def __init__(self, optimum, weights=1.0):
        self.optimum, self.weights, self.asked = np.asarray(optimum), weights, []

    def __call__(self, u):
        self.asked.append(u.copy())
        unit = (u - LOW) / (HIGH - LOW)
        return -(self.weights * (unit - self.optimum) ** 2).sum(axis=1)


def search(merit, seed=0, low=LOW, high=HIGH, hold=HOLD):
    return cross_entropy(merit, low, high, hold[None], np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("optimum", [[0.5] * 6, [0.1, 0.9, 0.2, 0.8, 0.3, 0.7]])
def test_it_comes_near_a_known_optimum(optimum, seed):
    merit = Merit(optimum)
    best, value = search(merit, seed)
    assert value > -0.03  # a mean distance of 0.07 of the range in each of six directions
    assert value == pytest.approx(merit(best[None])[0])
    assert value > merit(HOLD[None])[0]


@pytest.mark.parametrize("seed", range(3))
def test_an_optimum_in_a_corner_is_found(seed):
    best, _ = search(Merit([0.0, 1.0, 0.0, 1.0, 0.0, 1.0]), seed)
    assert np.abs((best - LOW) / (HIGH - LOW) - [0, 1, 0, 1, 0, 1]).max() < 0.15


@dataclass
class Quadratic:
    """Futures of one species: titer is a quadratic of where the setpoints are, viability falls with perfusion.

    Few paths have the limit elsewhere than many: `luck` of each path adds to viability, and the first paths are lucky.
    """

    optimum: np.ndarray
    luck: np.ndarray

    def play(self, plans):
        paths = np.tile(make_state(vcd=20.0, titer=0.0).vector(), (len(plans), len(self.luck), plans.shape[1], 1))
        merit = Merit(self.optimum)
        titer = 10.0 + np.stack([merit(plans[:, h]) for h in range(plans.shape[1])], axis=1)
        paths[..., SPECIES_INDEX["titer"]] = titer[:, None]
        luck = self.luck[None, :, None]
        paths[..., SPECIES_INDEX["viability"]] = 96.5 - plans[:, None, :, 0] + luck
        return paths


@pytest.mark.parametrize("bias", [0.1, 0.0, -0.1])
def test_what_few_paths_found_is_judged_on_many(bias):
    """The first paths believe the limit to be elsewhere; the winner keeps the true one, near the best that does."""
    luck = 0.002 * np.tile([1.0, -1.0], 16)
    luck[:4] += bias
    limit = (Constraint(quantity="viability", low=95.0, probability=0.501),)
    settings = RunConfig(duration_days=9, objective=maximize("titer", horizon_days=6), constraints=limit, exploration=0)

    def problem(n):
        return Problem(
            futures=Quadratic(np.array([0.9, 0.3, 0.6, 0.3, 0.6, 0.3]), luck[:n]), current=HOLD, hours=24.0,
            space=SPACE, config=settings, n_paths=n,
        )  # fmt: skip

    many = problem(32)
    best, _ = alone(refining(problem(4), problem(4), many, LOW, HIGH, np.random.default_rng(0)))
    assert many.judge(best[None]).violation[0] <= 1e-3
    assert best[0] == pytest.approx(1.5 + luck.mean(), abs=0.1)
    assert Merit([0.9, 0.3, 0.6, 0.3, 0.6, 0.3])(best[None])[0] > -((0.9 - 2 / 3) ** 2) - 0.05


def test_it_never_asks_outside_the_box_nor_more_than_it_may():
    merit = Merit([2.0] * 6)  # the way is always out
    best, _ = search(merit)
    asked = np.concatenate(merit.asked)
    assert (asked >= LOW).all()
    assert (asked <= HIGH).all()
    assert ((HIGH - best) / (HIGH - LOW) < 0.2).all()
    assert len(merit.asked) == N_ROUNDS
    assert max(len(a) for a in merit.asked) <= N_CANDIDATES + 2


def test_holding_takes_part_first_and_wins_where_nothing_is_better():
    merit = Merit((HOLD - LOW) / (HIGH - LOW))
    best, value = search(merit)
    assert (best == HOLD).all()
    assert value == 0.0
    assert all((a[0] == HOLD).all() for a in merit.asked)


def test_numbers_that_are_none_never_win():
    def merit(u):
        values = -np.abs(u[:, 0] - 1.5)
        values[1::2] = np.nan
        return values

    best, value = search(merit)
    assert np.isfinite(value)
    assert value == -abs(best[0] - 1.5)


def test_where_nothing_is_allowed_it_holds():
    best, value = search(lambda u: np.full(len(u), -np.inf))
    assert (best == HOLD).all()
    assert value == -np.inf


def test_a_held_setpoint_stays():
    low, high = LOW.copy(), HIGH.copy()
    low[3] = high[3] = 36.5
    best, _ = search(Merit([0.5] * 6), low=low, high=high)
    assert best[3] == 36.5


def test_the_same_seed_finds_the_same():
    a, b = (search(Merit([0.3] * 6), seed=4)[0] for _ in range(2))
    assert (a == b).all()
