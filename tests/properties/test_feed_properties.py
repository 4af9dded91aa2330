"""What must hold for every feed: amounts and volumes add up, whatever the order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfusio.physics.feeds import after_feeds
from perfusio.process import CHO_PERFUSION
from perfusio.state import SPECIES, SPECIES_INDEX
from perfusio.trajectory import Feed

VIABILITY = SPECIES_INDEX["viability"]
concentrations = st.floats(0.0, 500.0)
feeds = st.builds(
    Feed,
    fraction=st.floats(0.0, 1.0),
    glucose=concentrations,
    glutamine=concentrations,
    glutamate=concentrations,
    lactate=concentrations,
    ammonium=concentrations,
    pyruvate=concentrations,
)
cultures = st.lists(st.floats(0.0, 100.0), min_size=len(SPECIES), max_size=len(SPECIES)).map(np.array)


def fed(culture, feed):
    return after_feeds(culture[None], [feed], CHO_PERFUSION)[0]


@given(culture=cultures, feed=feeds, volume=st.floats(0.01, 1e4))
def test_amounts_are_conserved(culture, feed, volume):
    added = feed.fraction * volume
    before = volume * culture + added * feed.vector()
    after = (volume + added) * fed(culture, feed)
    other = np.arange(len(SPECIES)) != VIABILITY
    assert after[other] == pytest.approx(before[other], rel=1e-9, abs=1e-9 * volume)
    assert fed(culture, feed)[VIABILITY] == culture[VIABILITY]


@given(culture=cultures, feed=feeds)
def test_a_mixture_lies_between_what_is_mixed(culture, feed):
    low, high = np.minimum(culture, feed.vector()), np.maximum(culture, feed.vector())
    after = fed(culture, feed)
    assert (after >= low * (1 - 1e-12)).all()
    assert (after <= high * (1 + 1e-12)).all()


@given(culture=cultures, first=feeds, second=feeds)
def test_two_feeds_together_are_one_after_the_other_in_any_order(culture, first, second):
    at_once = fed(culture, Feed.together([first, second]))

    def in_turn(a, b):  # the second volume is a share of what the first one left
        later = {n: getattr(b, n) for n in ("glucose", "glutamine", "glutamate", "lactate", "ammonium", "pyruvate")}
        return fed(fed(culture, a), Feed(fraction=b.fraction / (1.0 + a.fraction), **later))

    assert in_turn(first, second) == pytest.approx(at_once, rel=1e-9, abs=1e-9)
    assert in_turn(second, first) == pytest.approx(at_once, rel=1e-9, abs=1e-9)
