"""The figure is drawn from events alone, whatever the run looked like."""

from dataclasses import replace

import pytest

from perfusio.errors import ChainBroken, ConfigError
from perfusio.events import SampleCorrected, SampleRead
from perfusio.record.audit_logger import AuditLogger
from perfusio.report.forecast_plot import plot_events, plot_record
from perfusio.report.story.run_story import story_of_events
from perfusio.state import SETPOINTS, State
from perfusio.testing import ManualClock, make_state

PNG = b"\x89PNG"


def test_a_record_becomes_a_figure(told, tmp_path):
    with AuditLogger(tmp_path / "audit.jsonl", clock=ManualClock()) as log:
        for event in told.a_run():
            log.append(event)
    assert plot_record(tmp_path / "audit.jsonl", tmp_path / "new" / "forecast.png")
    assert (tmp_path / "new" / "forecast.png").read_bytes().startswith(PNG)


def test_a_changed_record_is_not_drawn(told, tmp_path):
    with AuditLogger(tmp_path / "audit.jsonl", clock=ManualClock()) as log:
        for event in told.a_run():
            log.append(event)
    text = (tmp_path / "audit.jsonl").read_text(encoding="utf-8")
    (tmp_path / "audit.jsonl").write_text(text.replace("Feed.", "Fred."), encoding="utf-8")
    with pytest.raises(ChainBroken):
        plot_record(tmp_path / "audit.jsonl", tmp_path / "forecast.png")
    assert not (tmp_path / "forecast.png").exists()


def test_a_run_that_stopped_early_is_drawn_as_far_as_it_came(told, tmp_path):
    path = tmp_path / "forecast.png"
    run = told.a_run()
    assert not plot_events(run[:3], path)
    assert not path.exists()
    assert plot_events(run[:4], path)
    assert not plot_events(run, path, reactor="R09")


def test_a_figure_that_cannot_be_written_is_one_sentence(told, tmp_path):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be written: "):
        plot_events(told.a_run()[:4], tmp_path / "file" / "forecast.png")


def story_of(events):
    return story_of_events(events).vessels["R01"]


def test_the_story_is_what_the_twin_knows(told):
    run = told.a_run()[:-1]
    late = SampleRead(reactor="R01", turn=3, state=State(time_h=24.0, titer=412.0), in_force=told.new, extra=True)
    right = replace(make_state(day=1), glucose=2.5)
    corrected = SampleCorrected(reactor="R01", turn=3, state=right, corrects=7)
    story = story_of([*run, late, corrected])
    assert [s.day for s in story.known.states] == [0, 1, 3]
    assert story.known.states[1].glucose == 2.5  # what it was counts no more, in the figure as in the twin
    assert len(story.known.setpoints) == 2
    assert not story.latest.is_chosen
    assert story_of([*run, late]).known.states[1].titer == 412.0


def test_a_forecast_is_drawn_under_the_plan_that_was_decided(told):
    plan = {name: [v, v + 0.1] for name, v in vars_of(told.new).items()}
    (decided,) = told.decided(0)
    story = story_of([*told.a_run()[:3], replace(decided, plan=plan)])
    assert story.latest.is_chosen
    assert [u.bleed_rate for u in story.latest.plan[:2]] == [told.new.bleed_rate, told.new.bleed_rate + 0.1]


def vars_of(setpoints):
    return {name: getattr(setpoints, name) for name in SETPOINTS}
