"""Alarms from what was measured and from what is forecast, the gravest level first."""

from math import nan

import numpy as np
import pytest

from perfusio.config import DEFAULT_ALARMS, AlarmLimits
from perfusio.errors import ConfigError
from perfusio.forecast import Forecast
from perfusio.state import SPECIES_INDEX
from perfusio.testing import make_state
from perfusio.twin.alarms.levels import alarms

GOOD = make_state(day=3, viability=99.0)


def forecast(n_days=5, n_paths=10, **changed):
    """Healthy paths from day 3 on; `name=(day from now, share of paths, value)` puts a value in."""
    samples = np.tile(GOOD.vector(), (n_paths, n_days, 1))
    for name, (day, share, value) in changed.items():
        samples[: round(share * n_paths), day - 1, SPECIES_INDEX[name]] = value
    return Forecast.from_samples(72.0 + 24.0 * np.arange(1, n_days + 1), samples)


def found(sample=GOOD, ahead=None):
    return [(a.quantity, a.level, a.lead_days) for a in alarms(DEFAULT_ALARMS, sample, ahead, 72.0)]


def test_a_healthy_vessel_is_quiet():
    assert found(ahead=forecast()) == []
    assert found(sample=None) == []


@pytest.mark.parametrize(
    ("name", "value", "level"),
    [
        ("viability", 96.9, "warn"), ("viability", 94.9, "act"), ("glucose", 0.99, "warn"), ("glucose", 0.2, "act"),
        ("ammonium", 8.1, "warn"), ("ammonium", 12.1, "act"), ("lactate", 25.1, "warn"), ("lactate", 40.1, "act"),
    ],
)  # fmt: skip
def test_measured_levels(name, value, level):
    (alarm,) = alarms(DEFAULT_ALARMS, make_state(day=3, **({"viability": 99.0} | {name: value})), None, 72.0)
    assert (alarm.quantity, alarm.level, alarm.value, alarm.lead_days) == (name, level, value, 0.0)
    assert alarm.response
    assert f"{name} measured {value:.3g}" in alarm.reason


def test_at_the_level_is_not_beyond_it():
    assert found(make_state(viability=97.0, glucose=1.0, ammonium=8.0, lactate=25.0)) == []


def test_not_measured_is_no_alarm():
    assert found(make_state(viability=nan, glucose=nan, ammonium=nan, lactate=nan)) == []


def test_a_forecast_alarms_with_its_lead_time():
    (alarm,) = alarms(DEFAULT_ALARMS, GOOD, forecast(glucose=(2, 0.6, 0.1)), 72.0)
    assert (alarm.quantity, alarm.level, alarm.lead_days) == ("glucose", "act", 2.0)
    assert "in 2 days" in alarm.reason
    assert "P = 0.60" in alarm.reason


@pytest.mark.parametrize(("share", "n"), [(0.5, 1), (0.4, 0)])
def test_a_forecast_alarms_from_even_odds_on(share, n):
    assert len(found(ahead=forecast(ammonium=(1, share, 9.0)))) == n


def test_only_three_days_ahead_count():
    assert found(ahead=forecast(viability=(3, 1.0, 90.0))) == [("viability", "act", 3.0)]
    assert found(ahead=forecast(viability=(4, 1.0, 90.0))) == []


def test_the_gravest_level_once_per_quantity():
    sample = make_state(viability=96.0, ammonium=13.0)
    assert found(sample, forecast(viability=(1, 1.0, 94.0))) == [("viability", "act", 1.0), ("ammonium", "act", 0.0)]


def test_upper_and_lower_levels_are_told_by_their_order():
    limits = (AlarmLimits(quantity="vcd", warn=50.0, act=60.0), AlarmLimits(quantity="vcd", warn=15.0, act=10.0))
    assert [a.level for a in alarms(limits, make_state(vcd=55.0), None, 72.0)] == ["warn"]
    assert [a.level for a in alarms(limits, make_state(vcd=5.0), None, 72.0)] == ["act"]


def test_levels_of_what_is_not_a_species_are_refused_before_the_run():
    with pytest.raises(ConfigError, match="cspr"):
        AlarmLimits(quantity="cspr", warn=20.0, act=15.0)


class TestDeadBand:
    active = frozenset({("glucose", "warn")})

    def levels(self, glucose, limits=DEFAULT_ALARMS, active=active):
        sample = make_state(day=3, viability=99.0, glucose=glucose)
        return [(a.quantity, a.level) for a in alarms(limits, sample, None, 72.0, active)]

    def test_an_alarm_is_over_a_tenth_of_the_way_behind_its_level(self):
        assert self.levels(1.05) == [("glucose", "warn")]  # warn 1.0, act 0.3
        assert self.levels(1.08) == []
        assert self.levels(1.05, active=frozenset()) == []  # one that was not raised is not raised behind its level

    def test_the_band_can_be_chosen(self):
        wide = (AlarmLimits(quantity="glucose", warn=1.0, act=0.3, dead_band=0.5),)
        assert self.levels(1.4, wide) == [("glucose", "warn")]
        none = (AlarmLimits(quantity="glucose", warn=1.0, act=0.3, dead_band=0.0),)
        assert self.levels(1.0, none) == []

    def test_a_forecast_has_it_too(self):
        (limit,) = (a for a in DEFAULT_ALARMS if a.quantity == "ammonium")  # warn 8, act 12
        ahead = forecast(ammonium=(2, 0.6, 7.8))
        assert alarms((limit,), GOOD, ahead, 72.0) == ()
        (alarm,) = alarms((limit,), GOOD, ahead, 72.0, {("ammonium", "warn")})
        assert (alarm.level, alarm.limit) == ("warn", 8.0)

    def test_the_graver_level_has_its_own(self):
        assert self.levels(0.35, active=frozenset({("glucose", "act")})) == [("glucose", "act")]
        assert self.levels(0.4, active=frozenset({("glucose", "act")})) == [("glucose", "warn")]
