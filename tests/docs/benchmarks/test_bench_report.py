"""`benchmarks/bench_report.py`: it counts every cell, and a number that is not the record's is found."""

import importlib
from pathlib import Path

import pytest

from perfusio.record.audit_logger import AuditLogger
from perfusio.report.page.report import report_html
from perfusio.testing import ManualClock

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("bench_report")


def test_a_number_a_setpoint_and_a_reason_that_differ_are_found(bench, tmp_path):
    record = tmp_path / "audit.jsonl"
    with AuditLogger(record, clock=ManualClock()) as log:
        for event in bench.events(2, 1):
            log.append(event)
    page = report_html(record)
    n, n_wrong = bench.differing(page, record)
    assert (n, n_wrong) == (4 * (1 + 10 + 6) + 4, 0)  # rows of day, species, setpoints; reasons
    for right, other in (("<td>97.0</td>", "<td>96.0</td>"), ("<td>36.5</td>", "<td>35.5</td>"), ("29.8", "28.9")):
        assert right in page
        assert bench.differing(page.replace(right, other, 1), record)[1] == 1
    assert bench.differing(page.replace("<tr><td>1</td>", "<tr>", 1), record)[1] > 0
