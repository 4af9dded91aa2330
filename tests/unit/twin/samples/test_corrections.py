"""A known sample that comes again with other values."""

from dataclasses import replace
from math import nan

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory
from perfusio.twin.samples.corrections import correction, in_words

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal


def run():
    first = make_state(day=0, glucose=4.1, titer=nan, quality={"lactate": "diluted", "glucose": "doubtful"})
    return Trajectory(reactor_id="R01").observe(first, NOMINAL).observe(make_state(day=1), NOMINAL)


def test_the_same_again_corrects_nothing():
    assert correction(run().states[0], run()) is None
    assert correction(make_state(day=2), run()) is None


def test_a_value_that_was_missing_is_filled_in_without_a_correction():
    assert correction(replace(run().states[0], titer=500.0), run()) is None


def test_another_value_counts_and_what_is_not_given_again_stays():
    again = replace(make_state(day=0, glucose=4.6, titer=500.0, lactate=nan), quality={})
    found = correction(again, run())
    assert (found.glucose, found.titer, found.lactate) == (4.6, 500.0, make_state().lactate)
    assert found.quality == {"lactate": "diluted"}
    assert "glucose 4.1 g/L is 4.6 g/L" in in_words(again, run())
