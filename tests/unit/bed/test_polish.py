"""Polishing finds the best place along a limit near where it starts, and stays in the box."""

import numpy as np
import pytest

from perfusio.bed.polish import Box, polishing
from perfusio.bed.problem import Problem
from perfusio.bed.search import alone
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import Constraint, RunConfig, maximize
from perfusio.state import SETPOINT_INDEX, SPECIES_INDEX
from perfusio.testing import make_state

HOLD = SPACE.nominal.vector()
D, T = SETPOINT_INDEX["perfusion_rate"], SETPOINT_INDEX["temperature"]
LIMIT = Constraint(quantity="viability", low=95.0, probability=0.6)


class Ridge:
    """More titer with perfusion and in the cold; viability needs perfusion and temperature to add up to little."""

    asked: list

    def __init__(self):
        self.asked = []

    def play(self, plans):
        self.asked.append(plans)
        paths = np.tile(make_state(vcd=20.0).vector(), (len(plans), 2, plans.shape[1], 1))
        perfusion, warm = plans[..., D], plans[..., T] - 35.0
        paths[..., SPECIES_INDEX["titer"]] = (10.0 + 2.0 * perfusion - (perfusion - 1.0) ** 2 + 0.5 * warm)[:, None]
        paths[..., SPECIES_INDEX["viability"]] = (97.5 - perfusion - warm)[:, None]
        return paths


def problem():
    settings = RunConfig(
        duration_days=9, objective=maximize("titer", horizon_days=5), constraints=(LIMIT,), exploration=0
    )
    return Problem(futures=Ridge(), current=HOLD, hours=24.0, space=SPACE, config=settings, n_paths=2)


def polished(start, *, low=SPACE.low, high=SPACE.high, seed=0):
    one, many = problem(), problem()
    box = Box(low=low, high=high)
    best = alone(polishing(one, many, start, HOLD, box, np.random.default_rng(seed)))
    return one, best


@pytest.mark.parametrize("seed", range(3))
def test_it_climbs_along_the_limit(seed):
    start = HOLD.copy()
    start[T] = 36.0
    one, best = polished(start, seed=seed)
    before, after = (one.gains(c[None])[0].mean() for c in (start, best))
    assert one.judge(best[None]).violation[0] <= 0.0
    assert after > before
    everywhere = np.tile(HOLD, (41 * 41, 1))
    grid = np.meshgrid(np.linspace(0.5, 2.0, 41), np.linspace(35.0, 37.5, 41))
    everywhere[:, D], everywhere[:, T] = grid[0].ravel(), grid[1].ravel()
    kept = one.judge(everywhere).violation <= 0.0
    assert after > 0.85 * one.gains(everywhere)[kept].mean(axis=1).max()


def test_it_never_asks_outside_of_the_box_and_leaves_what_is_held():
    low, high = SPACE.low.copy(), SPACE.high.copy()
    low[D], high[D] = 0.9, 1.2
    low[T] = high[T] = HOLD[T]
    one, best = polished(HOLD, low=low, high=high)
    asked = np.concatenate([pool.candidates for pool in one.judged])
    assert (asked >= low).all()
    assert (asked <= high).all()
    assert best[T] == HOLD[T]
    assert best[D] == pytest.approx(1.0, abs=0.05)


def test_from_where_limits_are_broken_it_comes_back():
    start = HOLD.copy()
    start[D], start[T] = 1.9, 36.8
    one, best = polished(start)
    assert one.judge(start[None]).violation[0] > 0.0
    assert one.judge(best[None]).violation[0] <= 0.0
