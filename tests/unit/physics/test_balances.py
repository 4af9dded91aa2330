"""The balances in their limits."""

import numpy as np
import pytest

from perfusio.physics import balances
from perfusio.physics.balances import Flows

MAX_FLOW = 0.04
"""Of the concentrate pump [VVD]."""


def flows(perfusion=1.0, bleed=0.2, sampling=0.01, feed=0.02):
    given = {"perfusion": perfusion, "bleed": bleed, "sampling": sampling, "feed": feed}
    return Flows(**{name: np.array([value]) for name, value in given.items()})


def rate(balance, value):
    production, loss = balance
    return production - loss * value


def test_what_flows_in_flows_out():
    f = flows()
    assert f.harvest + f.bleed + f.sampling == pytest.approx(f.perfusion + f.feed)
    assert f.inflow == pytest.approx(1.02)
    assert f.broth == pytest.approx(0.21)


def test_without_cells_a_solute_rests_at_the_diluted_medium():
    f = flows(feed=0.0)
    assert rate(balances.solute(np.array([6.0]), f, np.zeros(1), np.zeros(1)), 6.0) == pytest.approx(0.0)


def test_solutes_are_diluted_by_the_whole_inflow_not_by_the_harvest():
    _, loss = balances.solute(np.array([6.0]), flows(), np.zeros(1), np.zeros(1))
    assert loss == pytest.approx(1.02)


def test_viable_cells_stay_when_growth_equals_what_leaves():
    f = flows()
    leaving = f.broth + 0.02 * f.harvest
    production, loss = balances.viable_cells(leaving + 0.05, np.array([0.05]), f, np.array([0.98]))
    assert production == pytest.approx(0.0)
    assert loss == pytest.approx(0.0)


def test_perfect_retention_keeps_cells_from_the_harvest():
    _, loss = balances.viable_cells(np.zeros(1), np.zeros(1), flows(), np.ones(1))
    assert loss == pytest.approx(0.21)


def test_what_dies_appears_as_dead_cells():
    viable, death = np.array([30.0]), np.array([0.04])
    production, loss = balances.dead_cells(viable, death, np.array([0.1]), flows(), np.ones(1))
    assert production == pytest.approx(1.2)
    assert loss == pytest.approx(0.31)


def test_product_that_cannot_pass_the_membrane_leaves_with_the_broth_only():
    production, loss = balances.product(np.array([30.0]), np.array([25.0]), flows(), np.zeros(1))
    assert production == pytest.approx(750.0)  # pg/cell/day times 1e6 cells/mL is mg/L/day
    assert loss == pytest.approx(0.21)


def test_product_that_passes_freely_is_diluted_like_a_solute():
    _, loss = balances.product(np.array([30.0]), np.array([25.0]), flows(), np.ones(1))
    assert loss == pytest.approx(1.02)


@pytest.mark.parametrize(("glucose", "expected"), [(0.0, 0.04), (4.0, 0.02), (8.0, 0.0)])
def test_glucose_controller_opens_below_and_closes_above_its_setpoint(glucose, expected):
    flow, _ = balances.concentrate_feed(np.array([glucose]), np.array([4.0]), MAX_FLOW)
    assert flow == pytest.approx(expected, abs=1e-12)


def test_glucose_controller_slope_is_its_derivative():
    setpoint, step = np.array([4.0]), 1e-6
    below, slope = balances.concentrate_feed(np.array([4.05]), setpoint, MAX_FLOW)
    above, _ = balances.concentrate_feed(np.array([4.05 + step]), setpoint, MAX_FLOW)
    assert slope == pytest.approx((below - above) / step, rel=1e-4)


def test_moving_the_controller_slope_does_not_change_the_glucose_balance():
    glucose, taken = np.array([3.97]), np.array([2.0])
    feed, slope = balances.concentrate_feed(glucose, np.array([4.0]), MAX_FLOW)
    f = Flows(perfusion=np.array([1.0]), bleed=np.array([0.1]), sampling=np.array([0.0]), feed=feed)
    plain = 5.0 + 400.0 * feed - f.inflow * glucose - taken * glucose
    production, loss = balances.fed_glucose(glucose, f, slope, taken, inlet=5.0, concentrate=400.0)
    assert production - loss * glucose == pytest.approx(plain)
    assert np.all(loss > f.inflow + taken)
