"""Signed heads: when they are taken, and what they show that a chain alone cannot."""

import json
from dataclasses import replace

import pytest

from perfusio.errors import AuditError
from perfusio.events import (
    OverrideDetected,
    RunEnded,
    RunStarted,
    SampleMissing,
    SetpointsWritten,
    WriteIntended,
    WritePartial,
    WriteRefused,
    WriteRestored,
    WriteUnknown,
)
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.line import encode
from perfusio.record.verification import signed_heads
from perfusio.record.verification.signed_heads import EVERY, heads_of, read_heads
from perfusio.record.verification.site_key import SiteKey
from perfusio.record.verification.verify import verify, verify_lines
from perfusio.state import Setpoints
from perfusio.testing import ManualClock

SETPOINTS = Setpoints(perfusion_rate=1.0, bleed_rate=0.15)
START = RunStarted(config={"seed": 0}, versions={}, sources={})


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return SiteKey.of_site(tmp_path_factory.mktemp("key") / "site.key")


def missing(day):
    return SampleMissing(reactor="R01", turn=day, expected_h=24.0 * day)


def written(path, events, key, run_id="run-1"):
    with AuditLogger(path, clock=ManualClock(), run_id=run_id, key=key) as log:
        for event in events:
            log.append(event)
    return path


@pytest.fixture
def path(tmp_path, key):
    write = {"reactor": "R01", "turn": 0, "key": "run-1:R01:0:0"}
    return written(
        tmp_path / "audit.jsonl",
        [
            START, missing(0), missing(0), WriteIntended(**write, old=SETPOINTS, new=SETPOINTS),
            SetpointsWritten(**write, asked=SETPOINTS, acknowledged=SETPOINTS), missing(0), missing(1), missing(1),
            RunEnded(outcome="all days done", n_samples=0, n_decisions=1),
        ],
        key,
    )  # fmt: skip


def found(lines, heads, key):
    return {p.line for p in verify_lines(lines, heads=heads, key=key.public).problems}


def test_they_are_taken_of_the_first_record_of_each_day_each_write_and_the_end(path, key):
    heads = read_heads(heads_of(path))
    assert [h.seq for h in heads] == [1, 2, 4, 5, 7, 9]
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert all((h.head, h.ts, h.run) == (lines[h.seq - 1]["hash"], lines[h.seq - 1]["ts"], "run-1") for h in heads)
    report = verify(path, heads=heads, key=key.public)
    assert report.is_intact
    assert report.n_heads == 6


def test_every_word_from_the_vessel_has_one(tmp_path, key):
    write = {"reactor": "R01", "turn": 0, "key": "run-1:R01:0:0"}
    words = [
        WriteRefused(**write, asked=SETPOINTS),
        WritePartial(**write, asked=SETPOINTS, read_back=SETPOINTS, failed={"agitation": "Bad"}),
        WriteRestored(**write, restored=SETPOINTS),
        WriteUnknown(**write, asked=SETPOINTS, read_back=None),
        OverrideDetected(**write, expected=SETPOINTS, found=SETPOINTS),
    ]
    path = written(tmp_path / "audit.jsonl", [START, missing(0), *words, missing(0)], key)
    assert [h.seq for h in read_heads(heads_of(path))] == [1, 2, 3, 4, 5, 6, 7]


def test_the_end_of_the_file_of_heads_is_judged_by_what_it_says(path, key):
    whole = heads_of(path).read_bytes()
    for image, n in ((whole[:-1], 6), (whole[:-2], 5), (whole + b"\x00\xff", 6)):  # a crash may tear the last
        heads_of(path).write_bytes(image)
        assert len(read_heads(heads_of(path))) == n
    marked, cr_lf = b"\xef\xbb\xbf" + whole, whole.replace(b"\n", b"\r\n")
    for image in (whole + b"\n", whole + b"{}\n", b"\n" + whole, cr_lf, marked):
        heads_of(path).write_bytes(image)
        with pytest.raises(AuditError, match="is no head"):
            read_heads(heads_of(path))


