"""How good and how safe are the decisions? `python benchmarks/bench_decisions.py [--full] [--out FILE]`.

Closed loops on plants that no model knows, with the usual noise and gaps, 28 days long; days 9 to 28 count. Everything
is scored by the truth. Two tasks: hold 40e6 cells/mL (one vessel whose every kinetic constant is off by 15 % from those
of the clone that is known; on every second path the death rate doubles on day 20), and harvest as much product as
limits allow (several vessels of the clone). A violation is a day with viability below 95 %, glucose below 0.3 g/L,
ammonium above 10 mmol/L or perfusion below 15 pL/cell/day. Who steers:

- oracle: knows plant and state; tries everything on copies of the plant, within the same bounds, steps and limits
- twin: the default twin whose model was fitted on 27 noisy runs (Box-Behnken, 28 days) of the clone
- twin, not learning: the same, never refitted, without rates and drift of the vessel's own: only states are filtered
- twin, cold start: without any old run
- twin, one vessel: harvests from a single vessel, so that there is nothing to learn from its neighbours
- recipe of the 27, measured: of the same 27 runs the best by its readings that seems to keep the limits (means of five
  readings in a row); held from day 0. "hindsight": the best of the 27 by the truth about this very vessel, limits first
- any recipe, hindsight: the best constant recipe of all six setpoints, searched on this very vessel
- PI controllers at 40e6 cells/mL: with hand gains, and with gains tuned on plants that are not reported
  (`decisions_pi`); random: setpoints drawn anew each day

Then off-line campaigns (`campaign_rounds`), and what decisions cost (`decisions_costs`).

`--foreign` measures instead, on plants that other people wrote, what `decisions_foreign` declares: fewer cases, other
tasks, no promises. So does `--clones` with a clone of such a plant.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import campaign_rounds as campaigns
import decisions_arms as arms
import decisions_costs as costs
import decisions_foreign as foreign
import decisions_recipes as recipes
import decisions_report as report
from decisions_arms import Lived
from decisions_cases import (
    FIRST_SEED,
    FOR_CHOOSING,
    FROM_DAY,
    REPORTED,
    TARGET,
    Case,
    paths,
    productivity_case,
    tracking_case,
)
from decisions_pi import HAND, ROBUST, Gains
from machine import stamp
from perfusio.config import Objective, maximize, track
from perfusio.hybrid.model import HybridModel
from perfusio.plant.equations import OWN
from perfusio.plant.families import clone_named
from perfusio.study.baselines import PIController
from perfusio.trajectory import Trajectory

HOLD, HARVEST = track(vcd=TARGET), maximize("productivity")
NEVER = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is run.

    Attributes:
        clones: Names, one for each path in turn.
        n_paths: Seeds.
        n_beside: Paths on which the twins beside the twin run too.
        n_vessels: That harvest side by side.
        days: Length of all runs.
        n_old: Old runs that are learnt from.
        looks_ahead: Days that the oracle looks ahead; None is as many as it does best with.
        rounds: Of the search of constant recipes.
        n_forecast: Paths of each forecast.
        n_rig: Vessels that decisions are timed on.
        off_line: Clone and seed of each campaign.
        campaign: How much each is.
    """

    clones: Sequence[str]
    n_paths: int
    n_beside: int
    n_vessels: int
    days: int
    n_old: int
    looks_ahead: int | None
    rounds: int
    n_forecast: int
    n_rig: int
    off_line: Sequence[tuple[int, int]]
    campaign: campaigns.Size


