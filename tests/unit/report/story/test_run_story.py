"""Forecasts are kept under the setpoints that were in force, and held against the samples that came."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.errors import ConfigError
from perfusio.events import SampleRead
from perfusio.report.story.calibration import outcomes, scores
from perfusio.report.story.kept_forecasts import earlier
from perfusio.report.story.run_story import story_of_events
from perfusio.testing import make_state


def held_at(event, bleed_rate):
    """The sample of an event with another bleed in force before it."""
    if not isinstance(event, SampleRead) or event.turn == 0:
        return event
    return replace(event, in_force=event.in_force.with_values(bleed_rate=bleed_rate))


def test_a_forecast_is_that_of_the_setpoints_that_came_into_force(told):
    run = told.a_run()
    kept = story_of_events(run).vessels["R01"].kept
    assert [k.made_h for k in kept] == [0.0, 24.0, 24.0, 72.0]  # the turn without a sample knew no more
    assert [k.is_chosen for k in kept] == [True, True, False, False]
    unwritten = [held_at(e, 0.15) for e in run]
    first = story_of_events(unwritten).vessels["R01"].kept[0]
    assert not first.is_chosen
    assert first.is_followed
    by_hand = [held_at(e, 0.3) for e in run]
    assert not story_of_events(by_hand).vessels["R01"].kept[0].is_followed


def test_earlier_forecasts_speak_of_a_time_as_long_before(told):
    vessel = story_of_events(told.a_run()).vessels["R01"]
    for lead in (1, 2):
        before = earlier(vessel.kept, "glucose", lead, until_h=vessel.now_h)
        assert list(before.times_h) == [24.0 * (d + lead) for d in (0, 1) if d + lead <= 3]
        first = told.forecast(0)
        assert before.mean[0] == pytest.approx(first["mean"]["glucose"][lead - 1])
        assert before.ends[80][1][0] == pytest.approx(first["q90"]["glucose"][lead - 1])


def test_a_sample_is_within_its_interval_or_not(told):
    """Intervals of the record are widened by measurement noise, never narrowed."""
    run = told.a_run()
    ahead = told.forecast(0)
    mean, high = ahead["mean"]["lactate"][0], ahead["q90"]["lactate"][0]
    for value, is_inside in ((mean, True), (high, True), (3.0 * high, False)):
        changed = [
            replace(e, state=make_state(day=1, lactate=value)) if isinstance(e, SampleRead) and e.turn == 1 else e
            for e in run
        ]
        vessel = story_of_events(changed).vessels["R01"]
        came = outcomes(vessel, 1, 24.0)
        at = vessel.panel.index("lactate")
        assert came.actual[0, at] == value
        assert bool(came.is_inside(80)[0, at]) is is_inside
        assert came.ends[80][1][0, at] >= high
    score = next(s for s in scores([came], vessel.panel) if s.name == "lactate")
    assert (score.n, score.inside[80], score.lead_days) == (1, 0, 1)
    assert score.error == pytest.approx(abs(mean - value), rel=1e-5)


def test_hours_between_samples_do_not_fill_the_memory(told):
    from perfusio.report.story.kept_forecasts import _a_day_apart

    hourly = np.arange(1.0, 28 * 24.0 + 1)
    kept = hourly[_a_day_apart(hourly, 0.0)]
    assert list(kept[:3]) == [1.0, 24.0, 48.0]
    assert kept[-1] == hourly[-1]
    assert len(kept) == 29


def test_an_unknown_vessel_is_refused_with_those_that_there_are(told):
    with pytest.raises(ConfigError, match="R1 is not in this run; it has R01"):
        story_of_events(told.a_run()).vessel("R1")
