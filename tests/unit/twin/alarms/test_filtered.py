"""Alarms judge the median of the latest readings, or one that is clearly beyond its level."""

from math import nan

import pytest

from perfusio.config import AlarmLimits
from perfusio.testing import make_state
from perfusio.twin.alarms.filtered import over_at, reading


def states(*values, name="viability"):
    return [make_state(day=d, **{name: v}) for d, v in enumerate(values)]


def beyond(*values, level=95.0, is_lower=True):
    return reading("viability", states(*values), 24.0).beyond(level, is_lower=is_lower)


@pytest.mark.parametrize(
    ("values", "is_told"),
    [
        ((97.0, 97.0, 94.6), False),  # one that scatters
        ((97.0, 94.6, 94.8), True),
        ((97.0, 97.0, 90.0), True),  # clearly beyond: told at once
        ((94.0, 94.0, 97.0), True),  # one good value ends nothing
        ((94.6,), True),
        ((97.0, 94.8, nan), False),
    ],
)
def test_what_is_judged(values, is_told):
    assert (beyond(*values) is not None) == is_told


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