@pytest.mark.parametrize("seq", [0, -1, -9, 10, 10**30])
def test_a_head_of_no_line_is_found(path, key, seq):
    lines, last = path.read_bytes().splitlines(keepends=True), read_heads(heads_of(path))[-1]
    said = json.loads(replace(last, seq=seq).signed_bytes())
    signed = replace(last, seq=seq, signature=key.sign(encode(said)).hex())
    assert found(lines, [signed], key) == {seq}


def test_a_long_day_has_more_of_them(tmp_path, key):
    path = written(tmp_path / "audit.jsonl", [START, *[missing(0)] * (2 * EVERY)], key)
    assert [h.seq for h in read_heads(heads_of(path))] == [1, 2, 2 + EVERY]


def test_every_cut_before_the_last_head_is_found(path, key):
    lines, heads = path.read_bytes().splitlines(keepends=True), read_heads(heads_of(path))
    assert all(verify_lines(lines[:n]).is_intact for n in range(1, 9))  # what a chain alone sees of it
    assert all(9 in found(lines[:n], heads, key) for n in range(1, 9))


def test_a_record_written_anew_with_right_hashes_is_found(path, tmp_path, key):
    anew = written(tmp_path / "anew" / "audit.jsonl", [replace(START, config={"seed": 1}), *[missing(0)] * 8], None)
    lines = anew.read_bytes().splitlines(keepends=True)
    assert verify_lines(lines).is_intact
    assert found(lines, read_heads(heads_of(path)), key) == {1, 2, 4, 5, 7, 9}


def test_an_older_record_in_its_place_is_found(path, tmp_path, key):
    older = written(tmp_path / "older" / "audit.jsonl", [START, missing(0)], key, run_id="run-0")
    assert found(older.read_bytes().splitlines(keepends=True), read_heads(heads_of(path)), key) == {1}


def test_heads_that_the_site_has_not_signed_are_found(path, tmp_path, key):
    lines, heads = path.read_bytes().splitlines(keepends=True), read_heads(heads_of(path))
    forged = [replace(heads[0], ts="2026-01-06T08:00:00.000000Z"), *heads[1:]]
    assert found(lines, forged, key) == {1}
    assert found(lines, heads, SiteKey.of_site(tmp_path / "other.key")) == {1, 2, 4, 5, 7, 9}


def test_what_stays_unseen_is_said(path, key):
    heads = read_heads(heads_of(path))[:3]
    assert "whether lines after 4 were cut off" in verify(path, heads=heads, key=key.public).not_checked[0]
    assert "--key site.pub" in verify(path, heads=heads).not_checked[-1]


def test_what_is_no_head_is_refused_with_its_line(path, tmp_path):
    heads_of(path).write_bytes(heads_of(path).read_bytes().replace(b'"seq":2', b'"seq":"2"'))
    with pytest.raises(AuditError, match=r"audit\.heads, line 2 is no head"):
        read_heads(heads_of(path))
    with pytest.raises(AuditError, match="cannot be read"):
        read_heads(tmp_path / "nothing.heads")


def test_they_go_aside_with_their_record(path, key):
    written(path, [START], key, run_id="run-2")
    assert {h.run for h in read_heads(path.with_name("audit-run-1.heads"))} == {"run-1"}
    assert {h.run for h in read_heads(heads_of(path))} == {"run-2"}


def test_a_head_that_needs_no_parser_is_read_as_one_that_does(path, monkeypatch):
    usual = read_heads(heads_of(path))
    monkeypatch.setattr(signed_heads, "_USUAL", lambda line: None)
    assert read_heads(heads_of(path)) == usual
    line = heads_of(path).read_bytes().splitlines(keepends=True)[0]
    for other in (line.replace(b'"v":1', b'"v":2'), line.replace(b'"seq":1', b'"seq":01'), line.replace(b",", b", ")):
        monkeypatch.undo()
        heads_of(path).write_bytes(other)
        with pytest.raises(AuditError, match="is no head"):
            read_heads(heads_of(path))
