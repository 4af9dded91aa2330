"""`benchmarks/bench_long.py` in its short form."""

import importlib
import json
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


def test_it_prints_what_a_sample_and_a_resume_cost(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(BENCHMARKS)
    bench = importlib.import_module("bench_long")
    monkeypatch.setattr(bench, "QUICK", (60, 200))
    monkeypatch.setattr(bench, "model_s", lambda n: 0.1)  # slow, and measured in the full mode
    out = tmp_path / "long.txt"
    monkeypatch.setattr(sys, "argv", ["bench_long.py", "--out", str(out)])
    assert bench.main() == 0
    printed = capsys.readouterr().out
    assert printed == out.read_text(encoding="utf-8")
    result = json.loads(printed.splitlines()[-1])
    assert list(result["ms_per_sample"]) == ["60", "200"]
    assert min(result["ms_per_sample"].values()) > 0
    assert result["resume_s"] > 0
    assert result["records"] > 5 * 200
    for words in ("loop and record", "real model and decision", "200 samples beside 60", "resume of"):
        assert words in printed
