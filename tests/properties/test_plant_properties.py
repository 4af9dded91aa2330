"""What must hold for every clone, every recipe and every day of the simulated vessel."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.physics import balances
from perfusio.physics.balances import GLUCOSE_MOLAR_MASS, Flows
from perfusio.physics.integrate import IntegrationOutcome, integrate
from perfusio.plant.clones import CLONE_X, draw_clone
from perfusio.plant.equations import INDEX, RETENTION, SCALES, STATES, cell_rates, right_hand_side
from perfusio.plant.medium import Equipment, Medium
from perfusio.plant.parameters import stack
from perfusio.plant.vessel import TOLERANCE, VesselBatch
from perfusio.process.rules import SAMPLING_FLOW
from perfusio.state import SETPOINTS, Setpoints

INFLOW, PUMPS = Medium(), Equipment()
"""What our own clones are fed with, and through which pumps."""

SPACE = DEFAULT_AMBR250_DESIGN_SPACE
N = len(STATES)
few = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])

recipes = st.lists(st.floats(0.0, 1.0), min_size=6, max_size=6).map(
    lambda u: Setpoints.of(SPACE.from_unit(np.array(u)))
)
clones = st.integers(0, 10_000).map(draw_clone)


def all_states(batch):
    return np.array([batch.state(name) for name in STATES])


@few
@given(solutes=st.lists(st.floats(0.0, 30.0), min_size=6, max_size=6), recipe=recipes)
def test_a_cell_free_vessel_fed_with_medium_becomes_the_medium(solutes, recipe):
    u = recipe.vector()[:, None]
    u[2] = 2.0  # below the medium, so that the controller rests
    y = np.zeros((N, 1))
    y[2:8, 0] = solutes
    y[INDEX["sieving"]] = 1.0
    done = integrate(lambda y, _: right_hand_side(y, u, CLONE_X.kinetics), y, 80.0)
    medium = [INFLOW.glucose, INFLOW.glutamine, 0.0, 0.0, 0.0, recipe.pyruvate_feed]
    np.testing.assert_allclose(done.y[2:8, 0], medium, atol=1e-6)
    np.testing.assert_array_equal(done.y[:2, 0], [0.0, 0.0])


@settings(few, max_examples=1)
@given(seed=st.integers(0, 10_000))
def test_what_was_fed_was_taken_out_is_there_or_was_eaten(seed):
    """Glucose and glutamine: fed = out + held + consumed. Product: made = harvested + bled + held. To 1e-6."""
    rng = np.random.default_rng(seed)
    u = SPACE.from_unit(rng.random((12, 6))).T
    batch = VesselBatch([draw_clone(seed + i) for i in range(12)], [Setpoints.of(row) for row in u.T])
    batch.advance(3.0)
    k = stack(clone.kinetics for clone in batch.clones)

    def with_ledger(y, columns):
        here, constants = u[:, columns], k.take(columns)
        production, loss = right_hand_side(y[:N], here, constants)
        glucose, glutamine, titer, sieving, viable = (
            y[INDEX[n]] for n in ("glucose", "glutamine", "titer", "sieving", "viable")
        )
        feed, _ = balances.concentrate_feed(glucose, here[2], PUMPS.concentrate_max_flow)
        flows = Flows(perfusion=here[0], bleed=here[1], sampling=SAMPLING_FLOW, feed=feed)
        cells = cell_rates(y[:N], here, constants)
        ledger = np.stack(
            [
                flows.perfusion * INFLOW.glucose + feed * PUMPS.concentrate_glucose,
                flows.inflow * glucose,
                cells.glucose * viable * GLUCOSE_MOLAR_MASS,
                flows.perfusion * INFLOW.glutamine,
                flows.inflow * glutamine,
                cells.glutamine * viable,
                cells.product * viable,
                flows.harvest * sieving * titer + flows.broth * titer,
            ]
        )
        return np.concatenate([production, ledger]), np.concatenate([loss, np.zeros_like(ledger)])

    start = all_states(batch)
    done = integrate(with_ledger, np.concatenate([start, np.zeros((8, 12))]), 4.0, rtol=1e-7, atol=1e-8)
    assert done.outcome is IntegrationOutcome.REACHED
    held = done.y[:N] - start
    g_in, g_out, g_eaten, q_in, q_out, q_eaten, p_made, p_out = done.y[N:]
    np.testing.assert_allclose(g_in, g_out + g_eaten + held[INDEX["glucose"]], rtol=1e-6)
    np.testing.assert_allclose(q_in, q_out + q_eaten + held[INDEX["glutamine"]], rtol=1e-6)
    np.testing.assert_allclose(p_made, p_out + held[INDEX["titer"]], rtol=1e-6)


@few
@given(clone=clones, recipe=recipes, then=recipes)
def test_nothing_is_negative_and_viability_is_a_percentage(clone, recipe, then):
    batch = VesselBatch(clone, recipe, n_vessels=1)
    for setpoints in (recipe, then, recipe):
        batch.write(setpoints)
        for _ in range(5):
            batch.advance(1.0)
            assert np.all(all_states(batch) >= 0.0)
            assert 0.0 <= batch.true_states()[0].viability <= 100.0


@few
@given(clone=clones, recipe=recipes)
def test_ten_times_tighter_changes_nothing_that_matters(clone, recipe):
    usual, tight = (VesselBatch(clone, recipe, n_vessels=1, tolerance=t) for t in (TOLERANCE, TOLERANCE / 10))
    for _ in range(14):
        usual.advance(1.0)
        tight.advance(1.0)
        assert np.abs(all_states(usual) - all_states(tight)).max(axis=1) / SCALES == pytest.approx(0.0, abs=1e-3)


@few
@given(seed=st.integers(0, 10_000))
def test_at_steady_state_net_growth_is_what_leaves(seed):
    nominal = SPACE.nominal
    batch = VesselBatch(draw_clone(seed), nominal, n_vessels=1)
    batch.advance(120.0)
    y, u = all_states(batch), nominal.vector()[:, None]
    cells = cell_rates(y, u, batch.clones[0].kinetics)
    feed, _ = balances.concentrate_feed(y[INDEX["glucose"]], u[2], PUMPS.concentrate_max_flow)
    harvest = nominal.perfusion_rate + feed - nominal.bleed_rate - SAMPLING_FLOW
    leaving = nominal.bleed_rate + SAMPLING_FLOW + (1.0 - RETENTION) * harvest
    assert cells.growth - cells.death == pytest.approx(leaving, rel=0.01)


@pytest.mark.parametrize("name", SETPOINTS)
@pytest.mark.parametrize("seed", [1, 2])
def test_each_setpoint_moves_the_vessel(name, seed):
    corners = [SPACE.holding(**{name: getattr(SPACE.bounds[name], end)}).nominal for end in ("low", "high")]
    batch = VesselBatch(draw_clone(seed), corners, seeds=[0, 0])
    batch.advance(14.0)
    low, high = (s.vector() for s in batch.true_states())
    assert np.max(np.abs(high / low - 1.0)) > 0.05


@few
@given(clone=clones, recipe=recipes, then=recipes)
def test_a_write_on_day_14_changes_no_earlier_day_and_all_later_ones(clone, recipe, then):
    kept, changed = (VesselBatch(clone, recipe, n_vessels=1) for _ in range(2))
    for day in range(1, 18):
        kept.advance(1.0)
        changed.advance(1.0)
        same = np.array_equal(all_states(kept), all_states(changed))
        assert same == (day <= 14 or recipe == then)
        if day == 14:
            changed.write(then)


@few
@given(seeds=st.lists(st.integers(0, 500), min_size=2, max_size=5), data=st.data())
def test_batched_and_single_stepping_agree_to_rounding(seeds, data):
    mixed = [draw_clone(seed) for seed in seeds]
    setpoints = [data.draw(recipes) for _ in seeds]
    batch = VesselBatch(mixed, setpoints, seeds=seeds)
    for _ in range(5):
        batch.advance(1.0)
    for i, seed in enumerate(seeds):
        alone = VesselBatch(mixed[i], setpoints[i], seeds=[seed])
        for _ in range(5):
            alone.advance(1.0)
        np.testing.assert_allclose(all_states(alone)[:, 0], all_states(batch)[:, i], rtol=1e-8)
