"""Virtual training experiments: one trajectory per recipe, repeatable, with progress."""

from dataclasses import replace

import numpy as np

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.plant.clones import CLONE_X, CLONE_Y
from perfusio.plant.experiment import simulate_runs
from perfusio.plant.sensors import PERFECT, SensorSettings

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
RECIPES = {"R01": NOMINAL, "R02": replace(NOMINAL, bleed_rate=0.3)}


def test_one_trajectory_per_recipe_with_its_setpoints_and_days():
    days = []
    first, second = simulate_runs(CLONE_Y, RECIPES, days=10, sensors=PERFECT, on_day=days.append)
    assert (first.run_id, second.run_id, first.clone) == ("R01", "R02", "CloneY")
    assert first.times_h.tolist() == [24.0 * d for d in range(11)]
    assert set(second.setpoints) == {RECIPES["R02"]}
    assert days == list(range(11))
    assert second.states[-1].vcd < first.states[-1].vcd


def test_more_runs_or_another_order_do_not_change_a_run():
    alone = simulate_runs(CLONE_X, {"R01": NOMINAL}, days=3, seed=4)[0]
    among = simulate_runs(CLONE_X, RECIPES, days=3, seed=4)[0]
    np.testing.assert_allclose(alone.values, among.values, rtol=1e-10)
    other = simulate_runs(CLONE_X, {"R01": NOMINAL}, days=3, seed=5)[0]
    assert not np.allclose(alone.values, other.values, equal_nan=True)


def test_a_late_titer_is_in_the_table():
    late = simulate_runs(CLONE_X, RECIPES, days=2, sensors=SensorSettings(missing=0.0, titer_delay_days=3.0))[0]
    assert all(state.titer == state.titer for state in late.states)
