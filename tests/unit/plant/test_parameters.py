"""The declared constants: complete, in order, stacked and taken apart again."""

import numpy as np

from perfusio.plant.clones import CLONE_X, CLONE_Y
from perfusio.plant.parameters import NAMES, PARAMETERS, stack


def test_every_constant_says_what_it_is():
    for parameter in PARAMETERS.values():
        assert parameter.unit
        assert parameter.meaning
        assert parameter.source
        assert parameter.low < parameter.high or parameter.low == parameter.high == 0.0


def test_named_clones_lie_within_the_declared_ranges():
    for clone in (CLONE_X, CLONE_Y):
        outside = [n for n, p in PARAMETERS.items() if not p.low <= getattr(clone.kinetics, n) <= p.high]
        assert outside == []


def test_stack_and_take():
    both = stack([CLONE_X.kinetics, CLONE_Y.kinetics])
    last = both.take(np.array([1]))
    for name in NAMES:
        assert getattr(last, name).tolist() == [getattr(CLONE_Y.kinetics, name)]
