"""Tables and verdicts of bench_foreign from the pairs of its cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from perfusio.hybrid.scores.scoreboard import aligned

HYBRID, STEP_MORE = "hybrid", "step-GP, 20 runs"
MIN_PAIRS, N_BOOT = 10, 400
WORST, MEAN, CRPS = 1.10, 1.02, 1.05
FOREIGN = ("plant Y", "third structure")
"""Sets on which the model is held against a rival with 20 runs (done-when 2)."""

Cell = dict[str, np.ndarray]


def cells(results: Sequence[tuple[Any, Mapping[str, Any]]]) -> dict[tuple[str, str, str], Cell]:
    """Return by (set, horizon, species) the pairs of each forecaster over the sd of the species in its case, (N, 6)."""
    found: dict[tuple[str, str, str], dict[str, list[np.ndarray]]] = {}
    for k, (case, result) in enumerate(results):
        for name, by_horizon in result.get("pairs", {}).items():
            for horizon, by_species in by_horizon.items():
                for species, rows in by_species.items():
                    sd = float(np.std(result["values"][species]))
                    if sd <= 0.0:
                        continue
                    a = np.array(rows)
                    a[:, 0] += 1000.0 * k
                    a[:, [1, 2, 5]] /= sd
                    found.setdefault((case.group, horizon, species), {}).setdefault(name, []).append(a)
    return {key: {name: np.concatenate(v) for name, v in of.items()} for key, of in found.items()}


def _rms(rows: np.ndarray, column: int = 1) -> float:
    kept = rows[np.isfinite(rows[:, column]), column]
    return float(np.sqrt(np.mean(kept**2))) if len(kept) else np.nan


def _mean(values: np.ndarray) -> float:
    kept = values[np.isfinite(values)]
    return float(kept.mean()) if len(kept) else np.nan


def ratio(cell: Cell, rng: np.random.Generator) -> tuple[float, float, float, str]:
    """Return the hybrid's rmse over that of its best rival, the ends of its 95 % interval by runs, and the rival."""
    rivals = {n: _rms(r) for n, r in cell.items() if n not in (HYBRID, STEP_MORE) and len(r) == len(cell[HYBRID])}
    best = min(rivals, key=lambda n: (not np.isfinite(rivals[n]), rivals[n]))
    ours, theirs = cell[HYBRID], cell[best]
    runs = np.unique(ours[:, 0])
    mine, other = (np.array([np.sum(a[a[:, 0] == r, 1] ** 2) for r in runs]) for a in (ours, theirs))
    some = rng.integers(len(runs), size=(N_BOOT, len(runs)))
    drawn = np.sqrt(mine[some].sum(axis=1) / np.maximum(other[some].sum(axis=1), 1e-12))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return _rms(ours) / max(_rms(theirs), 1e-9), float(low), float(high), best


def tables(results: Sequence[tuple[Any, Mapping[str, Any]]]) -> list[str]:
    """Return a row per set and horizon: mean rRMSE of each forecaster over species, and how the hybrid's spread did."""
    all_cells = cells(results)
    names = list(dict.fromkeys(n for c in all_cells.values() for n in c))
    keys = list(dict.fromkeys((g, h) for g, h, _ in all_cells if h.isdigit()))
    rows = [["set", "days", "pairs", *names, "ratio", "80 %", "90 %", "CRPS", "best CRPS"]]
    rng = np.random.default_rng(0)
    for group, horizon in keys:
        of = [c for (g, h, _), c in all_cells.items() if (g, h) == (group, horizon) and HYBRID in c]
        if not of:
            continue
        ours = np.concatenate([c[HYBRID] for c in of])
        logs = [np.log(max(ratio(c, rng)[0], 1e-9)) for c in of if len(c) > 1]
        best = [np.nanmin([_mean(r[:, 2]) for n, r in c.items() if n not in (HYBRID, STEP_MORE)]) for c in of
                if len(c) > 1]  # fmt: skip
        rows.append([
            group, horizon, str(len(ours)),
            *(f"{np.mean(r):.3f}" if (r := [_rms(c[n]) for c in of if n in c]) else "-" for n in names),
            f"{np.exp(np.mean(logs)):.2f}" if logs else "-",
            f"{100 * ours[:, 3].mean():.0f}", f"{100 * ours[:, 4].mean():.0f}",
            f"{np.mean([c[HYBRID][:, 2].mean() for c in of]):.3f}", f"{np.mean(best):.3f}" if best else "-",
        ])  # fmt: skip
    lines = ["", "rRMSE, mean over species; ratio = geometric mean over species of rmse / best rival's", aligned(rows)]
    bad = sorted(((r, key, len(c[HYBRID])) for key, c in all_cells.items() if key[1].isdigit() and len(c) > 1
                  and len(c[HYBRID]) >= MIN_PAIRS and (r := ratio(c, rng))[1] > WORST), reverse=True)  # fmt: skip
    lines += ["", f"Cells wholly above {WORST:g} times the best rival: {len(bad)}"]
    lines += [f"  {g}, {h} d, {q}: {r[0]:.2f} ({r[1]:.2f} to {r[2]:.2f}) x {r[3]}" for r, (g, h, q), _ in bad[:40]]
    return lines


def summary(results: Sequence[tuple[Any, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return the figures of done-when 1 and 2."""
    rng, ratios, worse, crps = np.random.default_rng(0), [], 0, []
    more: list[float] = []
    for (group, horizon, _), c in cells(results).items():
        if not horizon.isdigit() or HYBRID not in c or len(c) < 2 or len(c[HYBRID]) < MIN_PAIRS:
            continue
        found = ratio(c, rng)
        ratios.append(found[0])
        worse += found[1] > WORST
        best = min(m for n, r in c.items() if n not in (HYBRID, STEP_MORE) and np.isfinite(m := _mean(r[:, 2])))
        crps.append((float(np.nanmean(c[HYBRID][:, 2])), best))
        if group in FOREIGN and STEP_MORE in c:
            more.append(_rms(c[HYBRID]) / max(_rms(c[STEP_MORE]), 1e-9))
    if not ratios:
        return {"cells": 0, "must": False}
    mean = float(np.exp(np.mean(np.log(np.maximum(ratios, 1e-9)))))
    spread = float(np.mean([a for a, _ in crps]) / np.mean([b for _, b in crps]))
    foreign = float(np.exp(np.mean(np.log(more)))) if more else None
    return {
        "cells": len(ratios), "cells_worse": int(worse), "geometric_mean": round(mean, 4),
        "crps_ratio": round(spread, 4), "foreign_8_over_step_gp_20": None if foreign is None else round(foreign, 4),
        "must": bool(worse == 0 and mean <= MEAN and spread <= CRPS and (foreign is None or foreign <= 1.0)),
    }  # fmt: skip
