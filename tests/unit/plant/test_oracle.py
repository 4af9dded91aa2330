"""What the issue promises of every clone, shown by somebody who knows the plant."""

from dataclasses import replace

import pytest

from perfusio.plant import oracle
from perfusio.plant.clones import CLONE_X, CLONES, draw_clone
from perfusio.plant.oracle import FIRST_DRAW_GROWS, can_be_cultivated, hold_density, random_clone


@pytest.mark.parametrize("clone", CLONES.values(), ids=lambda c: c.name)
def test_named_clones_hold_their_density_alive(clone):
    held = hold_density(clone, 40.0)
    assert held.error <= 0.05
    assert held.least_viability >= 96.0
    assert 0.05 <= held.bleed.min() <= held.bleed.max() <= 0.30
    assert can_be_cultivated(clone)


@pytest.mark.parametrize("clone", CLONES.values(), ids=lambda c: c.name)
def test_the_default_target_can_be_held(clone):
    held = hold_density(clone, 30.0)
    assert held.error <= 0.05
    assert held.least_viability >= 96.0


@pytest.mark.parametrize("change", [{"growth_max": 0.2}, {"death_rate": 0.08}, {"glucose_maintenance": 9.0}])
def test_clones_that_cannot_be_cultivated_are_refused(change):
    weak = replace(CLONE_X, kinetics=replace(CLONE_X.kinetics, **change))
    assert not can_be_cultivated(weak)


def test_random_clones_can_be_cultivated_and_repeat():
    clone = random_clone(3)
    assert clone == random_clone(3)
    assert clone.name == "Random3"
    assert can_be_cultivated(clone)


def test_a_draw_that_was_not_tried_before_is_tried(monkeypatch):
    unknown, known = 60, 24
    assert unknown not in FIRST_DRAW_GROWS
    tried = []
    monkeypatch.setattr(oracle, "can_be_cultivated", lambda clone: tried.append(clone) or len(tried) == 3)
    assert random_clone(unknown).kinetics == draw_clone(100 * unknown + 2).kinetics
    assert len(tried) == 3
    assert random_clone(known).kinetics == draw_clone(100 * known).kinetics
    assert len(tried) == 3
