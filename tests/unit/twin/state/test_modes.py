"""Who may write to a vessel; alarms about writes last until a person has looked."""

from dataclasses import replace

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode, RunConfig
from perfusio.protocols import Ending
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.verification.verify import read_records
from perfusio.testing import ScriptedConnector
from perfusio.twin.loop import first_records
from perfusio.twin.state.hold import Word
from perfusio.twin.state.logbook import Logbook
from perfusio.twin.state.modes import Modes
from perfusio.twin.vessels import Vessel

SPACE = DEFAULT_AMBR250_DESIGN_SPACE


@pytest.fixture
def book(tmp_path):
    config = RunConfig(duration_days=2, run_dir=tmp_path)
    book = Logbook(config, SPACE, {"R01": Vessel(connector=ScriptedConnector([]))})
    with AuditLogger(tmp_path / "audit.jsonl") as log:
        book.sink = log
        book.append(first_records.started(config, SPACE, {"R01": Mode.AUTOMATIC}, {"R01": {"kind": "simulated"}}))
        yield book


def told(book):
    return [(r.event, r.payload.get("status", "")) for r in read_records(book.sink.path)][1:]


def test_a_write_that_ended_badly_is_one_alarm_until_one_ends_well(book):
    for ending in (Ending.RESTORED, Ending.PARTIAL, Ending.REFUSED, Ending.DONE, Ending.DONE):
        Modes(book).write_ended("R01", 1, ending)
    assert told(book) == [("AlarmRaised", ""), ("AlarmChanged", "cleared")]


def test_a_persons_word_ends_it_too(book):
    Modes(book).write_ended("R01", 1, Ending.UNKNOWN)
    Modes(book).write_seen_to("R01", 1, "A. Smith")
    Modes(book).write_seen_to("R01", 1, "A. Smith")
    assert told(book) == [("AlarmRaised", ""), ("AlarmChanged", "cleared")]


def test_a_vessel_that_is_stuck_without_an_alarm_gets_it(book):
    """As a kill between the two records leaves it."""
    book.run_state = replace(book.run_state, stuck=frozenset({"R01"}))
    for _ in range(2):
        Modes(book).note_modes(1)
    assert told(book) == [("ModeChanged", ""), ("AlarmRaised", "")]
    assert Modes(book).mode("R01") is Mode.HOLD
    Modes(book).change_mode("R01", 1, Mode.AUTOMATIC, Word(who="A. Smith", why="Looked."))
    assert Modes(book).mode("R01") is Mode.AUTOMATIC
