"""Alarms judge the probability of being beyond a level, by the latest readings, or one that is clearly beyond it."""

from math import nan

import numpy as np
import pytest

from perfusio.config import AlarmLimits
from perfusio.testing import make_state
from perfusio.twin.alarms.filtered import LIKELY, Reading, over_at, reading


def states(*values, name="viability"):
    return [make_state(day=d, **{name: v}) for d, v in enumerate(values)]


def beyond(*values, level=95.0, is_lower=True):
    return reading("viability", states(*values), 24.0).beyond(level, is_lower=is_lower)


@pytest.mark.parametrize(
    ("values", "is_told"),
    [
        ((97.0, 97.0, 94.6), False),  # one that scatters
        ((97.0, 94.6, 94.8), False),  # likelier than not, but not surely
        ((97.0, 93.6, 93.8), True),
        ((97.0, 97.0, 90.0), True),  # clearly beyond: told at once
        ((93.9, 93.9, 97.0), True),  # one good value ends nothing
        ((94.6,), False),
        ((93.4,), True),
        ((97.0, 94.8, nan), False),
    ],
)
def test_what_is_judged(values, is_told):
    assert (beyond(*values) is not None) == is_told


def test_an_alarm_stays_for_as_long_as_it_is_likelier_than_not():
    doubtful = reading("viability", states(97.0, 94.6, 94.8), 24.0)
    assert doubtful.beyond(95.0, is_lower=True) is None
    value, probability = doubtful.beyond(95.0, is_lower=True, sure=LIKELY)
    assert (value, round(probability, 2)) == (94.8, 0.60)
    assert reading("viability", states(97.0, 96.0, 95.2), 24.0).beyond(95.0, is_lower=True, sure=LIKELY) is None


def test_a_quantity_without_noise_is_beyond_its_level_or_not():
    exact = Reading(measured=94.99, filtered=94.99, n=1, sd=0.0)
    assert exact.beyond(95.0, is_lower=True) == (94.99, 1.0)
    assert exact.beyond(94.99, is_lower=True) is None


def test_of_a_fleet_in_good_order_hardly_one_is_told():
    """Viability of 98 % read with a noise of one point, level 97: three readings in 10,000 may say so."""
    readings = np.random.default_rng(1).normal(98.0, 1.0, (3000, 3))
    told = [reading("viability", states(*np.minimum(row, 100.0)), 24.0).beyond(97.0, is_lower=True) for row in readings]
    assert sum(t is not None for t in told) <= 15


def test_old_readings_do_not_count():
    old = [make_state(day=0, viability=80.0), make_state(day=8, viability=97.0)]
    assert reading("viability", old, 24.0).n == 1
    assert reading("viability", [make_state(day=0), make_state(day=9, viability=nan)], 24.0) is None


def test_both_values_are_said():
    said = reading("viability", states(97.0, 94.6, 94.8), 24.0).in_words("viability", "%")
    assert said == "viability measured 94.8 %, 94.8 % over its last 3 readings"


def test_the_dead_band_is_a_readings_noise_unless_it_was_given():
    limit = AlarmLimits(quantity="viability", warn=97.0, act=95.0)
    assert over_at(limit, 97.0, 1.2) == 98.2
    given = AlarmLimits(quantity="viability", warn=97.0, act=95.0, dead_band=0.1)
    assert over_at(given, 97.0, 1.2) == pytest.approx(97.1)
