"""A reason says what improves, what limits, how far from data it is, what exploring costs, and what was rejected."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.bed.policy import box
from perfusio.bed.problem import Problem
from perfusio.bed.reasons import explain
from perfusio.bed.search import best_candidate
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Constraint, RunConfig, maximize, minimize, track
from perfusio.events import plain
from perfusio.state import SETPOINT_INDEX, SPECIES_INDEX
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory

SPACE = DEFAULT_AMBR250_DESIGN_SPACE
NOMINAL = SPACE.nominal
S = 48


class Warm:
    """Titer rises with temperature, viability falls from 102.5 by 2 +- 0.2 points per degree above 35; cells stay."""

    def play(self, plans):
        warmth = plans[:, None, :, SETPOINT_INDEX["temperature"]] - 35.0
        fall = 2.0 + 0.2 * np.linspace(-2.0, 2.0, S)[None, :, None]
        paths = np.tile(make_state().vector(), (len(plans), S, plans.shape[1], 1))
        paths[..., SPECIES_INDEX["viability"]] = 102.5 - fall * warmth
        paths[..., SPECIES_INDEX["titer"]] = 500.0 + 100.0 * warmth + 0.0 * fall
        return paths


def reason(support=None, **config):
    settings = RunConfig(duration_days=14, **({"objective": maximize("titer", horizon_days=3)} | config))
    problem = Problem(futures=Warm(), current=NOMINAL.vector(), hours=24.0, space=SPACE, config=settings, n_paths=S)
    trajectory = Trajectory(reactor_id="R01", states=(make_state(),))
    best, _ = best_candidate(problem, *box(problem, trajectory, SPACE), np.random.default_rng(0))
    return explain(problem, best, support=support), problem, best


LIMIT = (Constraint(quantity="viability", low=99.0, probability=0.98),)


def test_what_breaks_a_limit_is_named_with_its_gain_and_its_chance():
    found, _, _ = reason(constraints=LIMIT)
    assert found.feasible
    first = found.rejected[0]
    assert first.gain > found.improvement
    assert first.probability < 0.98
    assert first.why.startswith(f"would gain {first.gain:.2g} instead of {found.improvement:.2g}, but viability >= 99")
    assert len(found.rejected) == 2
    second = found.rejected[1]
    assert second.gain <= found.improvement
    assert second.why == f"gains {second.gain:.2g} instead of {found.improvement:.2g}"
    assert second.probability >= 0.98 - 1e-9


def test_rejected_choices_are_other_choices():
    found, problem, best = reason(constraints=LIMIT)
    chosen = problem.plans(best[None])[0, 0]
    steps = [chosen, *(o.setpoints.vector() for o in found.rejected)]
    for i, a in enumerate(steps):
        for b in steps[:i]:
            assert np.max(np.abs(a - b) / SPACE.max_step) > 0.3


def test_without_a_limit_in_the_way_both_gain_less():
    found, _, _ = reason(constraints=())
    assert found.limiting == "none"
    assert [o.gain <= found.improvement for o in found.rejected] == [True, True]


def test_the_data_of_an_option_are_those_of_its_plan():
    found, problem, _ = reason(constraints=LIMIT)
    for option in found.rejected:
        u = option.destination.vector()[None]
        assert problem.gains(u).mean() == pytest.approx(option.gain)
        assert problem.expected(u)[0] == pytest.approx(option.expected)
        assert problem.plans(u)[0, 0] == pytest.approx(option.setpoints.vector())


def test_support_is_the_least_within_the_horizon_and_a_person_is_told_when_it_is_low():
    near, _, _ = reason(np.array([0.9, 0.8, 0.7, 0.0]), constraints=LIMIT)
    assert near.support == 0.7
    assert "far from what was learnt" not in near.text
    far, _, _ = reason(np.array([0.9, 0.8, 0.3, 0.9]), constraints=LIMIT)
    assert "far from what was learnt (support 0.30)" in far.text
    unknown, _, _ = reason(constraints=LIMIT)
    assert unknown.support != unknown.support
    assert "support" not in unknown.text


def test_exploration_is_the_gain_given_up():
    """Of two choices the one with less expected gain was taken: the difference is what exploring cost."""
    found, problem, _ = reason(constraints=())
    assert found.exploration == pytest.approx(0.0, abs=0.05 * found.improvement)
    colder = replace(NOMINAL, temperature=36.6).vector()
    worse = explain(problem, colder, support=None)
    gap = problem.pool().gain.max() - problem.gains(colder[None]).mean()
    assert worse.exploration == pytest.approx(gap)
    assert "expected gain given up to explore" in worse.text


def test_the_margin_and_what_it_costs_are_told():
    """The mean must stay 2.05 sd above 99, sd about 12 % of the fall: that costs warmth, and so titer."""
    found, problem, best = reason(constraints=LIMIT)
    kept = problem.judge(best[None])
    assert found.margin == pytest.approx(kept.margin[0, 0])
    assert 0.1 < found.margin < 1.0
    assert found.margin_cost > 0.1
    assert f"its margin of {found.margin:.2g} costs at least {10 * found.margin_cost:.2g} %" in found.text
    bold = replace(NOMINAL, temperature=36.7).vector()[None]
    assert problem.judge(bold).violation_of_mean[0] < 0 < problem.judge(bold).violation[0]
    unlimited, _, _ = reason(constraints=())
    assert unlimited.margin != unlimited.margin
    assert "margin" not in unlimited.text


def test_a_move_that_mostly_keeps_off_limits_says_so():
    """The density is on target already; a degree less is two points of viability more."""
    near = (Constraint(quantity="viability", low=98.5, probability=0.98),)
    held = {"objective": track(vcd=make_state().vcd), "constraints": near}
    found, _, best = reason(**held)
    assert best[SETPOINT_INDEX["temperature"]] < NOMINAL.temperature
    assert "mostly to keep further off limits" in found.text
    assert "off limits" not in reason(objective=held["objective"], constraints=())[0].text


def test_several_objectives_bring_a_front():
    found, _, _ = reason(objective=(maximize("titer"), minimize("medium")), constraints=LIMIT)
    gains = np.array([o.gains for o in found.front])
    assert 2 <= len(gains) <= 12
    assert (np.diff(gains[:, 0]) > 0).all()
    assert (np.diff(gains[:, 1]) < 0).all()
    assert all(o.probability >= 0.98 - 1e-9 for o in found.front)
    assert "titer" in found.text
    assert "medium" in found.text
    assert reason(constraints=LIMIT)[0].front == ()


def test_no_choice_that_keeps_a_limit_is_said():
    found, _, _ = reason(constraints=(Constraint(quantity="vcd", low=390.0),))
    assert not found.feasible
    assert "no choice keeps vcd >= 390 as surely as asked" in found.text


def test_it_can_be_recorded():
    found, _, _ = reason(objective=(maximize("titer"), track(vcd=30)), constraints=LIMIT)
    data = plain(found.to_json())
    assert data["support"] is None
    assert data["rejected"][0]["setpoints"].keys() == SETPOINT_INDEX.keys()
    assert len(data["front"]) == len(found.front)
