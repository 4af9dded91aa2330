"""A second run in the same folder: finished records step aside, others are refused, nothing is ever lost."""

import pytest

from perfusio.errors import AuditError, ChainBroken
from perfusio.events import RunEnded, RunStarted, SampleMissing
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.verification.verify import read_records, verify

STARTED = RunStarted(config={}, versions={}, sources={}, reason="A new run.")
ENDED = RunEnded(outcome="completed", n_samples=0, n_decisions=0)


def record(path, run_id, *, ended=True, **options):
    with AuditLogger(path, run_id=run_id, **options) as log:
        log.append(STARTED)
        log.append(SampleMissing(expected_h=24.0))
        if ended:
            log.append(ENDED)
    return log


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.jsonl"


def names(path):
    return sorted(p.name for p in path.parent.iterdir() if not p.name.startswith("."))


def test_a_finished_record_steps_aside_and_the_new_one_says_so(path):
    first = record(path, "one")
    before = path.read_bytes()
    record(path, "two")
    assert names(path) == ["audit-one.jsonl", "audit.jsonl"]
    assert path.with_name("audit-one.jsonl").read_bytes() == before
    reason = next(read_records(path)).reason
    assert reason == (
        f"A new run. The record of the finished run one was moved to audit-one.jsonl; its head is {first.head}."
    )


def test_a_moved_record_is_never_overwritten(path):
    for _ in range(3):
        record(path, "same")
    assert names(path) == ["audit-same-2.jsonl", "audit-same.jsonl", "audit.jsonl"]


def test_an_unfinished_record_is_refused_with_the_remedy_and_kept(path):
    record(path, "one", ended=False)
    before = path.read_bytes()
    with pytest.raises(AuditError, match=r"unfinished run one \(2 records.*--fresh") as refusal:
        record(path, "two")
    assert f"perfusio resume {path.parent}" in str(refusal.value)
    assert path.read_bytes() == before
    record(path, "two", fresh=True)
    assert path.with_name("audit-one.jsonl").read_bytes() == before
    assert "unfinished run one was moved" in next(read_records(path)).reason


def test_a_broken_record_is_never_moved_silently(path):
    record(path, "one")
    path.write_bytes(path.read_bytes().replace(b"completed", b"Completed"))
    with pytest.raises(ChainBroken, match=r"line 3 was changed.*--fresh") as refusal:
        record(path, "two")
    assert refusal.value.line == 3
    assert refusal.value.exit_code == 4
    record(path, "two", fresh=True)
    assert "did not verify (line 3 was changed" in next(read_records(path)).reason
    assert not verify(path.with_name("audit-one.jsonl")).is_intact


def test_a_torn_record_is_not_finished(path):
    record(path, "one")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ChainBroken, match="line 3 is cut off"):
        record(path, "two")


def test_a_file_that_is_no_record_keeps_a_safe_name(path):
    path.write_bytes(b'{"run": "../../etc/passwd"}\n')
    record(path, "two", fresh=True)
    assert names(path) == ["audit-unreadable.jsonl", "audit.jsonl"]


def test_an_empty_file_holds_nothing_to_keep(path):
    path.touch()
    record(path, "one")
    assert names(path) == ["audit.jsonl"]
    assert next(read_records(path)).reason == "A new run."
