"""Feeds: dilution by hand-calculated numbers; what is not fed, and gaps, stay as they are."""

import numpy as np
import pytest

from perfusio.physics import feeds as mixing
from perfusio.physics.feeds import mixed
from perfusio.process import CHO_PERFUSION
from perfusio.state import SPECIES
from perfusio.testing import make_state
from perfusio.trajectory import Feed

CULTURE = make_state(vcd=10.0, viability=96.0, glucose=2.0, glutamine=1.0, titer=500.0).vector()
GLUCOSE = Feed(fraction=0.25, glucose=72.0)


def after_feeds(species, feeds):
    return mixing.after_feeds(species, feeds, CHO_PERFUSION)


def feed_arrays(feeds):
    return mixing.feed_arrays(feeds, CHO_PERFUSION)


def named(values):
    return dict(zip(SPECIES, values, strict=True))


def test_a_feed_dilutes_everything_and_adds_what_it_holds():
    after = named(after_feeds(CULTURE[None], [GLUCOSE])[0])
    assert after["glucose"] == pytest.approx((2.0 + 0.25 * 72.0) / 1.25)
    assert after["vcd"] == pytest.approx(8.0)
    assert after["titer"] == pytest.approx(400.0)
    assert after["glutamine"] == pytest.approx(0.8)
    assert after["viability"] == 96.0


def test_only_the_samples_with_a_feed_change():
    species = np.array([CULTURE, CULTURE, CULTURE])
    after = after_feeds(species, [None, GLUCOSE, None])
    assert (after[[0, 2]] == CULTURE).all()
    assert (after[1] != CULTURE).any()
    assert after_feeds(species, [None] * 3) is species
    assert (species == CULTURE).all()


def test_a_gap_stays_a_gap():
    species = CULTURE.copy()
    species[2] = np.nan
    assert np.isnan(after_feeds(species[None], [GLUCOSE])[0]).tolist() == [name == "glucose" for name in SPECIES]


def test_feeds_of_many_vessels_as_arrays():
    fractions, held = feed_arrays([None, GLUCOSE])
    assert fractions.tolist() == [0.0, 0.25]
    assert held.shape == (len(SPECIES), 2)
    assert mixed(np.stack([CULTURE, CULTURE], axis=1), fractions, held, SPECIES.index("viability"))[
        :, 0
    ] == pytest.approx(CULTURE)
    assert feed_arrays([])[1].shape == (len(SPECIES), 0)
