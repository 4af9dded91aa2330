"""The morning's page: when it is due, once a day, made up for after a stop, and never at the cost of the run."""

from datetime import datetime, time
from threading import Event as Flag

import pytest

from perfusio.cli.runs.daily_page import DailyPage, at_hour, next_hour
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import Mode, RunConfig
from perfusio.events import AlarmDelivered, RunResumed, SampleRead
from perfusio.record.audit_logger import AuditLogger
from perfusio.testing import ManualClock, make_state
from perfusio.twin.loop import first_records

SIX_THIRTY = time(6, 30)
RESUMED = RunResumed(after=1, model_id="m", versions={}, sources={}, decided_by={})


def local(day, hour, minute=0):
    return datetime(2026, 1, day, hour, minute).astimezone()


class People:
    """Stands for a notifier; a test waits for its next message."""

    def __init__(self):
        self.pages, self.said, self.came = [], [], Flag()

    def send(self, page):
        self.pages.append(page)
        self.came.set()

    def say(self, kind, text):
        self.said.append((kind, text))
        self.came.set()


class Wall:
    """A clock on the wall that stands where it is put."""

    def __init__(self, now):
        self.now, self.looks = now, 0
        self.looked = Flag()

    def __call__(self):
        self.looks += 1
        if self.looks > 4:
            self.looked.set()
        return self.now


def started():
    config = RunConfig(duration_days=3)
    return first_records.started(config, SPACE, {"R01": Mode.AUTOMATIC}, {"R01": {"kind": "simulated"}})


@pytest.fixture
def record(tmp_path):
    """A run that began on the 5th at 08:00 UTC and has a sample."""
    path = tmp_path / "audit.jsonl"
    with AuditLogger(path, clock=ManualClock()) as log:
        log.append(started())
        log.append(SampleRead(reactor="R01", turn=0, state=make_state(day=0), in_force=SPACE.nominal))
    return path


def pages(record, wall, event, people=None):
    people = people or People()
    daily = DailyPage(record, SIX_THIRTY, people, now=wall, look_s=0.005)
    daily(event)
    return daily, people


def test_it_is_due_at_that_hour_of_the_machine():
    assert next_hour(local(5, 6), SIX_THIRTY) == local(5, 6, 30)
    assert next_hour(local(5, 6, 30), SIX_THIRTY) == local(6, 6, 30)
    assert at_hour(local(5, 23), SIX_THIRTY) == local(5, 6, 30)


def test_it_is_sent_once_a_day(record):
    wall = Wall(local(6, 6, 29))
    daily, people = pages(record, wall, started())
    assert wall.looked.wait(30.0)
    assert people.pages == []
    wall.now = local(6, 6, 31)
    assert people.came.wait(30.0)
    wall.looks, wall.looked = 0, Flag()
    assert wall.looked.wait(30.0)  # it looked some times more
    daily.close()
    (page,) = people.pages
    assert page.subject.startswith("[perfusio] morning page 2026-01-06: run ")
    assert "no active alarm" in page.subject
    assert people.said == []


def test_one_that_was_missed_is_made_up_for_unless_the_record_shows_it(record):
    wall = Wall(local(6, 9))
    daily, people = pages(record, wall, RESUMED)
    assert people.came.wait(30.0)
    daily.close()
    assert len(people.pages) == 1
    subject = "[perfusio] morning page 2026-01-06: run x, no active alarm"
    log, _ = AuditLogger.resumed(record, clock=ManualClock())
    with log:
        log.append(AlarmDelivered(channel="email", subject=subject, is_delivered=True, n_tries=1))
    wall = Wall(local(6, 9))
    daily, people = pages(record, wall, RESUMED)
    assert wall.looked.wait(30.0)
    daily.close()
    assert people.pages == []


def test_a_page_that_cannot_be_made_is_told_and_the_run_goes_on(record):
    wall = Wall(local(6, 6, 29))
    daily, people = pages(record, wall, started())
    record.write_text("no record\n", encoding="utf-8")
    wall.now = local(6, 6, 31)
    assert people.came.wait(30.0)
    daily.close()
    assert people.pages == []
    ((kind, text),) = people.said
    assert "could not be made" in kind
    assert "ChainBroken" in text
