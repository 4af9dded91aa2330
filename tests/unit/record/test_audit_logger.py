"""The logger writes each event once, in order, durably, and keeps what a record must keep."""

import json
import re
from dataclasses import fields
from datetime import datetime
from math import inf
from random import Random

import pytest

from perfusio import __version__
from perfusio.errors import AuditError
from perfusio.events import ModelConditioned, RunEnded, RunStarted, SampleMissing, SampleRead
from perfusio.protocols import EventSink
from perfusio.record.audit_logger import AuditLogger, new_run_id
from perfusio.record.journal import SystemDisk
from perfusio.record.line import GENESIS, Record, sha256_of, state_sha256
from perfusio.record.verification.verify import verify
from perfusio.state import Setpoints
from perfusio.testing import ManualClock, make_state

STARTED = RunStarted(config={"seed": 0}, versions={"numpy": "2"}, sources={"R01": "my_data.csv"})
ENDED = RunEnded(outcome="completed", n_samples=2, n_decisions=1)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.jsonl"


def lines(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_a_record_has_every_field_and_no_other(path, clock):
    sink: EventSink = AuditLogger(path, clock=clock, run_id="run-1", actor="A. Smith (operator)")
    state = make_state(day=1)
    assert sink.append(STARTED) == 1
    clock.advance(hours=24)
    assert sink.append(SampleRead(reactor="R01", turn=1, reason="Due.", state=state, in_force=Setpoints())) == 2
    assert sink.append(ModelConditioned(reactor="R01", turn=1, model_id="0123abcd")) == 3
    sink.close()
    first, sample, model = lines(path)
    assert set(first) == {f.name for f in fields(Record)}
    assert first["prev"] == GENESIS
    assert (sample["prev"], model["prev"]) == (first["hash"], sample["hash"])
    assert [r["ts"] for r in (first, sample)] == ["2026-01-05T08:00:00.000000Z", "2026-01-06T08:00:00.000000Z"]
    assert [r["mono_ns"] for r in (first, sample)] == [0, 86400 * 10**9]
    assert {r["config_sha256"] for r in (first, sample, model)} == {sha256_of({"seed": 0})}
    assert [r["state_sha256"] for r in (first, sample, model)] == [None, state_sha256(state), None]
    assert [r["model_sha256"] for r in (first, sample, model)] == [None, None, "0123abcd"]
    shared = {"v": 2, "actor": "A. Smith (operator)", "run": "run-1", "reactor": "R01", "turn": 1, "sw": __version__}
    assert sample == {**sample, **shared, "reason": "Due.", "event": "SampleRead"}


def test_head_and_count_follow_the_file(path):
    with AuditLogger(path) as log:
        assert (log.n_records, log.head) == (0, GENESIS)
        log.append(STARTED)
        assert (log.n_records, log.head) == (1, lines(path)[0]["hash"])


def test_an_event_that_json_cannot_hold_leaves_no_trace(path):
    with AuditLogger(path) as log:
        log.append(STARTED)
        with pytest.raises(AuditError, match="cannot be recorded"):
            log.append(SampleMissing(expected_h=inf))
        assert log.append(SampleMissing(expected_h=24.0)) == 2
    assert verify(path).is_intact


def test_a_record_starts_once_and_ends_once(path):
    log = AuditLogger(path)
    with pytest.raises(AuditError, match="starts with RunStarted"):
        log.append(ENDED)
    log.append(STARTED)
    with pytest.raises(AuditError, match="starts with RunStarted, once"):
        log.append(STARTED)
    log.append(ENDED)
    with pytest.raises(AuditError, match="came after the end"):
        log.append(SampleMissing(expected_h=24.0))
    log.close()
    assert verify(path).outcome == "completed"
    AuditLogger(path).close()  # the end of a run lets the next writer in


class FullDisk(SystemDisk):
    def write(self, fd, data):
        return super().write(fd, data[:-9]) if b"SampleMissing" in data else super().write(fd, data)


def test_an_event_that_did_not_reach_the_disk_is_no_fact(path):
    with AuditLogger(path, disk=FullDisk()) as log:
        log.append(STARTED)
        with pytest.raises(AuditError, match="torn line was removed"):
            log.append(SampleMissing(expected_h=24.0))
        assert log.n_records == 1
        with pytest.raises(AuditError, match="no more records"):
            log.append(ENDED)
    assert verify(path).is_intact


@pytest.mark.parametrize("step", [3600.0, -3600.0, 2.1])
def test_a_clock_that_was_set_is_itself_a_record(path, clock, step):
    with AuditLogger(path, clock=clock) as log:
        log.append(STARTED)
        clock.advance(hours=24)
        clock.step(seconds=step)
        assert log.append(SampleMissing(expected_h=24.0)) == 3
        clock.advance(hours=24)
        assert log.append(SampleMissing(expected_h=48.0)) == 4
    events = lines(path)
    assert [r["event"] for r in events] == ["RunStarted", "ClockStepped", "SampleMissing", "SampleMissing"]
    assert events[1]["payload"]["step_s"] == pytest.approx(step)
    assert verify(path).is_intact


def test_a_small_correction_of_the_clock_is_not(path, clock):
    with AuditLogger(path, clock=clock) as log:
        log.append(STARTED)
        clock.step(seconds=1.9)
        assert log.append(SampleMissing(expected_h=24.0)) == 2


def test_run_ids_sort_by_time_and_do_not_collide(clock):
    assert new_run_id(clock, Random(1)) == new_run_id(clock, Random(1)) != new_run_id(clock, Random(2))
    assert re.fullmatch(r"20260105T080000Z-[a-z]{4}", new_run_id(clock))


@pytest.mark.parametrize("run_id", ["../x", "a b", "x\n", ".hidden"])
def test_a_run_id_must_be_a_file_name(path, run_id):
    with pytest.raises(AuditError, match="cannot identify a run"):
        AuditLogger(path, run_id=run_id)


def test_a_clock_without_time_zone_is_refused(path):
    class Naive(ManualClock):
        def now(self):
            return datetime(2026, 1, 5)

    with pytest.raises(AuditError, match="time zone"):
        AuditLogger(path, clock=Naive())
    with AuditLogger(path, clock=Naive(), run_id="x") as log, pytest.raises(AuditError, match="time zone"):
        log.append(STARTED)


def test_the_folder_is_made_if_need_be(tmp_path):
    with AuditLogger(tmp_path / "runs" / "one" / "audit.jsonl") as log:
        log.append(STARTED)
    assert verify(log.path).n_records == 1


def test_a_logger_that_could_not_open_holds_no_lock(path):
    path.write_bytes(b"not a record\n")
    with pytest.raises(AuditError):
        AuditLogger(path)
    AuditLogger(path, fresh=True).close()
