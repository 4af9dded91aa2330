"""What verify says about one broken line, and about what it cannot see."""

import json
from io import BytesIO

import pytest

from perfusio.errors import AuditError, ChainBroken
from perfusio.events import ModelConditioned, RunEnded, RunStarted, SampleRead
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.line import sealed
from perfusio.record.verification.verify import NOT_CHECKED, read_lines, read_records, verify, verify_lines
from perfusio.state import Setpoints
from perfusio.testing import ManualClock, make_state


@pytest.fixture
def lines(tmp_path):
    with AuditLogger(tmp_path / "audit.jsonl", clock=ManualClock(), run_id="run-1") as log:
        log.append(RunStarted(config={"seed": 0}, versions={}, sources={}))
        log.append(SampleRead(reactor="R01", turn=0, state=make_state(day=0), in_force=Setpoints()))
        log.append(ModelConditioned(reactor="R01", turn=0, model_id="0123abcd"))
        log.append(RunEnded(outcome="completed", n_samples=1, n_decisions=0))
    return (tmp_path / "audit.jsonl").read_bytes().splitlines(keepends=True)


def problems(lines):
    return [str(problem) for problem in verify_lines(lines).problems]


def resealed(lines, n, **changes):
    """Line `n` (from 1) with other fields, and this and all later hashes computed anew, as a forger would."""
    records = [json.loads(line) for line in lines]
    records[n - 1] |= changes
    written, head = list(lines[: n - 1]), records[n - 1]["prev"]
    for record in records[n - 1 :]:
        del record["hash"]
        line, head = sealed({**record, "prev": head})
        written.append(line)
    return written


def test_an_intact_record_is_summed_up(lines):
    report = verify_lines(lines)
    assert report.is_intact
    assert report.is_finished
    assert (report.n_records, report.run_id, report.outcome) == (4, "run-1", "completed")
    assert report.head == json.loads(lines[-1])["hash"]
    assert report.first_ts == report.last_ts == "2026-01-05T08:00:00.000000Z"


def test_what_a_chain_cannot_see_is_said(lines):
    cut = verify_lines(lines[:-1])
    assert cut.is_intact
    assert not cut.is_finished
    assert cut.not_checked == NOT_CHECKED
    assert "cut off at the end" in NOT_CHECKED[0]
    rewritten = verify_lines(resealed(lines, 3, reason="Another story."))
    assert rewritten.is_intact
    assert rewritten.head != verify_lines(lines).head  # which is why the head is printed
    assert "computed every hash anew" in NOT_CHECKED[1]


def test_an_empty_file_is_no_record():
    assert problems([]) == ["line 1 is not there: the file is empty, and a record begins with RunStarted"]
    with pytest.raises(ChainBroken, match="empty"):
        list(read_lines([], source="x"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda line: line[:-1], "is cut off"),
        (lambda line: line[:-9] + b"\n", "is not JSON"),
        (lambda line: b"\n", "is not JSON"),
        (lambda line: b"\xff" + line, "is not JSON"),
        (lambda line: b"9" * 5000 + b"\n", "is not JSON"),
        (lambda line: b"[" * 100_000 + b"\n", "is not JSON"),
        (lambda line: b"[]\n", "is not a JSON object"),
        (lambda line: line.replace(b'"vcd":20.0', b'"vcd":NaN'), "is not in canonical form"),
        (lambda line: line.replace(b'"vcd":20.0', b'"vcd":1e999'), "is not in canonical form"),
        (lambda line: line.replace(b'"vcd":20.0', b'"vcd":2e1'), "is not in canonical form"),
        (lambda line: line.replace(b'"vcd":20.0', b'"vcd": 20.0'), "is not in canonical form"),
        (lambda line: line.replace(b"\n", b"\r\n"), "is not in canonical form"),
        (lambda line: line.replace(b'"seq":2', b'"seq":1,"seq":2'), "has the key 'seq' more than once"),
        (lambda line: line.replace(b'"vcd":20.0', b'"vcd":20.0,"vcd":20.0'), "has the key 'vcd' more than once"),
        (lambda line: line.replace(b'"vcd":20.0', b'"vcd":20.1'), "was changed"),
        (lambda line: line.replace(b'"reason":""', b'"reason":"So."'), "was changed"),
        (lambda line: line.replace(b'"seq":2', b'"seq":3'), "has seq 3, expected 2"),
        (lambda line: line.replace(b'"seq":2,', b""), "lacks seq"),
    ],
)
def test_a_broken_line_is_named(lines, change, words):
    lines[1] = change(lines[1])
    found = problems(lines)
    assert any(problem.startswith("line 2 ") and words in problem for problem in found), found
    assert verify_lines(BytesIO(b"".join(lines))).problems


