"""The baselines: the PI keeps its limits, bridges gaps and does not wind up."""

from dataclasses import replace
from math import nan

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.state import State
from perfusio.study.baselines import PIController, nominal


def at(day, vcd):
    return State(time_h=24.0 * day, vcd=vcd)


def test_more_cells_than_wanted_bleed_more_and_fewer_bleed_less():
    assert PIController(30).decide(at(0, 36.0), SPACE.nominal).bleed_rate > 0.15
    assert PIController(30).decide(at(0, 24.0), SPACE.nominal).bleed_rate < 0.15
    assert PIController(30).decide(at(0, 30.0), SPACE.nominal).bleed_rate == pytest.approx(0.15)


def test_perfusion_follows_the_cells_within_one_step():
    assert PIController(30).decide(at(0, 30.0), SPACE.nominal).perfusion_rate == pytest.approx(1.2)
    assert PIController(30, cspr=0.02).decide(at(0, 45.0), SPACE.nominal).perfusion_rate == pytest.approx(0.9)
    assert PIController(30).decide(at(0, 60.0), SPACE.nominal).perfusion_rate == pytest.approx(1.3)


def test_nominal_setpoints_stay():
    assert nominal(at(3, 50.0), SPACE.nominal) == SPACE.nominal


def test_bounds_and_largest_steps_are_kept_whatever_is_counted():
    rng = np.random.default_rng(0)
    for _ in range(20):
        controller, current = PIController(30), SPACE.nominal
        for day in range(30):
            vcd = nan if rng.random() < 0.2 else float(rng.uniform(0, 200))
            new = controller.decide(at(day, vcd), current)
            assert SPACE.contains(new)
            assert np.all(np.abs(new.vector() - current.vector()) <= SPACE.max_step + 1e-12)
            current = new


def test_nothing_moves_before_the_first_count_and_a_gap_is_bridged():
    controller = PIController(30)
    assert controller.decide(at(0, nan), SPACE.nominal) == SPACE.nominal
    controller.decide(at(1, 30.0), SPACE.nominal)
    bridged = controller.decide(at(2, nan), SPACE.nominal)
    assert bridged.bleed_rate > 0.15  # it expects growth of .4 against a bleed of .15
    assert np.isfinite(bridged.vector()).all()


def test_a_gap_is_bridged_with_the_bleed_that_was_in_force():
    bridged = []
    for bleed in (0.05, 0.30):
        controller = PIController(30, cspr=0.025)
        controller.decide(at(0, 30.0), SPACE.nominal)
        in_force = replace(SPACE.nominal, bleed_rate=bleed)
        bridged.append(controller.decide(at(1, nan), in_force).perfusion_rate)  # it follows the expected cells
    assert bridged[0] / bridged[1] > 1.01


def test_the_integral_neither_winds_up_far_away_nor_into_a_limit():
    weak = PIController(30, kp=0.05)  # too weak to reach a limit, so that only the distance stops the integral
    for day in range(5):
        assert weak.decide(at(day, 15.0), SPACE.nominal).bleed_rate > SPACE.bounds["bleed_rate"].low
    assert weak.integral == 0.0
    controller, current = PIController(30), SPACE.nominal
    for day in range(20):
        current = controller.decide(at(day, 5.0), current)
    assert controller.integral == 0.0
    for day in range(20, 60):
        current = controller.decide(at(day, 48.0), current)
    assert current.bleed_rate == SPACE.bounds["bleed_rate"].high
    back = [controller.decide(at(60 + k, 29.0), replace(current, bleed_rate=0.2)).bleed_rate for k in range(4)]
    assert back[-1] < 0.27
