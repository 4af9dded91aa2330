"""A record that a crash has torn goes on behind its good lines; one that was changed does not."""

import pytest

from perfusio.errors import AuditError, ChainBroken
from perfusio.events import RunEnded, RunStarted, SampleMissing
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.verification.signed_heads import heads_of, read_heads
from perfusio.record.verification.site_key import SiteKey
from perfusio.record.verification.verify import verify
from perfusio.testing import ManualClock

START = RunStarted(config={"seed": 0}, versions={}, sources={})


def missing(day):
    return SampleMissing(reactor="R01", turn=day, expected_h=24.0 * day)


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return SiteKey.of_site(tmp_path_factory.mktemp("key") / "site.key")


@pytest.fixture
def path(tmp_path, key):
    with AuditLogger(tmp_path / "audit.jsonl", clock=ManualClock(), run_id="run-1", key=key) as log:
        for event in (START, missing(0), missing(1)):
            log.append(event)
    return log.path


def resumed(path, key=None):
    return AuditLogger.resumed(path, clock=ManualClock(), key=key)


def test_a_run_goes_on_where_it_stopped(path, key):
    log, records = resumed(path, key)
    assert (len(records), records.first.event, records.last.event) == (3, "RunStarted", "SampleMissing")
    with log:
        assert (log.run_id, log.n_records, log.head) == ("run-1", 3, records.last.hash)
        assert log.append(missing(2)) == 4
        log.append(RunEnded(outcome="all days done", n_samples=0, n_decisions=0))
    heads = read_heads(heads_of(path))
    assert [h.seq for h in heads] == [1, 2, 3, 4, 5]
    report = verify(path, heads=heads, key=key.public)
    assert report.is_intact
    assert report.is_finished


def test_a_torn_line_is_moved_aside_and_that_is_on_record(path, key):
    data = path.read_bytes()
    last = data.splitlines(keepends=True)[-1]
    heads_of(path).unlink()
    for n in range(1, len(last)):
        path.write_bytes(data[: len(data) - n])
        log, records = resumed(path)
        log.close()
        report = verify(path)
        assert (len(records), report.n_records, report.is_intact) == (2, 3, True)
        aside = path.with_name("audit.jsonl.torn-3" if n == 1 else f"audit.jsonl.torn-3-{n}")
        assert aside.read_bytes() == last[:-n]
    assert b'"event":"JournalRecovered"' in path.read_bytes()


def test_garbage_and_zeros_after_the_last_good_line_are_torn_too(path):
    for rest in (b"\0" * 700, b"{garbage\n\xff\n", b"\n"):
        heads_of(path).unlink(missing_ok=True)
        good = path.read_bytes()
        path.write_bytes(good + rest)
        log, _ = resumed(path)
        log.close()
        assert path.read_bytes().startswith(good)
        assert verify(path).is_intact


def test_a_whole_record_behind_a_bad_line_is_no_crash(path):
    first, second, third = path.read_bytes().splitlines(keepends=True)
    for data in (first + second[:-9] + b"\n" + third, first + third, first + first, b"x" + first + second):
        path.write_bytes(data)
        with pytest.raises(ChainBroken, match="not what a crash leaves"):
            resumed(path)
        assert path.read_bytes() == data  # left as it is


def test_a_missing_record_that_a_head_was_signed_for_is_no_crash(path):
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(ChainBroken, match="records were removed"):
        resumed(path)


def test_a_torn_head_says_nothing_and_is_cut(path, key):
    whole = heads_of(path).read_bytes()
    heads_of(path).write_bytes(whole[:-20])
    log, _ = resumed(path, key)
    with log:
        log.append(missing(2))
    assert [h.seq for h in read_heads(heads_of(path))] == [1, 2, 4]


def test_what_cannot_go_on_is_refused_in_words(path, tmp_path):
    with pytest.raises(AuditError, match="unfinished run"):
        resumed(tmp_path / "nothing.jsonl")
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(path.read_bytes()[:100])
    with pytest.raises(AuditError, match="that run never began"):
        resumed(torn)
    log, _ = resumed(path)
    with pytest.raises(AuditError, match="this very process"):
        resumed(path)
    log.append(RunEnded(outcome="all days done", n_samples=0, n_decisions=0))
    with pytest.raises(AuditError, match="finished: nothing to resume"):
        resumed(path)
