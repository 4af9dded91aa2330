"""Table of PerfusionBench, and the hash by which two tables are known to be equal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256

import numpy as np

from perfusio.study.bench.bench_run import BenchScores
from perfusio.study.bench.cohort import SCENARIOS
from perfusio.study.running.task import Row
from perfusio.study.scenarios.study_summary import bootstrap

DIGITS = 4
REFERENCE = "pi"
"""Controller that others are compared with, culture by culture."""
_HASHED = ("family", "number", "scenario")


def rounded(value: object) -> object:
    """Return a number to DIGITS significant digits: further ones differ between processors."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return float(f"{value:.{DIGITS}g}") if value == value else None


def results_hash(rows: Sequence[Row]) -> str:
    """Return the hash of all results, rounded, in the order of their cultures; of numbers only, not of names."""
    plain = [
        {k: rounded(v) for k, v in row.items() if not isinstance(v, list)} for row in sorted(rows, key=_place)
    ]
    return sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:12]


def score_table(scores: BenchScores) -> list[list[str]]:
    """Return a line for each controller, the first line holds the titles.

    The gap is the RMS error of the density less that of the oracle in the same culture [points]; all else is a mean
    over cultures.
    """
    best = {_place(row): float(row["error_pct"]) for row in scores.oracle}
    lines = [
        ["controller", "cultures", "gap [points]", "95 % of the mean", "median", "minus pi", "days broken", "moves/day",
         "variation/day", "medium [VVD]", "inside 80 %", "withheld", "results"]
    ]  # fmt: skip
    everybody = {"oracle": scores.oracle, **scores.controllers}
    for name, rows in everybody.items():
        gap = np.array([float(row["error_pct"]) - best[_place(row)] for row in rows if _place(row) in best])
        if not gap.size:
            continue
        low, high = bootstrap(gap)
        means = {k: _mean(rows, k) for k in ("violated_days", "moves", "variation", "perfused", "inside", "withheld")}
        lines.append(
            [
                name, str(len(rows)), f"{gap.mean():.2f}", f"{low:.2f} to {high:.2f}", f"{np.median(gap):.2f}",
                _against(rows, scores.controllers.get(REFERENCE, [])) if name not in (REFERENCE, "oracle") else "",
                f"{means['violated_days']:.2f}", f"{means['moves']:.2f}", f"{means['variation']:.3f}",
                f"{means['perfused']:.3f}", "-" if np.isnan(means["inside"]) else f"{100 * means['inside']:.0f} %",
                f"{means['withheld']:.1f}", results_hash(rows),
            ]
        )  # fmt: skip
    return lines


def scenario_table(scores: BenchScores) -> list[list[str]]:
    """Return the mean gap of each controller in each scenario [points]."""
    best = {_place(row): float(row["error_pct"]) for row in scores.oracle}
    lines = [["controller", *SCENARIOS]]
    for name, rows in scores.controllers.items():
        cells = []
        for scenario in SCENARIOS:
            gap = [float(r["error_pct"]) - best[_place(r)] for r in rows if r["scenario"] == scenario]
            cells.append(f"{np.mean(gap):.2f}" if gap else "-")
        lines.append([name, *cells])
    return lines


def _against(rows: Sequence[Row], reference: Sequence[Row]) -> str:
    """Return the mean paired difference of the error from that of the reference, with its interval."""
    theirs = {_place(row): float(row["error_pct"]) for row in reference}
    off = np.array([float(row["error_pct"]) - theirs[_place(row)] for row in rows if _place(row) in theirs])
    if not off.size:
        return ""
    low, high = bootstrap(off)
    return f"{off.mean():+.2f} ({low:+.2f} to {high:+.2f})"


def _mean(rows: Sequence[Row], name: str) -> float:
    values = np.array([np.nan if row[name] is None else float(row[name]) for row in rows])
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _place(row: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(str(row[name]).zfill(4) for name in _HASHED)
