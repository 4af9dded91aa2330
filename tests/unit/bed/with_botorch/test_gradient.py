"""Gradient search climbs what is smooth, stays in its box, and is what `search="gradient"` does."""

import numpy as np
import pytest

from perfusio.bed.with_botorch.gradient import climbed

LOW, HIGH = np.array([0.5, 0.05, 35.0]), np.array([2.0, 0.30, 37.5])
START = np.array([1.0, 0.15, 36.5])


def quadratic(optimum):
    return lambda u: -((((u - LOW) / (HIGH - LOW)) - np.asarray(optimum)) ** 2).sum(axis=1)


@pytest.mark.parametrize("optimum", [[0.5, 0.5, 0.5], [0.1, 0.9, 0.4], [0.0, 1.0, 0.0], [-0.5, 1.5, 0.3]])
def test_it_ends_at_the_optimum_of_the_box(optimum):
    ends = climbed(quadratic(optimum), LOW, HIGH, START, seed=0)
    wanted = LOW + np.clip(optimum, 0.0, 1.0) * (HIGH - LOW)
    best = ends[np.argmax(quadratic(optimum)(ends))]
    assert (best - LOW) / (HIGH - LOW) == pytest.approx((wanted - LOW) / (HIGH - LOW), abs=2e-3)
    assert ((ends >= LOW) & (ends <= HIGH)).all()


def test_a_held_setpoint_stays_where_it_is():
    high = np.array([2.0, 0.05, 37.5])
    ends = climbed(lambda u: -((u - 1.0) ** 2).sum(axis=1), LOW, high, START, seed=0)
    assert (ends[:, 1] == 0.05).all()
    assert ends[:, 0] == pytest.approx(np.ones(len(ends)), abs=0.05)


def test_seeds_repeat():
    first, again = (climbed(quadratic([0.2, 0.7, 0.1]), LOW, HIGH, START, seed=4) for _ in range(2))
    assert (first == again).all()
