"""T16: what becomes of a source that cannot be read; the trial notices each bug that is planted."""

import pytest

from perfusio.selftest.loop import outages
from perfusio.selftest.loop.outages import BUGS, DAY_S, FAILURES, Outage, planted_in_outages, wrong_with


def outage(hours, *, on_day=1.9, n_vessels=1, failure=FAILURES[0]):
    return Outage(begins_s=on_day * DAY_S, length_s=3600.0 * hours, n_vessels=n_vessels, failure=failure)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda f: type(f()).__name__)
def test_six_hours_without_the_source_cost_nothing_however_it_fails(failure):
    assert wrong_with(outage(6, failure=failure)) == []


@pytest.mark.parametrize("n_vessels", [1, 3])
@pytest.mark.parametrize("hours", [2 / 3600, 30.0])
def test_a_turn_ends_with_its_sample_or_by_time(hours, n_vessels):
    assert wrong_with(outage(hours, n_vessels=n_vessels)) == []


def test_the_quick_promise_is_kept(monkeypatch):
    monkeypatch.setattr(outages, "MOMENTS_QUICK", (0,))
    row = outages.outages(False)
    assert row.is_kept, row.note
    assert row.n_tried == 8


def test_planted_bugs_are_noticed():
    row = planted_in_outages(False)
    assert row.is_kept, row.note
    assert row.n_tried == len(BUGS) == 3
