"""Alarms from what was measured and from what is forecast, the gravest level first."""

from dataclasses import replace
from datetime import UTC, datetime
from math import nan
from types import SimpleNamespace

import numpy as np
import pytest

from perfusio.config import DEFAULT_ALARMS, AlarmLimits
from perfusio.errors import ConfigError
from perfusio.forecast import Forecast
from perfusio.protocols import NOT_USED
from perfusio.state import SPECIES_INDEX
from perfusio.testing import make_state
from perfusio.twin.alarms.levels import alarms, doubtful, overdue, undecided, unfit_medium, unreadable

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
        ("viability", 95.3, "warn"), ("viability", 93.3, "act"), ("glucose", 0.91, "warn"), ("glucose", 0.2, "act"),
        ("ammonium", 8.8, "warn"), ("ammonium", 13.2, "act"), ("lactate", 27.5, "warn"), ("lactate", 43.6, "act"),
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
    (alarm,) = alarms(DEFAULT_ALARMS, GOOD, forecast(glucose=(2, 0.95, 0.1), n_paths=20), 72.0)
    assert (alarm.quantity, alarm.level, alarm.lead_days) == ("glucose", "act", 2.0)
    assert "in 2 days" in alarm.reason
    assert "P = 0.95" in alarm.reason


@pytest.mark.parametrize(("share", "n"), [(0.9, 1), (0.8, 0)])
def test_a_forecast_alarms_only_where_it_is_sure(share, n):
    assert len(found(ahead=forecast(ammonium=(1, share, 9.0)))) == n


def test_only_three_days_ahead_count():
    assert found(ahead=forecast(viability=(3, 1.0, 90.0))) == [("viability", "act", 3.0)]
    assert found(ahead=forecast(viability=(4, 1.0, 90.0))) == []


def test_the_gravest_level_once_per_quantity():
    sample = make_state(viability=96.0, ammonium=13.2)
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
        ahead = forecast(ammonium=(2, 1.0, 7.8))
        assert alarms((limit,), GOOD, ahead, 72.0) == ()
        (alarm,) = alarms((limit,), GOOD, ahead, 72.0, {("ammonium", "warn")})
        assert (alarm.level, alarm.limit) == ("warn", 8.0)

    def test_the_graver_level_has_its_own(self):
        assert self.levels(0.35, active=frozenset({("glucose", "act")})) == [("glucose", "act")]
        assert self.levels(0.4, active=frozenset({("glucose", "act")})) == [("glucose", "warn")]


class TestOthers:
    def test_a_value_that_was_found_and_not_used(self):
        sample = replace(GOOD, quality={"glucose": f"42 g/L {NOT_USED}: too high", "lactate": "below detection"})
        (alarm,) = doubtful(sample)
        assert (alarm.quantity, alarm.level, alarm.lead_days) == ("glucose", "doubt", 0.0)
        assert "glucose: 42 g/L" in alarm.reason
        assert "Measure again" in alarm.response

    def test_a_medium_that_does_not_fit(self):
        doubt = SimpleNamespace(species="glutamine", declared=6.0, likely=2.0, words="It does not fit.")
        alarm = unfit_medium(doubt)
        assert (alarm.quantity, alarm.level) == ("medium glutamine", "doubt")
        assert (alarm.value, alarm.limit, alarm.lead_days, alarm.reason) == (2.0, 6.0, 0.0, "It does not fit.")

    @pytest.mark.parametrize(("hours", "level"), [(0.0, "act"), (47.9, "act"), (48.0, "escalated"), (72, "escalated")])
    def test_nothing_decided_escalates_after_two_days(self, hours, level):
        alarm = undecided("The forecast is not finite.", hours)
        assert (alarm.quantity, alarm.level, alarm.lead_days) == ("decision", level, 0.0)
        is_long = level == "escalated"
        assert alarm.reason.startswith(f"Held for {hours / 24:.3g} days." if is_long else "The forecast is not finite.")
        assert ("find the cause" in alarm.response) == is_long
        assert ("today" in alarm.response) != is_long

    @pytest.mark.parametrize(("level", "meanwhile"), [("act", False), ("escalated", True)])
    def test_no_sample_for_too_long(self, level, meanwhile):
        since = datetime(2026, 1, 5, 8, tzinfo=UTC)
        alarm = overdue(level, 30.0, since, 24.0, reactor="R01", turn=2)
        assert (alarm.reactor, alarm.turn, alarm.quantity, alarm.level) == ("R01", 2, "sample", level)
        assert (alarm.lead_days, "since 2026-01-05 08:00 UTC, 30.0 h ago" in alarm.reason) == (0.0, True)
        assert ("meanwhile" in alarm.response) == meanwhile

    def test_a_source_that_cannot_be_read(self):
        alarm = unreadable("10 minutes", reactor="R01", turn=2)
        assert (alarm.reactor, alarm.turn, alarm.lead_days) == ("R01", 2, 0.0)
        assert (alarm.quantity, alarm.level) == ("source", "act")
        assert "for 10 minutes" in alarm.reason

    def test_a_quantity_of_which_the_process_says_no_response(self):
        limit = AlarmLimits(quantity="titer", warn=1000.0, act=2000.0)
        (alarm,) = alarms((limit,), make_state(titer=2500.0), None, 72.0)
        assert alarm.response == "Check the vessel."
        (known,) = alarms(DEFAULT_ALARMS, make_state(viability=99.0, glucose=0.2), None, 72.0)
        assert known.response != "Check the vessel."
