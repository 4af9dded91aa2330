"""Model-free MPC: the plan of bleeds against cases worked out by hand, and virtual vessels that it holds."""

from itertools import product

import numpy as np
import pytest

from perfusio.bed.model_free.count_filter import filtered
from perfusio.bed.model_free.rule import ABOVE, BELOW, COOLING, MOVING, bleed_steps, hold
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.state import Setpoints, State
from perfusio.study.closed_loop import steer_all, tracking_error

NOMINAL = SPACE.nominal
BLEED = (0.05, 0.30)


def grown(growth, bleed, n=12, start=30.0):
    """Exact counts of cells with a growth under a bleed, and the setpoints between them."""
    states = [State(time_h=24.0 * i, vcd=start * np.exp((growth - bleed) * i)) for i in range(n)]
    return states, [NOMINAL.with_values(bleed_rate=bleed)] * (n - 1)


def test_the_filter_finds_growth_and_density():
    log_vcd, growth = filtered(*grown(0.22, 0.15))
    assert np.exp(log_vcd) == pytest.approx(30.0 * np.exp(0.07 * 11), rel=0.01)
    assert growth == pytest.approx(0.22, abs=0.005)
    assert filtered([State(time_h=0.0)], []) is None


@pytest.mark.parametrize(
    ("offset", "growth", "bleed"), [(0.0, 0.15, 0.15), (0.2, 0.2, 0.15), (-0.3, 0.1, 0.2), (0.6, 0.5, 0.25)]
)
def test_no_plan_on_a_grid_is_cheaper(offset, growth, bleed):
    def cost(d):
        b = bleed + np.cumsum(d)
        e = offset + np.cumsum(growth - b)
        beyond = np.maximum(b - BLEED[1], 0) + np.maximum(BLEED[0] - b, 0)
        return np.sum(np.where(e > 0, ABOVE, BELOW) * e**2) + MOVING * np.sum(d**2) + 100 * np.sum(beyond**2)

    found = bleed_steps(offset, growth, bleed, BLEED, 0.1)
    assert np.all(np.abs(found) <= 0.1)
    grid = [np.array(d) for d in product(np.linspace(-0.1, 0.1, 11), repeat=4)]
    assert cost(found) <= min(map(cost, grid)) + 1e-9


def test_at_the_target_with_bleed_equal_to_growth_nothing_moves():
    assert bleed_steps(0.0, 0.15, 0.15, BLEED, 0.1) == pytest.approx(np.zeros(4), abs=1e-6)


def test_perfusion_follows_the_cells_within_bounds_and_steps():
    held = hold(*grown(0.15, 0.15), NOMINAL, target=30.0, space=SPACE, cspr=0.04)
    assert held.plan[0].perfusion_rate == pytest.approx(1.2, rel=0.02)
    far = hold(*grown(0.15, 0.15, start=80.0), NOMINAL, target=80.0, space=SPACE, cspr=0.04)
    assert far.plan[0].perfusion_rate == pytest.approx(1.3)  # a step of 0.3
    assert all(SPACE.contains(u) for u in far.plan)


def test_cools_only_where_bleed_is_at_its_end_and_warms_back():
    fast = NOMINAL.with_values(bleed_rate=0.30)
    held = hold(*grown(0.45, 0.30), fast, target=30.0, space=SPACE)
    assert held.plan[0].temperature == NOMINAL.temperature - COOLING
    calm = hold(*grown(0.15, 0.15), NOMINAL, target=30.0, space=SPACE)
    assert calm.plan[0].temperature == NOMINAL.temperature
    slow = NOMINAL.with_values(bleed_rate=0.05, temperature=35.2)
    states, setpoints = grown(0.0, 0.05, start=25.0)
    assert hold(states, setpoints, slow, target=30.0, space=SPACE).plan[0].temperature == pytest.approx(35.7)


def test_before_the_first_count_and_without_a_count_today():
    held = hold([State(time_h=0.0)], [], NOMINAL, target=30.0, space=SPACE)
    assert held.plan == (NOMINAL,)
    states, setpoints = grown(0.25, 0.15)
    blind = [*states, State(time_h=24.0 * 12)]
    held = hold(blind, [*setpoints, NOMINAL], NOMINAL, target=30.0, space=SPACE)
    assert held.density == pytest.approx(30.0 * np.exp(0.1 * 12), rel=0.02)  # time passed in the filter


async def test_holds_virtual_cultures_of_two_structures():
    clones = ["CloneX", "Y-GS46-k0.5"]
    rig = SimulatedAmbr250(clones, n_vessels=2, seed=3, days=24)
    seen: dict[str, tuple[list[State], list[Setpoints]]] = {n: ([], []) for n in rig.vessels()}

    def rule(name):
        def decide(state, current):
            states, setpoints = seen[name]
            setpoints += [current] * bool(states)
            states.append(state)
            return hold(states, setpoints, current, target=30.0, space=SPACE).plan[0]

        return decide

    runs = await steer_all(rig, {name: rule(name) for name in rig.vessels()})
    assert max(tracking_error(run.truth, 30.0) for run in runs.values()) < 0.08
