"""Any edited byte, any missing, added, doubled or moved line of a record is found."""

import json
import random
from hashlib import sha256
from io import BytesIO
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfusio.errors import ChainBroken
from perfusio.events import (
    ConnectorFailed,
    Forecasted,
    ModelConditioned,
    RunEnded,
    RunStarted,
    SampleMissing,
    SampleRead,
    SetpointsWritten,
    Withheld,
    WriteIntended,
)
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.verification.verify import read_lines, verify_lines
from perfusio.state import Setpoints
from perfusio.testing import ManualClock, make_state

SETPOINTS = Setpoints(perfusion_rate=1.0, bleed_rate=0.15)
EVENTS = (
    RunStarted(config={"seed": 0}, versions={"numpy": "2"}, sources={"R01": "run.csv"}),
    SampleRead(reactor="R01", turn=0, state=make_state(day=0), in_force=SETPOINTS, assumed=("agitation",)),
    ModelConditioned(reactor="R01", turn=0, model_id="4c1d"),
    WriteIntended(reactor="R01", turn=0, key="run:R01:0:0", old=SETPOINTS, new=SETPOINTS),
    SetpointsWritten(reactor="R01", turn=0, key="run:R01:0:0", asked=SETPOINTS, acknowledged=SETPOINTS),
    SampleMissing(reactor="R01", turn=1, expected_h=24.0, reason='It says "none",\nin 2 lines, at 37 °C.'),
    Forecasted(reactor="R01", turn=1, hold={"mean": {"vcd": [20.5, 21.0]}}, model_id="4c1d"),
    Withheld(reactor="R01", turn=1, action="hold", because=("No sample.",)),
    ConnectorFailed(reactor="R01", turn=2, operation="read"),
    SampleMissing(reactor="R01", turn=2, expected_h=48.0),
    SampleMissing(reactor="R01", turn=3, expected_h=72.0),
    RunEnded(outcome="completed", n_samples=1, n_decisions=1),
)


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "audit.jsonl"
    clock = ManualClock()
    with AuditLogger(path, clock=clock, run_id="run-1") as log:
        for event in EVENTS:
            log.append(event)
            clock.advance(hours=1)
    data = path.read_bytes()
    assert verify_lines(BytesIO(data)).is_intact
    return data


def is_found(data):
    try:
        for _ in read_lines(BytesIO(data), source="record"):
            pass
    except ChainBroken:
        return True
    return False


@pytest.mark.parametrize("mask", [0x01, 0x20])
def test_every_edited_byte_is_found(record, mask):
    data = bytearray(record)
    unseen = []
    for i in range(len(data)):
        data[i] ^= mask
        if not is_found(data):
            unseen.append(i)
        data[i] ^= mask
    assert not unseen


def test_any_edit_of_any_byte_is_found(record):
    rng = random.Random(0)
    for _ in range(2000):
        data = bytearray(record)
        i = rng.randrange(len(data))
        data[i] ^= rng.randrange(1, 256)
        assert is_found(data), i


def test_every_cut_is_found_or_shows_as_an_unfinished_run(record):
    ends = {i + 1 for i, byte in enumerate(record) if byte == 0x0A}
    for n in range(len(record)):
        report = verify_lines(BytesIO(record[:n]))
        n_whole = sum(end <= n for end in ends)
        assert not report.is_finished
        assert report.is_intact == (n in ends), n
        assert report.n_records == n_whole


def test_every_byte_removed_or_added_is_found(record):
    for i in range(0, len(record), 7):
        assert is_found(record[:i] + record[i + 1 :]), i
        assert is_found(record[:i] + b" " + record[i:]), i
        assert is_found(record[:i] + b"\n" + record[i:]), i


def lines_of(record):
    return record.splitlines(keepends=True)


def test_every_line_removed_doubled_or_put_elsewhere_is_found(record):
    lines = lines_of(record)
    n = len(lines)
    assert n == 12
    for i in range(n - 1):  # without the last line it is a run that has not ended
        assert is_found(b"".join(lines[:i] + lines[i + 1 :])), i
    assert not verify_lines(lines[:-1]).is_finished
    for i in range(n):
        assert is_found(b"".join([*lines[:i], lines[i], *lines[i:]])), i
    for i, j in combinations(range(n), 2):
        swapped = list(lines)
        swapped[i], swapped[j] = swapped[j], swapped[i]
        assert is_found(b"".join(swapped)), (i, j)
        moved = list(lines)
        moved.insert(j, moved.pop(i))
        assert is_found(b"".join(moved)), (i, j)


def test_an_edit_under_a_new_hash_breaks_the_next_line(record):
    lines = lines_of(record)
    for i in range(len(lines) - 1):
        fields = json.loads(lines[i])
        fields |= {"reason": "Another story."}
        del fields["hash"]
        body = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
        fields["hash"] = sha256(body).hexdigest()
        forged = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        problems = verify_lines([*lines[:i], forged, *lines[i + 1 :]]).problems
        assert [p.line for p in problems] == [i + 2]


def test_a_line_of_another_run_is_found(record, tmp_path):
    with AuditLogger(tmp_path / "audit.jsonl", clock=ManualClock(), run_id="run-2") as log:
        for event in EVENTS:
            log.append(event)
    foreign = lines_of((tmp_path / "audit.jsonl").read_bytes())
    lines = lines_of(record)
    for i in range(len(lines)):
        assert is_found(b"".join([*lines[:i], foreign[i], *lines[i + 1 :]]))
        assert is_found(b"".join([*lines[:i], foreign[i], *lines[i:]]))


def test_state_hashes_follow_from_the_record_with_the_standard_library(record):
    fields = [json.loads(line) for line in lines_of(record)]
    with_state = [f for f in fields if "state" in f["payload"]]
    assert with_state
    for f in with_state:
        state = json.dumps(f["payload"]["state"], sort_keys=True, separators=(",", ":"))
        assert f["state_sha256"] == sha256(state.encode()).hexdigest()


@given(reason=st.text(), key=st.text())
def test_any_text_is_recorded_as_one_line_and_comes_back(tmp_path_factory, reason, key):
    path = tmp_path_factory.mktemp("run") / "audit.jsonl"
    with AuditLogger(path) as log:
        log.append(RunStarted(config={key: reason}, versions={}, sources={}))
        log.append(SampleMissing(expected_h=24.0, reason=reason))
    first, second = read_lines(BytesIO(path.read_bytes()), source="record")
    assert (first.payload["config"], second.reason) == ({key: reason}, reason)
