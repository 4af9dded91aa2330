"""The search finds what can be found in the box, and never looks outside it."""

import numpy as np
import pytest

from perfusio.bed.problem import INFEASIBLE, Judged
from perfusio.bed.search import N_CANDIDATES, N_ROUNDS, best_candidate, cross_entropy
from perfusio.config import RunConfig

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


class Judge:
    """A quadratic problem with a limit on the first setpoint, off by `luck` as a problem on few paths is."""

    def __init__(self, optimum, limit, luck=0.0):
        self.value, self.limit, self.luck = Merit(optimum), limit, luck
        self.hold, self.config, self.judged = HOLD, RunConfig(duration_days=9), []

    def merit(self, u):
        broken = u[:, 0] - self.limit - self.luck
        gain = self.value(u)
        merit = np.where(broken > 0.0, INFEASIBLE * (1.0 + broken), gain)
        self.judged.append(
            Judged(
                candidates=u.copy(), gains=gain[:, None], violation=broken, violation_of_mean=broken, value=gain,
                merit=merit,
            )
        )  # fmt: skip
        return merit

    def settle(self):
        pool = self.pool()
        best = int(np.argmax(pool.merit))
        return pool.candidates[best], pool.merit[best]

    def pool(self):
        names = ("candidates", "gains", "violation", "violation_of_mean", "value", "merit")
        return Judged(**{n: np.concatenate([getattr(j, n) for j in self.judged]) for n in names})


@pytest.mark.parametrize("luck", [0.1, 0.0, -0.1])
def test_what_few_paths_found_is_judged_on_all(luck):
    """The scout believes the limit to be elsewhere; the winner keeps the true one and is near the best that does."""
    optimum = [0.9, 0.3, 0.6, 0.3, 0.6, 0.3]
    problem, scout = Judge(optimum, limit=1.5), Judge(optimum, limit=1.5, luck=luck)
    best, merit = best_candidate(problem, LOW, HIGH, np.random.default_rng(0), scout=scout)
    assert best[0] <= 1.5
    assert merit == pytest.approx(problem.value(best[None])[0])
    assert merit > -((0.9 - 2 / 3) ** 2) - 0.05
    asked = sum(len(j.merit) for j in problem.judged)
    assert asked < 80 < sum(len(j.merit) for j in scout.judged)
    pool = problem.pool()
    assert (pool.violation > 0.0).any(), "what breaks a limit is there to be told of"


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