def test_one_broken_line_does_not_blame_the_others(lines):
    lines[1] = b"{}\n"
    assert problems(lines) == [problems(lines)[0]]
    assert problems(lines)[0].startswith("line 2 lacks")


STATE = "state_sha256"


@pytest.mark.parametrize(
    ("n", "changes", "words"),
    [
        (2, {STATE: "0" * 64}, "is not the hash of its State"),
        (2, {STATE: None}, "is not the hash of its State"),
        (3, {STATE: "0" * 64}, "is not the hash of its State"),
        (3, {"model_sha256": None}, "names one model"),
        (3, {"run": "run-2"}, "belongs to run run-2"),
        (3, {"config_sha256": "0" * 64}, "another configuration"),
        (1, {"payload": {"config": {"seed": 1}, "versions": {}, "sources": {}}}, "not the hash of its config"),
        (3, {"payload": {"model_id": 3}}, "payload of ModelConditioned: model_id is 3, expected text"),
        (3, {"event": "SampleMissing", "payload": {"expected_h": 24.0}}, "names one model"),
        (3, {"v": 3}, "record version 3"),
        (3, {"v": 1}, "lacks turn"),
        (3, {"seq": 5}, "has seq 5, expected 3"),
    ],
)
def test_a_record_that_contradicts_itself_is_found_even_with_right_hashes(lines, n, changes, words):
    found = problems(resealed(lines, n, **changes))
    assert any(problem.startswith(f"line {n} ") and words in problem for problem in found), found


def test_order_of_first_and_last_is_kept_even_with_right_hashes(lines):
    started = {k: v for k, v in json.loads(lines[0]).items() if k in ("event", "payload", "model_sha256", STATE)}
    ended = {k: v for k, v in json.loads(lines[3]).items() if k in ("event", "payload", "model_sha256", STATE)}
    assert "line 3 is RunStarted" in problems(resealed(lines, 3, **started))[0]
    assert "line 1 is RunEnded" in problems(resealed(lines, 1, **ended))[0]
    assert problems(resealed(lines, 3, **ended)) == ["line 4 comes after RunEnded, which closed the record"]


def test_records_are_read_up_to_the_first_problem(tmp_path, lines):
    path = tmp_path / "audit.jsonl"
    assert [r.event for r in read_records(path)] == ["RunStarted", "SampleRead", "ModelConditioned", "RunEnded"]
    assert next(iter(read_records(path))).run == "run-1"
    lines[2] = lines[2].replace(b"0123abcd", b"0123abce")
    path.write_bytes(b"".join(lines))
    records = read_records(path)
    assert [next(records).seq, next(records).seq] == [1, 2]
    with pytest.raises(ChainBroken, match="line 3 was changed") as broken:
        next(records)
    assert (broken.value.line, broken.value.exit_code) == (3, 4)


def test_a_file_that_cannot_be_read_is_an_error_of_its_own(tmp_path):
    for path in (tmp_path / "nothing.jsonl", tmp_path):
        with pytest.raises(AuditError, match="cannot be read"):
            verify(path)
