"""Cultures that the model was not made for, beside an afternoon of scikit-learn. `python benchmarks/bench_foreign.py`.

Sets for choosing and for reporting are declared in `foreign_sets.py`. Each case fits the model and its rivals on the
same runs, forecasts other runs from every second day, and keeps error, CRPS and whether intervals held of every pair in
a file of its own: a run that was stopped goes on where it was (`--again` starts anew), and shards (`--shard 1/3`) may
run side by side. Rivals: last value, average run, plain GP, and a GP of the daily change (step-GP), which is also given
20 runs where the model has fewer. rRMSE = rmse over the sd of the test values of a species in its set.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from foreign_report import summary, tables
from foreign_sets import CASES, CHOOSING, REPORTING, Case, Material
from machine import stamp
from perfusio.errors import PerfusioError
from perfusio.hybrid.model import HybridModel
from perfusio.hybrid.rivals.forecasters import BatchAverage, Forecaster, Persistence
from perfusio.hybrid.rivals.plain_gp import PlainGP
from perfusio.hybrid.rivals.step_gp import StepGP
from perfusio.hybrid.scores.scoring import Cases, crps_samples
from perfusio.study.backtest import backtest
from perfusio.trajectory import Trajectory

HYBRID, STEP, STEP_MORE = "hybrid", "step-GP", "step-GP, 20 runs"
KEPT = Path(__file__).resolve().parents[1] / "build" / "foreign"
LEVELS = (0.8, 0.9)


def main() -> int:
    """Run what is not yet there, print the tables and one JSON line; 1 if in full a Must does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the sets for reporting; else a short form")
    parser.add_argument("--choosing", action="store_true", help="the sets for choosing")
    parser.add_argument("--only", default="", help="sets whose name holds this")
    parser.add_argument("--tag", default="now", help="folder of the results, in build/foreign")
    parser.add_argument("--shard", default="1/1", help="which part of the cases, e.g. 2/3")
    parser.add_argument("--again", action="store_true", help="forget results that are there")
    parser.add_argument("--scrambled", action="store_true", help="mechanistic content: wrong balances, fitted again")
    parser.add_argument("--tables", action="store_true", help="print the tables of what is there, run nothing")
    parser.add_argument("--out", type=Path, help="file that gets the same text")
    asked = parser.parse_args()
    cases = [c for c in _chosen(full=asked.full, choosing=asked.choosing) if asked.only in c.group]
    folder = KEPT / asked.tag
    folder.mkdir(parents=True, exist_ok=True)
    shard, n_shards = map(int, asked.shard.split("/"))
    for case in cases[shard - 1 :: n_shards] if not asked.tables else ():
        path = folder / f"{case.key}.json"
        if asked.again or not path.exists():
            start = time.process_time()
            found = measured(case, scrambled=asked.scrambled)
            path.write_text(json.dumps(found), encoding="utf-8")
            print(f"  {case.key}: {time.process_time() - start:.0f} CPU s", file=sys.stderr, flush=True)
    paths = {c.key: folder / f"{c.key}.json" for c in cases}
    results = [(c, json.loads(p.read_text(encoding="utf-8"))) for c in cases if (p := paths[c.key]).exists()]
    lines = [stamp(), *tables(results)]
    found = summary(results)
    text = "\n".join([*lines, json.dumps({"bench": "foreign", "full": asked.full, **found})])
    print(text)
    if asked.out:
        asked.out.write_text(text + "\n", encoding="utf-8")
    return 0 if found["must"] or not asked.full else 1


def _chosen(*, full: bool, choosing: bool) -> Iterator[Case]:
    for case in CASES:
        if case.purpose == (REPORTING if full else CHOOSING) and (full or choosing or case.is_quick):
            yield case


def measured(case: Case, *, scrambled: bool = False) -> dict[str, object]:
    """Return every pair of a case: by forecaster, horizon and species, lists of run, error, CRPS, hits; and scales."""
    material = case.make()
    if material is None:
        return {"skipped": "its data are not on this machine"}
    start = time.process_time()
    forecasters = dict(_learnt(material, scrambled=scrambled))
    fit_s = time.process_time() - start
    seen = np.concatenate([t.values for t in material.training[: material.n]])
    learnt = np.isfinite(seen).sum(axis=0) > 0  # a species that was never measured is not scored
    pairs: dict[str, dict[str, dict[str, list[list[float]]]]] = {}
    start = time.process_time()
    for i, run in enumerate(material.tests):
        true = None if material.truth is None else [material.truth[i]]
        for name, forecaster in forecasters.items():
            try:
                found = backtest({name: forecaster}, [run], truth=true, horizons=case.horizons, every=2, seed=i)
            except PerfusioError:  # a plain GP of other intervals, a run too short
                continue
            for horizon, one in found.cases[name].items():
                _add(pairs.setdefault(name, {}).setdefault(horizon, {}), i, one, run, learnt)
    values = np.concatenate([t.values for t in material.truth or material.tests])
    return {
        "pairs": pairs,
        "values": {q: [v for v in values[:, k].tolist() if np.isfinite(v)]
                   for k, q in enumerate(material.tests[0].panel.species_names)},
        "n": material.n, "fit_cpu_s": fit_s, "forecast_cpu_s": time.process_time() - start,
    }  # fmt: skip


def _learnt(material: Material, *, scrambled: bool) -> Iterator[tuple[str, Forecaster]]:
    runs = material.training[: material.n]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if scrambled:
            from foreign_scrambled import scrambled_prior

            yield HYBRID, Live(scrambled_prior(runs).fit(runs))
            return
        yield HYBRID, Live(HybridModel.of_runs(runs).fit(runs))
        yield "persistence", Persistence()
        yield "average run", BatchAverage.of(runs)
        yield "plain GP", PlainGP.fit(runs)
        yield STEP, StepGP.fit(runs)
        if len(material.training) > material.n:
            yield STEP_MORE, StepGP.fit(material.training)


class Live:
    """The hybrid model as it is used: each run is followed from the fitted model."""

    def __init__(self, fitted: HybridModel) -> None:
        self._fitted = self._model = fitted

    def rollout(self, trajectory: Trajectory, plans, **how):  # type: ignore[no-untyped-def]
        """Forecast as the model does."""
        if len(trajectory.states) == 1:
            self._model = self._fitted
        self._model = self._model.condition([trajectory])
        return self._model.rollout(trajectory, plans, **how)


def _add(into: dict[str, list[list[float]]], run: int, cases: Cases, of: Trajectory, learnt: np.ndarray) -> None:
    samples = cases.point[:, None] if cases.samples is None else cases.samples
    crps = crps_samples(samples, cases.actual)
    ends = [np.percentile(samples, [50 * (1 - a), 50 * (1 + a)], axis=1) for a in LEVELS]
    for q, name in ((q, name) for q, name in enumerate(of.panel.species_names) if learnt[q]):
        for k in range(len(cases.point)):
            actual, point = cases.actual[k, q], cases.point[k, q]
            if np.isfinite(actual):
                held = [float(low[k, q] <= actual <= high[k, q]) for low, high in ends]
                width = float(ends[0][1][k, q] - ends[0][0][k, q])
                row = [float(run), float(point - actual), float(crps[k, q]), *held, width]
                into.setdefault(name, []).append([float(f"{v:.5g}") for v in row])


Results = list[tuple[Case, Mapping[str, object]]]


if __name__ == "__main__":
    sys.exit(main())
