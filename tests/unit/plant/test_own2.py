"""Own2 differs from our own clones in two laws and in nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.plant.clones import CLONE_X
from perfusio.plant.equations import OWN, right_hand_side
from perfusio.plant.own2 import OWN2, death_that_doubles, switch_by_sugar_flux
from perfusio.plant.vessel import VesselBatch

K = CLONE_X.kinetics


def test_each_stress_doubles_death_at_its_constant():
    quiet = death_that_doubles(np.array(0.0), np.array(0.0), np.array(36.5), K)
    assert quiet == pytest.approx(K.death_rate)
    for ammonium, byproduct, factor in ((1, 0, 2), (0, 1, 2), (2, 0, 4), (1, 1, 4)):
        stressed = death_that_doubles(
            np.array(ammonium * K.death_ammonium), np.array(byproduct * K.death_byproduct), np.array(36.5), K
        )
        assert stressed == pytest.approx(factor * K.death_rate)
    warm = death_that_doubles(np.array(0.0), np.array(0.0), np.array(37.5), K)
    assert warm == pytest.approx(K.death_rate * np.exp(K.death_heat))


def test_growth_times_glucose_switches():
    def switched(growth, glucose):
        return float(switch_by_sugar_flux(np.array(growth * K.switch_growth), np.array(glucose * K.switch_glucose), K))

    assert switched(0.0, 1.0) == switched(1.0, 0.0) == 1.0
    assert switched(1.0, 1.0) == pytest.approx(0.5)
    assert switched(4.0, 0.25) == pytest.approx(0.5)  # one makes up for the other
    assert switched(3.0, 3.0) < 0.02


def test_only_cells_that_feel_these_laws_differ():
    batch = VesselBatch([CLONE_X, replace(CLONE_X, structure=OWN2)], SPACE.nominal, seeds=[0, 0])
    production, loss = right_hand_side(batch._y[:, :1], SPACE.nominal.vector()[:, None], K)
    other_production, other_loss = OWN2.terms(
        batch._y[:, 1:], SPACE.nominal.vector()[:, None], K, CLONE_X.medium, batch._cells.parts[0].equipment
    )
    differ = np.flatnonzero((production != other_production) | (loss != other_loss))
    assert {OWN.states[i] for i in differ.tolist()} == {"switch"}  # fresh medium holds neither ammonium nor by-product
    batch.advance(20.0)
    assert abs(np.diff(batch.state("dead"))[0]) > 0.1
