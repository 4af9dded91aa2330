"""`benchmarks/bench_ladder.py` on one day."""

import importlib
import json
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


def test_it_prints_how_a_culture_fares_whose_twin_was_killed(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(BENCHMARKS)
    bench = importlib.import_module("bench_ladder")
    monkeypatch.setattr(bench, "QUICK", (3,))
    monkeypatch.setattr(bench, "CLONES", ("CloneX",))
    monkeypatch.setattr(bench, "AFTER_DAYS", 3)
    out = tmp_path / "ladder.txt"
    monkeypatch.setattr(sys, "argv", ["bench_ladder.py", "--out", str(out)])
    assert bench.main() == 0
    printed = capsys.readouterr().out
    assert printed == out.read_text(encoding="utf-8")
    result = json.loads(printed.splitlines()[-1])
    ((row,), safe) = result["rows"], result["safe"]
    assert (row["clone"], row["day"], safe["fallback"]) == ("CloneX", 3, 1)
    assert row["fallback_viability"] >= 95.0
    assert "fallback: 1 of 1 within 25 %" in printed
