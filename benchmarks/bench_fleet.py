"""What many vessels cost and teach each other: `python benchmarks/bench_fleet.py [--full] [--only PART] [--out FILE]`.

fleets: CPU seconds of the whole twin (plant, model, decisions, record) per vessel and day, cold start, target VCD 30e6
cells/mL; BoTorch is loaded before, for it is no cost of a vessel. With 96 vessels only the first days are run. And the
same vessels (same inoculum, noise, gaps) under one twin that learns from all, and each under a twin of its own. Errors
are of the plant's true state, RMS of VCD / target - 1 from day 7 on: the median over vessels, then over seeds. These
seeds were never used for choosing anything in perfusio.

trouble: one vessel's connector hangs, raises, or answers nonsense for five days. What is decided for the others must
be that of a run in which its samples of these days are simply absent, to the last bit of setpoints and forecasts.

transfer: see `transfer_pairs`. history: see `history_runs`.

The last line is everything as one JSON object. Without --full each part is a short one that says little.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import history_runs
import transfer_pairs
from fleet_report import Told, of_fleets, of_trouble
from fleet_runs import BAD_DAYS, Job, decided_beside, run
from machine import stamp

T = TypeVar("T")
SEEDS = range(801, 806)
TROUBLES = ("hangs", "raises", "nonsense")
N_FLEET, DAYS, SHORT = 24, 28, (2, 7)
SIX, MANY = Job(SEEDS[0], 6, DAYS), Job(SEEDS[0], 96, 5)


def main() -> int:
    """Run, print the tables, and return 0 if every Must holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="24 vessels of 28 days and 5 seeds instead of 2 of 7")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--out", type=Path, help="write what is printed to this file too")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part; repeatable (default: all)")
    args = parser.parse_args()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"  # for the workers: with two threads each they would fight over two cores
    parts, took = dict[str, Told](), dict[str, float]()
    with ProcessPoolExecutor(args.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for name in args.only or PARTS:
            began = time.perf_counter()
            parts[name] = PARTS[name](pool, args.full)
            took[name] = round(time.perf_counter() - began)
    checks = [check for told in parts.values() for check in told.checks]
    found = {key: value for told in parts.values() for key, value in told.figures.items()}
    holds = {check.what: check.holds for check in checks if check.kind == "Must"}
    minutes = ", ".join(f"{name} {seconds / 60.0:.1f}" for name, seconds in took.items())
    lines = [
        stamp(),
        *(line for told in parts.values() for line in told.lines),
        "",
        *(check.line() for check in checks),
        f"Took {minutes} minutes, {args.jobs} jobs.",
        json.dumps({"bench": "fleet", "full": args.full, **found, "must": holds, "took_s": took}),
    ]
    print("\n".join(lines))
    if args.out:
        args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if all(holds.values()) else 1


def fleets(pool: ProcessPoolExecutor, full: bool) -> Told:
    """Run fleets, their vessels alone, and fleets of other sizes; of two vessels and one seed nothing is asked."""
    n, days = (N_FLEET, DAYS) if full else SHORT
    seeds = SEEDS if full else SEEDS[:1]
    together = [Job(seed, n, days) for seed in seeds]
    alone = [Job(seed, 1, days, first=i) for seed in seeds for i in range(1, n + 1)]
    others = [SIX, MANY] if full else []
    wanted = [*together, *others, *alone]
    ran = followed("fleets", pool.map(run, wanted), len(wanted), aloud=full)
    k = len(together)
    told = of_fleets(ran[:k], ran[k + len(others) :], ran[k : k + len(others)])
    return told if full else Told(lines=told.lines, checks=(), figures=told.figures)


def trouble(pool: ProcessPoolExecutor, full: bool) -> Told:
    """Run a fleet in which one vessel fails in each way, and one in which its samples are absent."""
    job = Job(SEEDS[0], N_FLEET if full else SHORT[0], BAD_DAYS[-1] + 2)
    ways = ("absent", *(TROUBLES if full else TROUBLES[:1]))
    digests = followed("trouble", pool.map(decided_beside, [job] * len(ways), ways), len(ways), aloud=full)
    return of_trouble(dict(zip(ways, digests, strict=True)))


def transfer(pool: ProcessPoolExecutor, full: bool) -> Told:
    """Learn and score pairs of clones."""
    wanted = transfer_pairs.jobs(full=full)
    return transfer_pairs.told(followed("transfer", pool.map(transfer_pairs.pair, wanted), len(wanted), aloud=full))


def history(pool: ProcessPoolExecutor, full: bool) -> Told:
    """Run vessels of clones that were never run, from several starts."""
    wanted = history_runs.starts(full=full)
    return history_runs.told(
        wanted, followed("history", pool.map(history_runs.held, wanted), len(wanted), aloud=full)
    )


def followed(part: str, results: Iterable[T], n: int, *, aloud: bool) -> list[T]:
    """Return the results; say on the standard error as they come how many there are, if that takes long."""
    found: list[T] = []
    for result in results:
        found.append(result)
        if aloud:
            print(f"{part}: {len(found)} of {n}", file=sys.stderr, flush=True)
    return found


PARTS: Mapping[str, Callable[[ProcessPoolExecutor, bool], Told]] = {
    "fleets": fleets, "trouble": trouble, "transfer": transfer, "history": history,
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
