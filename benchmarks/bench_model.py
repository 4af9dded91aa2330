"""How good, how sure and how dear is the model? `python benchmarks/bench_model.py [--full] [--out FILE]`.

Training: a Box-Behnken design of perfusion rate, bleed rate, glucose setpoint and temperature with 3 centre points, 27
runs of 28 days with the usual noise and 5 % missing, and the first 3, 6 and 12 of its randomised order; twelve random
clones, one per seed. Test runs are measured with the same noise, forecast from their first sample and from every third
day's history, and scored against the truth: rRMSE = rmse / sd of the true test values, by species; clones are pooled
by the root mean square, coverage by the mean. Nothing was chosen on these clones and seeds (`model_cases` says on
which it was). Costs are CPU seconds of this process on one thread, the accuracy is measured in two worker processes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

import model_report as report
from machine import stamp
from model_cases import FOR_CHOOSING, REPORTED, Experiment, experiment
from model_costs import beside_library, extension, forecast_s, growth
from model_scores import Outcome, Scored, score_training_set


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is measured.

    Attributes:
        clones: Numbers of random clones.
        days: Length of all runs.
        n_tests: Test runs of each kind and clone.
        n_beside: Clones on which the library GP is fitted beside the pipeline.
        sizes: Training runs.
        n_paths: Per forecast that is scored.
        growing: Runs of which the cost of a fit is measured; the last one's twin day too.
        n_vessels: Whose forecast is timed.
        n_extended: Rows to which new ones are added.
        is_full: Whether the library's search goes on until it stops by itself.
        repeats: Of the forecast that is timed; fits are timed once per clone. Medians are printed.
    """

    clones: Sequence[int]
    days: int
    n_tests: int
    n_beside: int
    sizes: Sequence[int]
    n_paths: int
    growing: Sequence[int]
    n_vessels: int
    n_extended: int
    repeats: int
    is_full: bool


FULL = Extent(
    clones=REPORTED,
    days=28,
    n_tests=6,
    n_beside=3,
    sizes=(3, 6, 12, 27),
    n_paths=256,
    growing=(7, 27, 54, 107, 180),
    n_vessels=24,
    n_extended=756,
    repeats=3,
    is_full=True,
)
QUICK = Extent(
    clones=FOR_CHOOSING,
    days=7,
    n_tests=3,
    n_beside=1,
    sizes=(6,),
    n_paths=32,
    growing=(1, 2),
    n_vessels=2,
    n_extended=100,
    repeats=1,
    is_full=False,
)


def progress(line: str) -> None:
    """Say on stderr what is done; the tables stay clean."""
    print(line, file=sys.stderr, flush=True)


def scored(extent: Extent, experiments: dict[int, Experiment]) -> list[Scored]:
    """Score every training set of every clone, in two processes; the dearest first, so that both end together."""
    jobs = [(c, experiments[c], n, extent.n_paths) for n in sorted(extent.sizes, reverse=True) for c in extent.clones]
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"  # for the workers: with two threads each they would fight over two cores
    done: list[Scored] = []
    with ProcessPoolExecutor(min(2, len(jobs)), mp_context=multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(score_training_set, job) for job in jobs]):
            done.append(future.result())
            progress(f"{len(done)} of {len(jobs)}: {done[-1].n_runs} runs of Random{done[-1].number} scored")
    return done


def measured_costs(extent: Extent, experiments: dict[int, Experiment], results: Sequence[Scored]) -> report.Costs:
    """Measure what things cost, one after the other in this process."""
    beside, largest = [], max(extent.sizes)
    for number, one in list(experiments.items())[: extent.n_beside]:
        beside.append(beside_library(one, largest, is_full=extent.is_full))
        progress(f"Random{number}: pipeline {beside[-1].hybrid_s:.2f} s, library {beside[-1].library_s:.1f} s")
    first = experiments[extent.clones[0]]
    vessels = first.training[: extent.n_vessels]
    return report.Costs(
        beside=beside,
        n_vessels=len(vessels),
        forecast_s=float(np.median([forecast_s(beside[0].model, vessels) for _ in range(extent.repeats)])),
        growth=growth(first.clone, extent.growing, days=extent.days, on_size=progress),
        extension=extension(extent.n_extended),
        fit_s={n: float(np.median([s.fit_cpu_s for s in results if s.n_runs == n])) for n in extent.sizes},
        calibration_s={
            n: float(np.median([s.calibration_cpu_s for s in results if s.n_runs == n])) for n in extent.sizes
        },
    )


def pooled(results: Sequence[Scored]) -> dict[int, dict[str, Outcome]]:
    """Take the clones together, by training size and kind of test run."""
    out = {}
    for n in sorted({s.n_runs for s in results}):
        alike = sorted((s for s in results if s.n_runs == n), key=lambda s: s.number)
        out[n] = {kind: Outcome.pooled([s.outcomes[kind] for s in alike]) for kind in alike[0].outcomes}
    return out


def _medians(results: Sequence[Scored], name: str) -> dict[int, float]:
    """Return the median over clones of an attribute, by training runs."""
    return {
        n: float(np.median([getattr(s, name) for s in results if s.n_runs == n])) for n in {s.n_runs for s in results}
    }


def main() -> int:
    """Measure, print tables, promises and one line of JSON; return 1 if a Must is missed in full mode."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--full", action="store_true", help="12 clones, 4 training sizes, 48 test runs a kind (half an hour)"
    )
    parser.add_argument("--out", type=Path, help="write what is printed to this file too")
    parser.add_argument(
        "--clones", type=int, nargs="+", metavar="N", help="others than 101 to 116, to look while choosing"
    )
    args = parser.parse_args()
    extent = FULL if args.full else QUICK
    extent = replace(extent, clones=args.clones or extent.clones)
    experiments = {c: experiment(c, days=extent.days, n_tests=extent.n_tests) for c in extent.clones}
    results = scored(extent, experiments)
    with threadpool_limits(limits=1):
        costs = measured_costs(extent, experiments, results)
    outcomes = pooled(results)
    promises = report.checks(outcomes, costs)
    lines = [
        stamp(),
        f"clones {', '.join(f'Random{c}' for c in extent.clones)}; runs of {extent.days} days; {extent.n_paths} paths; "
        f"{extent.n_tests * len(extent.clones)} test runs of each kind"
        + ("" if args.full else "; too few to judge by"),
        *report.kinds(),
        "",
        "rRMSE = rmse / sd of the true test values; 0 is exact, 1 is their mean",
        *(line for n, by in outcomes.items() for kind, o in by.items() for line in report.accuracy_table(n, kind, o)),
        "Coverage of the truth [%]; width of the 80 % interval",
        *(line for n in report.JUDGED if n in outcomes for line in report.coverage_table(n, outcomes[n])),
        "CPU seconds, one thread",
        *report.cost_lines(costs),
        f"{'':97}{'figure':>9}  limit      met",
        *(promise.line() for promise in promises),
    ]
    is_met = all(p.is_met for p in promises if p.rank == "Must")
    if args.full:
        lines.append(f"every Must holds: {'yes' if is_met else 'NO'}")
    figures = report.to_json(outcomes, costs) | {"checks": [p.to_json() for p in promises]}
    lines.append(json.dumps({"bench": "model", "full": args.full, **figures}))
    print("\n".join(lines))
    if args.out:
        args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if is_met or not args.full else 1


if __name__ == "__main__":
    sys.exit(main())
