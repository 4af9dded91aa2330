"""What many vessels cost and teach each other: `python benchmarks/bench_fleet.py [--full] [--out FILE]`.

Cost: CPU seconds of the whole twin (plant, model, decisions, record) per vessel and day, cold start, target VCD 30e6
cells/mL; BoTorch is loaded before, for it is no cost of a vessel. With 96 vessels only the first week is run.

Learning: the same vessels (same inoculum, noise, gaps) under one twin that learns from all, and each under a twin of
its own. Errors are of the plant's true state, RMS of VCD / target - 1 from day 7 on: the median over vessels, then over
seeds. These seeds were never used for choosing anything in perfusio.

Trouble: one vessel's connector hangs, raises, or answers nonsense for five days. What is decided for the others must
be that of a run in which its samples of these days are simply absent, to the last bit of setpoints and forecasts.

Transfer: see `transfer_pairs`; `--only transfer` prints this alone.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np

import transfer_pairs
from fleet_runs import BAD_DAYS, TARGET, Job, Ran, decided_beside, run
from machine import stamp
from perfusio.study.fleet import FROM_DAY

SEEDS = range(801, 806)
TROUBLES = ("hangs", "raises", "nonsense")
AIM_DAY_S, AIM_RUN_S = 5.0, 300.0


def main() -> int:
    """Run, print the tables, and return 0 if every Must holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="24 vessels of 28 days and 5 seeds instead of 2 of 8")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--out", type=Path, help="write what is printed to this file too")
    parser.add_argument("--only", choices=["transfer"], help="this section alone")
    args = parser.parse_args()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"  # for the workers: with two threads each they would fight over two cores
    if args.only:
        return of_pairs(args)
    n, days, seeds = (24, 28, [*SEEDS]) if args.full else (2, 8, [SEEDS[0]])
    fleets = [Job(seed, n, days) for seed in seeds]
    others = [Job(seeds[0], 6, 28), Job(seeds[0], 96, 7)] if args.full else []
    alone = [Job(seed, 1, days, first=i) for seed in seeds for i in range(1, n + 1)]
    hit = Job(seeds[0], n, BAD_DAYS[-1] + 2)
    troubles = TROUBLES if args.full else TROUBLES[:1]
    with ProcessPoolExecutor(args.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        ran = [*pool.map(run, fleets + others + alone)]
        ways = ("absent", *troubles)
        digests = dict(zip(ways, pool.map(decided_beside, [hit] * len(ways), ways), strict=True))
        pairs = [*pool.map(transfer_pairs.pair, transfer_pairs.jobs(full=args.full))]
    together, others_ran = ran[: len(fleets)], ran[len(fleets) : len(fleets) + len(others)]
    single = ran[len(fleets) + len(others) :]
    by_size = {1: single, n: together} | {r.job.n_vessels: [r] for r in others_ran}
    costs = {size: cost(by_size[size]) for size in sorted(by_size)}
    tracked = {"together": medians(together, seeds), "alone": medians(single, seeds)}
    same = {how: digests[how] == digests["absent"] for how in troubles}
    totals = [costs[size]["total"] for size in sorted(costs) if size <= n]
    must = {
        "cost per vessel-day falls from 1 to 6 to 24": all(a > b for a, b in pairwise(totals)),
        "together tracks better than alone": bool(np.median(tracked["together"]) < np.median(tracked["alone"])),
        "one vessel's trouble changes nothing for the others": all(same.values()),
    } | transfer_pairs.must(pairs)
    if not args.full:  # two vessels and one seed say nothing about these
        must = {name: kept for name, kept in must.items() if "trouble" in name}
    lines = [
        stamp(),
        *of_costs(costs),
        *of_a_day(together, n),
        *of_learning(tracked, seeds, n, days),
        *of_trouble(same, digests["absent"][1]),
        *transfer_pairs.of_transfer(pairs),
        "",
        *(f"Must: {name}: {'yes' if kept else 'NO'}" for name, kept in must.items()),
        json.dumps({"bench": "fleet", "full": args.full, "costs": costs, "errors_pct": tracked, "same": same}),
    ]
    print("\n".join(lines))
    if args.out:
        args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if all(must.values()) else 1


def of_pairs(args: argparse.Namespace) -> int:
    """Run and print the section on transfer; return 0 if every Must holds, which one short pair does not tell."""
    with ProcessPoolExecutor(args.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        pairs = [*pool.map(transfer_pairs.pair, transfer_pairs.jobs(full=args.full))]
    must = transfer_pairs.must(pairs) if args.full else {}
    told = [f"Must: {name}: {'yes' if kept else 'NO'}" for name, kept in must.items()]
    lines = [stamp(), *transfer_pairs.of_transfer(pairs), "", *told]
    print("\n".join(lines))
    if args.out:
        args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if all(must.values()) else 1


def cost(runs: list[Ran]) -> dict[str, float]:
    """CPU seconds per vessel-day by phase, and MB of record, medians over runs."""
    phases = sorted({name for r in runs for name in r.phases})
    shares = [r.job.n_vessels * r.job.days for r in runs]
    found = {
        name: float(np.median([r.phases.get(name, 0.0) / k for r, k in zip(runs, shares, strict=True)]))
        for name in phases
    }
    found["total"] = float(np.median([r.per_vessel_day for r in runs]))
    found["record_mb"] = float(np.median([r.record_mb / k for r, k in zip(runs, shares, strict=True)]))
    return {name: round(value, 4) for name, value in found.items()}


def medians(runs: list[Ran], seeds: list[int]) -> list[float]:
    """Median over vessels of the tracking error [%], by seed."""
    return [
        round(100.0 * float(np.median([e for r in runs if r.job.seed == s for e in r.errors.values()])), 2)
        for s in seeds
    ]


def of_costs(costs: dict[int, dict[str, float]]) -> list[str]:
    """The table of costs."""
    names = ("decide", "refit", "other", "total", "record_mb")
    heads = {"other": "plant, filter, record", "record_mb": "record [MB]"}
    return [
        "",
        "CPU s per vessel-day (cold start, medians over runs)",
        f"{'vessels':>8}" + "".join(f"{heads.get(name, name):>23}" for name in names),
        *(f"{size:>8}" + "".join(f"{c.get(name, 0.0):>23.3f}" for name in names) for size, c in costs.items()),
    ]


def of_a_day(runs: list[Ran], n: int) -> list[str]:
    """What the fleet's days and whole runs took."""
    days = [(cpu, refit) for r in runs for cpu, refit in zip(r.turns[:-1], r.refit[:-1], strict=True)]
    plain, with_refit = ([cpu for cpu, refit in days if refit is which] for which in (False, True))
    whole = [r.cpu_s for r in runs]
    told = f"{np.median(plain):.1f} without refit (worst {max(plain):.1f}), {np.median(with_refit):.1f} with one"
    return [
        "",
        f"A day of {n} vessels [CPU s]: {told}; aim {AIM_DAY_S:g} without refit",
        f"A whole run [CPU s]: median {np.median(whole):.0f}, wall {np.median([r.wall_s for r in runs]):.0f} s; "
        f"aim {AIM_RUN_S:g}",
    ]


def of_learning(tracked: dict[str, list[float]], seeds: list[int], n: int, days: int) -> list[str]:
    """The table of tracking errors."""
    return [
        "",
        f"RMS of true VCD / {TARGET:g}e6 - 1, days {FROM_DAY:g} to {days}, median of {n} vessels [%]",
        f"{'':12}" + "".join(f"{seed:>8}" for seed in seeds) + f"{'median':>10}",
        *(
            f"{name:12}" + "".join(f"{error:>8.1f}" for error in errors) + f"{np.median(errors):>10.2f}"
            for name, errors in tracked.items()
        ),
    ]


def of_trouble(same: dict[str, bool], n_decisions: int) -> list[str]:
    """What trouble changed."""
    bad = f"days {BAD_DAYS[0]} to {BAD_DAYS[-1]}"
    return [
        "",
        f"One vessel fails on {bad}; {n_decisions} decisions for the others, against a run without its samples then:",
        *(f"  {how:10}{'identical to the bit' if kept else 'DIFFERENT'}" for how, kept in same.items()),
    ]


if __name__ == "__main__":
    sys.exit(main())
