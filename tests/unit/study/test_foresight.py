import asyncio

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import Constraint
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.plant.conditions import Disturbance
from perfusio.state import SETPOINT_INDEX, SPECIES_INDEX
from perfusio.study.closed_loop import steer, tracking_error
from perfusio.study.foresight import Ahead, Oracle, harvest, hold_vcd


def plans(*bleeds, days=2):
    one = np.tile(SPACE.nominal.vector(), (len(bleeds), days, 1))
    one[..., SETPOINT_INDEX["bleed_rate"]] = np.array(bleeds)[:, None]
    return one


def test_what_is_ahead_is_what_then_happens_and_trying_changes_nothing():
    rig = SimulatedAmbr250(days=6, seed=3)
    rig.plant.advance(4.0)
    before = rig.plant.state("viable")
    ahead = Oracle(rig.plant, score=harvest).ahead(plans(0.15, 0.30))
    assert rig.plant.state("viable") == before
    harvested = rig.plant.state("harvested")[0]
    rig.plant.advance(2.0)
    np.testing.assert_allclose(ahead.species[0, -1], rig.plant.true_states()[0].vector(), rtol=1e-3)
    np.testing.assert_allclose(ahead.harvested[0].sum(), rig.plant.state("harvested")[0] - harvested, rtol=1e-3)
    assert ahead.species[1, -1, 0] < ahead.species[0, -1, 0]


def test_a_disturbance_is_known_from_its_day_on_and_not_before():
    sudden = [Disturbance(day=4.0, parameter="death_rate", factor=20.0)]
    rig, calm = (SimulatedAmbr250(days=6, seed=3, disturbances=d) for d in (sudden, []))
    for one in (rig, calm):
        one.plant.advance(3.0)
    foreseen = [Oracle(one.plant, score=harvest).ahead(plans(0.15)).species for one in (rig, calm)]
    np.testing.assert_array_equal(*foreseen)
    for one in (rig, calm):
        one.plant.advance(1.0)
    struck, spared = (Oracle(one.plant, score=harvest).ahead(plans(0.15)).species[0, -1, 1] for one in (rig, calm))
    assert struck < spared - 1.0


def test_the_density_is_held_from_the_day_it_can_be():
    rig = SimulatedAmbr250(days=4, seed=3)
    rig.plant.advance(4.0)
    target = 1.1 * rig.plant.state("viable")[0]
    culture = asyncio.run(steer(rig, Oracle(rig.plant, score=hold_vcd(target), horizon_days=2).decide))
    assert tracking_error(culture.truth, target, from_day=6) < 0.01
    u = np.vstack([SPACE.nominal.vector(), culture.trajectory.inputs])
    assert (np.abs(np.diff(u, axis=0)) <= SPACE.max_step + 1e-9).all()
    assert ((u >= SPACE.low) & (u <= SPACE.high)).all()


def test_product_is_harvested_as_far_as_limits_allow():
    def tomorrow(*limits):
        rig = SimulatedAmbr250(days=9, seed=3)
        rig.plant.advance(8.0)
        oracle = Oracle(rig.plant, score=harvest, horizon_days=2, constraints=limits)
        u = oracle.decide(rig.true_state(), rig.plant.setpoints[0])
        ahead = oracle.ahead(u.vector()[None, None])
        return ahead.harvested[0, 0], ahead.species[0, 0, SPECIES_INDEX["vcd"]]

    much, many = tomorrow()
    less, fewer = tomorrow(Constraint(quantity="vcd", high=0.95 * many))
    assert fewer <= 0.95 * many
    assert 0.5 * much < less < much


@pytest.mark.parametrize(("low", "missed"), [(80.0, 0.0), (96.0, 2 * (6.0 / 96.0 + 0.002))])
def test_shortfall_adds_up_the_days(low, missed):
    species = np.full((1, 2, 9), 90.0)
    ahead = Ahead(species=species, harvested=np.zeros((1, 2)), plans=plans(0.15))
    assert ahead.shortfall([Constraint(quantity="viability", low=low)])[0] == pytest.approx(missed)
