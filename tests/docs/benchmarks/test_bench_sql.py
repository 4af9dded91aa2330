"""`benchmarks/bench_sql.py` in its short form: 1 % of a rig's minutes, both kinds of database, none lost or doubled."""

import importlib
import json
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
N_ROWS = 24 * round(28 * 1440 * 0.01)


def test_it_prints_its_rates_and_doubles_nothing(postgres_url, tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(BENCHMARKS)
    bench = importlib.import_module("bench_sql")
    out = tmp_path / "sql.txt"
    monkeypatch.setattr(sys, "argv", ["bench_sql.py", "--postgres", postgres_url, "--out", str(out)])
    assert bench.main() == 0
    printed = capsys.readouterr().out
    assert printed == out.read_text(encoding="utf-8")
    result = json.loads(printed.splitlines()[-1])
    for kind in ("SQLite", "PostgreSQL"):
        found = result[kind]
        assert (found["rows"], found["doubled"], found["vessels"]) == (N_ROWS, 0, 24)
        assert min(found[key] for key in ("rows_per_s", "read_rows_per_s", "records_per_s")) > 0
    for _, label, _ in bench.ROWS:
        assert label in printed


def test_the_kept_figures_are_of_the_full_mode():
    lines = (BENCHMARKS / "results" / "sql.txt").read_text(encoding="utf-8").splitlines()
    result = json.loads(lines[-1])
    assert result["mode"] == "full"
    assert result["SQLite"]["rows"] == result["PostgreSQL"]["rows"] == 24 * 28 * 1440
    assert result["SQLite"]["doubled"] == result["PostgreSQL"]["doubled"] == 0
