"""Clones: drawn within ranges, perturbed about a centre."""

import numpy as np
import pytest

from perfusio.plant.clones import CLONE_X, draw_clone, perturbed
from perfusio.plant.parameters import NAMES, PARAMETERS


def test_drawn_clones_repeat_differ_and_stay_in_range():
    drawn = [draw_clone(seed) for seed in range(60)]
    assert draw_clone(7) == drawn[7]
    assert drawn[7].kinetics != drawn[8].kinetics
    for clone in drawn:
        assert all(p.low <= getattr(clone.kinetics, n) <= p.high for n, p in PARAMETERS.items())
    never_switch = sum(c.kinetics.lactate_uptake == 0.0 for c in drawn)
    assert 8 <= never_switch <= 32


def test_perturbation_has_the_asked_spread_and_repeats():
    assert perturbed(CLONE_X, 0.2, seed=5) == perturbed(CLONE_X, 0.2, seed=5)
    ratios = [
        np.log(getattr(perturbed(CLONE_X, 0.2, seed=s).kinetics, n) / getattr(CLONE_X.kinetics, n))
        for s in range(20)
        for n in NAMES
        if n != "temperature_optimum"
    ]
    assert np.std(ratios) == pytest.approx(0.2, rel=0.1)
    optima = [perturbed(CLONE_X, 0.2, seed=s).kinetics.temperature_optimum for s in range(20)]
    assert np.ptp(optima) < 2.0


def test_no_perturbation_changes_nothing_but_the_name():
    assert perturbed(CLONE_X, 0.0, seed=1).kinetics == CLONE_X.kinetics
