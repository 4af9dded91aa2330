"""The reference page of the record: its tables are the types, its code runs."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from perfusio.events import EVENTS, RunEnded, RunStarted, SampleRead
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.line import Record
from perfusio.record.verification.schema import members
from perfusio.record.verification.verify import NOT_CHECKED
from perfusio.state import Setpoints
from perfusio.testing import ManualClock, make_state

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "audit-record.md").read_text(encoding="utf-8")


def test_every_field_has_its_row_in_order():
    rows = re.findall(r"^\| `(\w+)` \| ", PAGE.partition("## The events")[0], flags=re.MULTILINE)
    assert rows == [f.name for f in fields(Record)]


def test_the_table_of_events_is_the_list_of_events():
    rows = []
    for name, cls in EVENTS.items():
        payload = ", ".join(f"`{member}`" for member in members(name)[0])
        rows.append(f"| `{name}` | {payload} | {cls.__doc__.partition(chr(10))[0]} |")
    expected = "\n".join(["| event | payload | meaning |", "|---|---|---|", *rows])
    assert f"\n{expected}\n\n" in PAGE, f"the table should be\n{expected}"


def test_there_is_one_blind_spot_for_each_that_verify_names():
    assert PAGE.partition("## What a chain")[2].partition("Against")[0].count("\n- **") == len(NOT_CHECKED)


@pytest.fixture
def run_dir(tmp_path):
    with AuditLogger(tmp_path / "audit.jsonl", clock=ManualClock()) as log:
        log.append(RunStarted(config={"target": "30 µ"}, versions={}, sources={}))
        log.append(SampleRead(reactor="R01", turn=0, state=make_state(day=0), in_force=Setpoints(), reason="37 °C"))
        log.append(RunEnded(outcome="completed", n_samples=1, n_decisions=0))
    return tmp_path, log.head


def by_hand(folder):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    return subprocess.run([sys.executable, "-I", "-c", code], cwd=folder, capture_output=True, text=True)


def test_a_record_can_be_verified_by_hand(run_dir):
    folder, head = run_dir
    assert by_hand(folder).stdout == f"3 records, head {head}\n"


def test_by_hand_a_changed_record_is_found(run_dir):
    folder, _ = run_dir
    path = folder / "audit.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"vcd":20.0', b'"vcd":21.0'))
    result = by_hand(folder)
    assert result.returncode == 1
    assert "line 2 is not what was written" in result.stderr
