"""Samples whose time has not come yet: by the dates of their source, and by the days that have passed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from math import inf, nan

import pytest

from perfusio.protocols import ConnectorKind
from perfusio.testing import ManualClock, ScriptedConnector, make_state
from perfusio.twin.samples.future_dates import Dates
from perfusio.twin.samples.sampling_schedule import SamplingSchedule

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)  # of a ManualClock


class Dated(ScriptedConnector):
    def __init__(self, began):
        super().__init__([])
        self.began = began


def said(began, day):
    clock = ManualClock()
    return Dates(SamplingSchedule(clock, 24.0), clock).dated_ahead(Dated(began), make_state(day=day))


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=9))])
def test_a_date_that_says_its_zone_may_be_two_hours_ahead(zone):
    began = (NOW - timedelta(days=3)).astimezone(zone)
    assert said(began, 3.08) == ""
    assert said(began, 3.1) == (
        "The sample is dated 2026-01-05 10:24 UTC, and it is 2026-01-05 08:00 UTC: its time has not come yet. Correct "
        "the date, or the clock of the machine that is wrong."
    )


def test_a_date_without_a_zone_may_be_of_any():
    began = (NOW - timedelta(days=3)).astimezone().replace(tzinfo=None)
    assert said(began, 3.6) == ""
    assert "its time has not come yet" in said(began, 3.7)


def test_what_has_no_date_or_no_time_is_not_judged_by_dates():
    assert said(None, 99.0) == ""
    clock = ManualClock()
    dates = Dates(SamplingSchedule(clock, 24.0), clock)
    assert dates.dated_ahead(ScriptedConnector([]), make_state(day=99)) == ""
    assert dates.dated_ahead(Dated(NOW), replace(make_state(), time_h=nan)) == ""
    assert dates.dated_ahead(Dated(NOW), replace(make_state(), time_h=inf)) == ""
    assert "has not come yet" in dates.dated_ahead(Dated(NOW), replace(make_state(), time_h=1e300))


class TestDaysThatHavePassed:
    def ahead(self, here, *, kind=ConnectorKind.HARDWARE, hours=0.0):
        clock = ManualClock()
        pace = SamplingSchedule(clock, 24.0)
        pace.begins("R01", 0)
        clock.advance(hours=hours)
        connector = ScriptedConnector([], kind=kind)
        return Dates(pace, clock).turn_ahead(connector, "R01", make_state(day=here), 3, here)

    def test_a_day_that_is_far_off_is_refused(self):
        assert "27 samples after the one that is due" in self.ahead(30, hours=72)

    def test_a_few_that_were_skipped_are_not(self):
        assert self.ahead(6, hours=72) == ""

    def test_nor_are_days_that_passed_while_nobody_looked(self):
        assert self.ahead(9, hours=8 * 24) == ""
        assert self.ahead(9, hours=7 * 24) != ""

    def test_history_and_simulations_have_a_time_of_their_own(self):
        assert self.ahead(30, kind=ConnectorKind.SIMULATED) == ""
        assert self.ahead(30, kind=ConnectorKind.REPLAY) == ""
