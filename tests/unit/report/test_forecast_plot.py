"""The figure is drawn from events alone, whatever the run looked like."""

import pytest

from perfusio.errors import ChainBroken
from perfusio.events import SampleRead
from perfusio.report.forecast_plot import _Story, plot_events, plot_record
from perfusio.testing import ManualClock, make_state
from perfusio.twin.audit import AuditLogger

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


def test_the_story_keeps_late_values_beside_their_sample_and_one_step_per_interval(told):
    story = _Story()
    run = told.a_run()
    for event in run:
        if event.reactor:
            story.take(event)
    late = SampleRead(reactor="R01", turn=3, state=make_state(day=1), in_force=told.new, extra=True)
    story.take(late)
    assert [s.day for s in story.samples] == [0, 1, 1, 3]
    assert len(story.in_force) == 2
    assert not story.is_chosen
