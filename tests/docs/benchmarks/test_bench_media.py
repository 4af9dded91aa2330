"""`make bench-media` in its short form: both tables are there, wrong media are named, right ones are not."""

import json
from pathlib import Path

from ..programs import ran

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


def test_in_short_it_prints_both_tables_and_names_what_is_wrong(tmp_path):
    done = ran(BENCHMARKS / "bench_media.py", "--out", tmp_path / "media.txt")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "media.txt").read_text(encoding="utf-8") == done.stdout
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found["error_ratios"]) == {*found["named_within_5"], "Y-GS46, its own"}
    assert all(int(said.split("/")[0]) >= 2 for said in found["named_within_5"].values())
    assert found["false_claims"] == "0/4"
    assert all(ratio > 0.0 for of in found["error_ratios"].values() for by in of.values() for ratio in by.values())
    assert "1 day(s) ahead" in done.stdout
