"""Vessels: forward only, independent, careful about what is written."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import ConfigError, OutOfRange
from perfusio.plant.clones import CLONE_X, CLONE_Y
from perfusio.plant.conditions import Disturbance, Inoculum
from perfusio.plant.equations import STATES
from perfusio.plant.vessel import Vessel, VesselBatch

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal


def all_states(batch):
    return np.array([batch.state(name) for name in STATES])


def test_inoculation():
    state = Vessel(CLONE_X, NOMINAL, inoculum=Inoculum(vcd=2.0, viability=97.0, spread=0.0)).true_state()
    assert (state.time_h, state.glucose, state.glutamine, state.lactate, state.titer) == (0.0, 5.0, 6.0, 0.0, 0.0)
    assert state.vcd == pytest.approx(2.0)
    assert state.viability == pytest.approx(97.0)
    assert state.diameter == CLONE_X.kinetics.diameter


def test_growth_then_crowding_then_a_plausible_end():
    vessel = Vessel(CLONE_X, NOMINAL)
    vcd = []
    for _ in range(28):
        vessel.advance(1.0)
        vcd.append(vessel.true_state().vcd)
    assert vcd[3] > 5 * vcd[0] * 0.8
    assert 20.0 < vcd[-1] < 80.0
    assert abs(vcd[-1] - vcd[-2]) < 0.5
    assert vessel.true_state().glucose > 0.3
    assert vessel.day == 28.0


def test_batch_and_single_agree_to_rounding():
    rng = np.random.default_rng(2)
    u = rng.uniform(DEFAULT_AMBR250_DESIGN_SPACE.low, DEFAULT_AMBR250_DESIGN_SPACE.high, (6, 6))
    setpoints = [type(NOMINAL).of(row) for row in u]
    clones = [CLONE_X, CLONE_Y] * 3
    batch = VesselBatch(clones, setpoints, seeds=range(6))
    for _ in range(10):
        batch.advance(1.0)
    for i in range(6):
        vessel = Vessel(clones[i], setpoints[i], seed=i)
        for _ in range(10):
            vessel.advance(1.0)
        np.testing.assert_allclose([vessel.state(n) for n in STATES], all_states(batch)[:, i], rtol=1e-9)


def test_vessels_can_be_advanced_apart():
    batch = VesselBatch(CLONE_X, NOMINAL, n_vessels=3)
    batch.advance(1.0, [1])
    assert batch.days.tolist() == [0.0, 1.0, 0.0]
    batch.advance(1.0, [0, 2])
    together = VesselBatch(CLONE_X, NOMINAL, n_vessels=3)
    together.advance(1.0)
    np.testing.assert_allclose(all_states(batch), all_states(together), rtol=1e-11)


def test_no_way_back():
    vessel = Vessel(CLONE_X, NOMINAL)
    for days in (-1.0, float("nan"), float("inf")):
        with pytest.raises(OutOfRange, match="forward"):
            vessel.advance(days)


def test_state_handed_out_is_a_copy():
    batch = VesselBatch(CLONE_X, NOMINAL, n_vessels=1)
    batch.state("glucose")[0] = 99.0
    batch.days[0] = 99.0
    assert batch.state("glucose")[0] == 5.0
    assert batch.days[0] == 0.0


def test_a_fork_goes_its_own_way():
    batch = VesselBatch(
        CLONE_X, NOMINAL, n_vessels=2, disturbances=[Disturbance(day=0.5, parameter="death_rate", factor=3)]
    )
    before = all_states(batch)
    fork = batch.fork()
    fork.write(replace(NOMINAL, bleed_rate=0.3))
    fork.advance(1.0)
    np.testing.assert_array_equal(all_states(batch), before)
    assert batch.setpoints[0] == NOMINAL
    batch.advance(1.0)
    assert np.all(batch.state("viable") > fork.state("viable"))
    plain = VesselBatch(CLONE_X, NOMINAL, n_vessels=2)
    plain.advance(1.0)
    assert np.all(batch.state("dead") > plain.state("dead"))


def test_copies_of_one_vessel_do_what_it_does():
    events = [
        Disturbance(day=0.5, parameter="death_rate", factor=3.0),
        Disturbance(day=1.5, parameter="growth_max", factor=0.5, vessel=1),
    ]
    batch = VesselBatch(CLONE_X, [NOMINAL, replace(NOMINAL, bleed_rate=0.25)], seeds=[5, 6], disturbances=events)
    batch.advance(1.0)
    copies, unaware = batch.fork([1, 1, 0]), batch.fork([1], is_forewarned=False)
    assert len(copies) == 3
    assert copies.setpoints == (batch.setpoints[1], batch.setpoints[1], batch.setpoints[0])
    for one in (batch, copies, unaware):
        one.advance(1.0)
    np.testing.assert_allclose(all_states(copies), all_states(batch)[:, [1, 1, 0]], rtol=1e-12)
    assert np.all(unaware.state("viable") > 1.1 * batch.state("viable")[1])


@pytest.mark.parametrize(
    ("change", "words"),
    [({"bleed_rate": 0.99}, "run empty"), ({"temperature": 60.0}, "temperature"), ({"agitation": float("nan")}, "NaN")],
)
def test_impossible_setpoints_are_refused_and_nothing_changes(change, words):
    batch = VesselBatch(CLONE_X, NOMINAL, n_vessels=2)
    with pytest.raises(OutOfRange, match=words):
        batch.write([replace(NOMINAL, bleed_rate=0.2), replace(NOMINAL, **change)])
    assert batch.setpoints == (NOMINAL, NOMINAL)


def test_sizes_must_agree():
    with pytest.raises(ConfigError, match=r"\[2, 3\]"):
        VesselBatch([CLONE_X, CLONE_Y], NOMINAL, n_vessels=3)
    with pytest.raises(ConfigError, match="none"):
        VesselBatch(CLONE_X, NOMINAL)
    with pytest.raises(ConfigError, match="2 setpoints for 1"):
        VesselBatch(CLONE_X, NOMINAL, n_vessels=2).write([NOMINAL, NOMINAL], [0])


def test_disturbance_comes_on_its_day_to_its_vessel_and_stays():
    event = Disturbance(day=2.5, parameter="death_rate", factor=2.0, vessel=1)
    batch, plain = (VesselBatch(CLONE_X, NOMINAL, n_vessels=2, disturbances=d) for d in ([event], []))
    for day in range(1, 5):
        batch.advance(1.0)
        plain.advance(1.0)
        same = np.isclose(batch.state("dead"), plain.state("dead"), rtol=1e-12)
        assert same.tolist() == [True, day < 3]
    assert batch.days.tolist() == [4.0, 4.0]


def test_disturbance_of_an_unknown_constant_is_refused():
    with pytest.raises(ConfigError, match="Did you mean 'death_rate'"):
        Disturbance(day=1.0, parameter="death-rate", factor=2.0)


def test_inocula_differ_between_seeds_only():
    batch = VesselBatch(CLONE_X, NOMINAL, seeds=[5, 6, 5])
    viable = batch.state("viable")
    assert viable[0] == viable[2] != viable[1]