FULL = Extent(
    clones=REPORTED, n_paths=10, n_beside=4, n_vessels=3, days=28, n_old=27, looks_ahead=None, rounds=3,
    n_forecast=256, n_rig=24, off_line=campaigns.CASES, campaign=campaigns.WHOLE,
)  # fmt: skip
QUICK = Extent(
    clones=FOR_CHOOSING, n_paths=1, n_beside=0, n_vessels=1, days=FROM_DAY + 1, n_old=2, looks_ahead=1, rounds=1,
    n_forecast=16, n_rig=2, off_line=campaigns.SMALL_CASES, campaign=campaigns.SMALL,
)  # fmt: skip
Both = tuple[report.Told, report.Told]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One path: both tasks."""

    clone: str
    seed: int
    number: int
    extent: Extent


def one_path(job: Job) -> Both:
    """Run everybody on one path; return holding and harvesting."""
    x, is_beside = job.extent, job.number < job.extent.n_beside
    # clones come in turn, and each with and without a doubling
    is_disturbed = (job.number + job.number // len(x.clones)) % 2 == 1
    holding = tracking_case(job.clone, job.seed, days=x.days, is_disturbed=is_disturbed)
    harvesting = productivity_case(job.clone, job.seed, days=x.days, n_vessels=x.n_vessels)
    known = holding.old_runs()[: x.n_old]
    model = HybridModel().fit(known, seed=0)
    held = _simple_arms(holding, HOLD, known, x) | _twins(holding, HOLD, model, x, is_beside=is_beside)
    harvested = _simple_arms(harvesting, HARVEST, known, x) | _twins(harvesting, HARVEST, model, x, is_beside=is_beside)
    if is_beside:
        alone = replace(harvesting, n_vessels=1)
        harvested[report.SINGLE] = arms.twin(alone, HARVEST, model, n_paths=x.n_forecast)
    return (
        report.Told(clone=job.clone, seed=job.seed, is_disturbed=is_disturbed, arms=held),
        report.Told(clone=job.clone, seed=job.seed, is_disturbed=False, arms=harvested),
    )


def _simple_arms(case: Case, objective: Objective, known: Sequence[Trajectory], x: Extent) -> dict[str, list[Lived]]:
    def pi(gains: Gains) -> list[Lived]:
        return arms.steered(case, lambda _rig, _index: PIController(TARGET, **gains).decide)

    design = [t.setpoints[0] for t in known]
    best = recipes.with_hindsight(case, design, objective)
    return {
        report.ORACLE: arms.oracle(case, objective, look=x.looks_ahead),
        report.MEASURED: arms.fixed(case, recipes.from_measurements(known, objective)),
        report.HINDSIGHT: arms.fixed(case, best),
        report.ANY_RECIPE: arms.fixed(case, recipes.of_all(case, best, objective, rounds=x.rounds)),
        report.HAND_PI: pi(HAND),
        report.ROBUST_PI: pi(ROBUST),
        report.CHANCE: arms.chance(case),
    }


def _twins(
    case: Case, objective: Objective, model: HybridModel, x: Extent, *, is_beside: bool
) -> dict[str, list[Lived]]:
    made = {report.TWIN: arms.twin(case, objective, model, n_paths=x.n_forecast)}
    if is_beside:
        frozen = arms.not_learning(model)
        made[report.NOT_LEARNING] = arms.twin(case, objective, frozen, retrain_every=NEVER, n_paths=x.n_forecast)
        made[report.COLD] = arms.twin(case, objective, HybridModel(), n_paths=x.n_forecast)
    return made


def told(jobs: Sequence[Job], x: Extent) -> tuple[list[Both], list[dict[str, float]]]:
    """Run all paths and campaigns, in two processes; paths on which more runs first, so that both end together.

    A single path takes less time than to start processes for it.
    """
    if len(jobs) == len(x.off_line) == 1:
        return [one_path(jobs[0])], [campaigns.campaign_arm(clone, seed, x.campaign) for clone, seed in x.off_line]
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"  # for the workers: with two threads each they would fight over two cores
    n = len(jobs) + len(x.off_line)
    with ProcessPoolExecutor(min(2, n), mp_context=multiprocessing.get_context("spawn")) as pool:
        on_paths = [pool.submit(one_path, job) for job in jobs]
        off_line = [pool.submit(campaigns.campaign_arm, clone, seed, x.campaign) for clone, seed in x.off_line]
        everything: list[Future[Both] | Future[dict[str, float]]] = [*on_paths, *off_line]
        for i, future in enumerate(as_completed(everything), start=1):
            future.result()  # what failed ends it all
            print(f"{i} of {n} paths and campaigns", file=sys.stderr, flush=True)
    return [f.result() for f in on_paths], [f.result() for f in off_line]


def cost(job: Job) -> costs.Costs:
    """Time decisions in this process, with nothing of ours beside it."""
    x = job.extent
    case = productivity_case(job.clone, job.seed, days=FROM_DAY, n_vessels=x.n_rig)
    return costs.of_decisions(case, HybridModel().fit(case.old_runs()[: x.n_old], seed=0))


def on_foreign_plants(args: argparse.Namespace) -> int:
    """Measure and print what the twin does on plants that other people wrote; nothing is promised there."""
    clones = args.clones or (foreign.REPORTED if args.full else foreign.REPORTED[:1])
    seeds = args.seeds or (foreign.SEEDS if args.full else foreign.SEEDS[:1])
    days = 28 if args.full else 5
    found = foreign.measured(clones, seeds, days=days)
    lines = [
        stamp(),
        f"{', '.join(clones)}; target {foreign.TARGET:g}e6 cells/mL, one vessel, {days} days, seeds "
        f"{', '.join(map(str, seeds))}; error = RMS of true VCD / target - 1, days {foreign.FROM_DAY} to 28"
        + ("" if args.full else "; too few to judge by"),
        "",
        *foreign.table(found),
        json.dumps({"bench": "decisions", "full": args.full, "foreign": foreign.to_json(found)}),
    ]
    print("\n".join(lines))
    if args.out:
        args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


def main() -> int:
    """Measure, print tables, promises and one line of JSON; return 1 if a Must is missed in full mode."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--full", action="store_true", help="10 paths of 28 days on 4 clones (three quarters of an hour)"
    )
    parser.add_argument("--out", type=Path, help="write what is printed to this file too")
    parser.add_argument(
        "--clones", nargs="+", metavar="NAME", help="others than Random51 to 54, to look while choosing"
    )
    parser.add_argument(
        "--seeds", type=int, nargs="+", metavar="N", help="others than 5001 and on, to look while choosing"
    )
    parser.add_argument("--foreign", action="store_true", help="plants that other people wrote (a quarter of an hour)")
    args = parser.parse_args()
    if args.foreign or any(clone_named(name).structure != OWN for name in args.clones or ()):
        return on_foreign_plants(args)
    extent = FULL if args.full else QUICK
    extent = replace(extent, clones=args.clones or extent.clones)
    seeds = args.seeds or range(FIRST_SEED, FIRST_SEED + extent.n_paths)
    if not args.full and not args.seeds:
        seeds = [100]
    jobs = [Job(clone=c, seed=s, number=i, extent=extent) for i, (c, s) in enumerate(paths(extent.clones, seeds))]
    both, recommended = told(jobs, extent)
    spent = cost(jobs[0])
    holding, harvesting = [one for one, _ in both], [other for _, other in both]
    promises = [
        *report.tracking_checks(holding),
        *report.productivity_checks(harvesting),
        *report.campaign_checks(recommended),
        *report.cost_checks(spent),
    ]
    lines = [
        stamp(),
        f"{', '.join(extent.clones)}; {len(jobs)} paths, seeds {seeds[0]} to {seeds[-1]}, of {extent.days} days; days "
        f"{FROM_DAY} to {extent.days} count" + ("" if args.full else "; too few to judge by"),
        "",
        *report.table(holding, of_error=True, title=f"Hold {TARGET:g}e6 cells/mL, one vessel a path"),
        *report.table(
            harvesting, of_error=False, title=f"Harvest as much as limits allow, {extent.n_vessels} vessels a path"
        ),
        "early: days before those that count on which a limit is broken; medium: vessel volumes a day; bias: filtered",
        "less true viability [points]; CPU s: per vessel and day, refits included",
        "",
        *report.campaign_table(recommended),
        *report.cost_lines(spent),
        f"{'':97}{'figure':>9}  limit      met",
        *(promise.line() for promise in promises),
    ]
    is_met = all(p.is_met for p in promises if p.rank == "Must")
    if args.full:
        lines.append(f"every Must holds: {'yes' if is_met else 'NO'}")
    figures = {
        "holding": report.to_json(holding),
        "harvesting": report.to_json(harvesting),
        "campaigns": recommended,
        "costs": asdict(spent),
    }
    checks = [p.to_json() for p in promises]
    lines.append(json.dumps({"bench": "decisions", "full": args.full, **figures, "checks": checks}))
    print("\n".join(lines))
    if args.out:
        args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if is_met or not args.full else 1


if __name__ == "__main__":
    sys.exit(main())
