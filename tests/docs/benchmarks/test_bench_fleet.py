"""`make bench-fleet` in its short form: trouble changes nothing, the tables are there; and its figures are right."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from perfusio.hybrid.layout import layout_of

from ..programs import ran

LOG_SD = layout_of().log_sd

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def part(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


def test_in_short_it_prints_all_tables_and_trouble_changes_nothing(tmp_path):
    done = ran(BENCHMARKS / "bench_fleet.py", "--jobs", "1", "--out", tmp_path / "fleet.txt")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "fleet.txt").read_text(encoding="utf-8") == done.stdout
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["same"] == {"hangs": True}
    assert found["must"] == {"one vessel's trouble changes no bit of what is decided for the others": True}
    assert set(found["costs"]) == {"1", "2"}
    assert 0.0 < found["costs"]["2"]["total"] < 5.0
    assert all(0.0 < error < 100.0 for errors in found["errors_pct"].values() for error in errors)
    assert set(found["transfer"]["rrmse"]) == {
        "transfer", "pooled, no identity", "new clone alone", "no run of the new clone",
    }  # fmt: skip
    assert set(found["history"]["errors_pct"]) == {"newcomer"}
    assert set(found["took_s"]) == {"fleets", "trouble", "transfer", "history"}


def a_fleet(part, n, seed=801, cpu=2.0, error=0.05):
    runs = part("fleet_runs")
    errors = {f"R{i:02d}": error for i in range(1, n + 1)}
    return runs.Ran(runs.Job(seed, n, 10), errors, {"decide": cpu}, (cpu, 0.1, 0.0), (False, True, False), 1.0, 0.5)


def test_costs_are_per_vessel_and_day(part):
    found = part("fleet_report").cost([a_fleet(part, 4, cpu=2.0), a_fleet(part, 4, cpu=6.0), a_fleet(part, 4, cpu=4.0)])
    assert found == {"decide": 0.1, "total": 0.1, "record_mb": 0.0125}


def test_errors_are_medians_by_seed(part):
    runs = [a_fleet(part, 2, error=0.02), a_fleet(part, 1, error=0.08), a_fleet(part, 1, seed=802, error=0.04)]
    assert part("fleet_report").medians(runs, [801, 802]) == [2.0, 4.0]


def test_a_difference_is_said(part):
    told = part("fleet_report").of_trouble({"absent": ("a", 10), "hangs": ("a", 10), "raises": ("b", 10)})
    assert [line.split()[-1] for line in told.lines[2:]] == ["bit", "DIFFERENT"]
    assert [check.holds for check in told.checks] == [False]
    assert told.checks[0].line().endswith("NO")


def test_what_must_hold_of_fleets_can_fail(part):
    report, n = part("fleet_report"), 24

    def checks(cpu, error):
        alone = [a_fleet(part, 1, cpu=1.0, error=0.05) for _ in range(n)]
        others = [a_fleet(part, 6, cpu=5.0), a_fleet(part, 96, cpu=500.0)]  # what 96 cost is printed and not judged
        return [c.holds for c in report.of_fleets([a_fleet(part, n, cpu=cpu, error=error)], alone, others).checks]

    assert checks(12.0, 0.04) == [True, True, False, True]  # all in one day, which takes longer than is aimed at
    assert checks(21.0, 0.04)[:2] == [False, True]
    assert checks(12.0, 0.06)[:2] == [True, False]


def a_pair(part, number, transfer=0.10, pooled=0.20, alone=0.15, zero_width=1.2):
    pairs = part("transfer_pairs")
    scores = dict(zip(pairs.NAMES, (transfer, pooled, alone, 0.3), strict=True))
    widths = dict(zip(pairs.NAMES, (0.5, 0.5, 1.0, zero_width), strict=True))
    rates, true = 0.05 * number * LOG_SD, np.full(4, 1.0 * number)
    return pairs.Pair(
        number=number, rrmse=scores, coverage=scores, width=widths, is_alone=False, log_factors=rates, true=true
    )


@pytest.mark.parametrize(
    ("changed", "held"),
    [
        ({}, [True, True, True, True, True]),
        ({"transfer": 0.18}, [True, False, False, True, True]),
        ({"pooled": 0.09}, [False, True, False, True, True]),
        ({"zero_width": 0.4}, [True, True, True, False, True]),
    ],
)
def test_what_must_hold_of_pairs_can_fail(part, changed, held):
    told = part("transfer_pairs").told([a_pair(part, i, **changed) for i in range(10)])
    assert [check.holds for check in told.checks] == held
    assert told.figures["transfer"]["placed"] > 0.95  # equal distances are not equal in the last bit


def test_starts_are_compared_clone_by_clone(part):
    runs = part("history_runs")
    jobs = [runs.Start(runs.QUICK, clone, start, 8) for clone in (1, 3, 5) for start in runs.STARTS]
    errors = [20.0, 4.0, 50.0, 10.0, 12.0, 9.0, 30.0, 5.0, 4.0]
    told = runs.told(jobs, [runs.Held(e, 0.0) for e in errors])
    assert told.figures["history"]["errors_pct"] == {"cold": 20.0, "newcomer": 5.0, "pooled": 9.0}
    assert [check.holds for check in told.checks] == [True, True]
    assert [check.kind for check in told.checks] == ["Aim", "Aim"]
    worse = runs.told(jobs, [runs.Held(e, 0.0) for e in (*errors[:-2], 50.0, 4.0, *errors[9:])])
    assert worse.figures["history"]["errors_pct"]["newcomer"] == 12.0
    assert [check.holds for check in worse.checks] == [True, False]


def test_one_pair_in_ten_may_be_worse(part):
    pairs = part("transfer_pairs")
    bad = [a_pair(part, i, transfer=0.16) for i in range(2)]
    good = [a_pair(part, i) for i in range(2, 10)]
    nine, eight = (pairs.told([*bad[:n], *good, *good[: 2 - n]]) for n in (1, 2))
    assert (nine.checks[2].found, eight.checks[2].found) == ("9 >= 9 of 10", "8 >= 9 of 10")
    assert (nine.checks[2].holds, eight.checks[2].holds) == (True, False)
