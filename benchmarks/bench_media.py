"""What another medium costs, told and not told. `python benchmarks/bench_media.py [--full] [--out FILE]`.

CloneX lives in its usual medium (5 g/L glucose, 6 mmol/L glutamine), with 2 or 10 mmol/L glutamine, and with 3 or
10 g/L glucose; Y-GS46, a plant that other people wrote, in its own. **Told**: for each of them a model learns from a
Latin hypercube of runs whose medium is declared, and forecasts 1 and 3 days of other runs; errors are scored against
the true states, in units of the standard deviation of these, and divided by those of CloneX in its usual medium.
**Not told**: runs are declared to have the usual medium; which species are named, after how many samples, and what is
claimed of runs whose medium is right, of CloneX and of drawn clones at drawn setpoints.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from machine import stamp
from model_cases import FACTORS, SPACE, Array, cultivated, training
from perfusio.hybrid.medium_check import medium_doubts
from perfusio.hybrid.model import HybridModel
from perfusio.hybrid.scores.scoreboard import aligned
from perfusio.plant.clones import CLONE_X, Clone
from perfusio.plant.experiment import simulate_runs
from perfusio.plant.families import clone_named
from perfusio.plant.medium import Medium as Inflow
from perfusio.plant.parameters import names_in
from perfusio.process import CHO_PERFUSION, Medium
from perfusio.state import SPECIES, Setpoints
from perfusio.study.backtest import backtest
from perfusio.trajectory import Trajectory

HORIZONS = (1, 3)
USUAL = "usual"
WITHIN = 5
"""Samples within which a wrong medium is to be named."""
SEED = 8_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is run: training runs, test runs, days of each, seeds of each wrong medium, runs with a right one."""

    n_training: int
    n_tests: int
    days: int
    n_seeds: int
    n_right: int


QUICK = Size(n_training=3, n_tests=2, days=8, n_seeds=3, n_right=4)
FULL = Size(n_training=9, n_tests=16, days=14, n_seeds=10, n_right=40)


def main() -> int:
    """Print both tables and one JSON line; 1 if in full a wrong medium is named too rarely or a right one too often."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="as published; else a short form")
    parser.add_argument("--out", type=Path, help="file that gets the same text")
    asked = parser.parse_args()
    size = FULL if asked.full else QUICK
    lines = [stamp(), ""]
    errors = {name: told_errors(clone, size, seed=SEED) for name, clone in cases()}  # the same draws for all media
    lines += told_table(errors)
    named = {name: untold(clone, wrong, size) for name, clone, wrong in wrong_cases()}
    false = list(false_claims(size))
    lines += untold_table(named, false)
    ratios = {
        name: {h: dict(zip(SPECIES, np.round(e / errors[USUAL][h], 3).tolist(), strict=True)) for h, e in of.items()}
        for name, of in errors.items()
        if name != USUAL
    }
    found = {
        "is_full": asked.full,
        "error_ratios": ratios,
        "worst_ratio": max(v for of in ratios.values() for by in of.values() for v in by.values()),
        "named_within_5": {name: f"{sum(n <= WITHIN for n in after)}/{len(after)}" for name, after in named.items()},
        "false_claims": f"{sum(map(bool, false))}/{len(false)}",
    }
    text = "\n".join([*lines, json.dumps(found)])
    print(text)
    if asked.out:
        asked.out.write_text(text + "\n", encoding="utf-8")
    shares = [sum(n <= WITHIN for n in after) / len(after) for after in named.values()]
    is_good = min(shares) >= 0.9 and sum(map(bool, false)) <= 0.05 * len(false)
    return 0 if is_good or not asked.full else 1  # few runs are no share


def cases() -> Iterator[tuple[str, Clone]]:
    """Yield every medium that a model is told, the usual one first."""
    yield USUAL, CLONE_X
    for name, clone, _ in wrong_cases():
        yield name, clone
    yield "Y-GS46, its own", clone_named("Y-GS46")


def wrong_cases() -> Iterator[tuple[str, Clone, str]]:
    """Yield CloneX in media that nobody declared, and the species that is wrong."""
    for species, value in (("glutamine", 2.0), ("glutamine", 10.0), ("glucose", 3.0), ("glucose", 10.0)):
        unit = CHO_PERFUSION[species].unit
        yield f"{species} {value:g} {unit}", replace(CLONE_X, medium=Inflow(**{species: value})), species


def declared(clone: Clone) -> Medium:
    """Return the medium of a clone as a person declares it, as far as the process has its species."""
    held = {name: float(getattr(clone.medium, name)) for name in names_in(Inflow) if name in SPECIES}
    return Medium(**{name: value for name, value in held.items() if value > 0.0})


def told_errors(clone: Clone, size: Size, *, seed: int) -> Mapping[str, Array]:
    """Return the rRMSE (Q,) by horizon of a model that is told the medium."""
    told = [
        replace(t, medium=declared(clone)) for t in training(clone, days=size.days, seed=seed, n_runs=size.n_training)
    ]
    model = HybridModel().fit(told, seed=seed)
    rng = np.random.default_rng(SEED)  # the same setpoints for all media
    low, high = (np.array([getattr(SPACE.bounds[name], end) for name in FACTORS]) for end in ("low", "high"))
    plans = [np.tile(rng.uniform(low, high), (size.days, 1)) for _ in range(size.n_tests)]
    tests = cultivated(clone, plans, seed=seed + 1)
    measured, true = ([replace(t, medium=declared(clone)) for t in of] for of in (tests.measured, tests.true))
    board = backtest({"hybrid": model}, measured, truth=true, horizons=HORIZONS, every=2, seed=seed).board
    score = board.scores["hybrid"]
    return {str(h): score.rrmse[score.horizons.index(str(h))] for h in HORIZONS}


def untold(clone: Clone, species: str, size: Size) -> list[int]:
    """Return after how many samples a species was named in each run; a number beyond WITHIN where it was not."""
    return [first_named(run, species) for run in runs_at(clone, [SPACE.nominal] * size.n_seeds, SEED + 1)]


def runs_at(clone: Clone, recipes: Sequence[Setpoints], seed: int) -> list[Trajectory]:
    """Return a short run at each of these setpoints, which say nothing of their medium."""
    named = {f"R{i:02d}": recipe for i, recipe in enumerate(recipes)}
    return list(simulate_runs(clone, named, days=WITHIN, seed=seed))


def first_named(run: Trajectory, species: str) -> int:
    """Return after how many samples that species, and no other one, is named."""
    for n in range(2, WITHIN + 1):
        if [d.species for d in medium_doubts(run.until(n))] == [species]:
            return n
    return WITHIN + 1


def false_claims(size: Size) -> Iterator[str]:
    """Yield what is claimed at any time of a run with a right medium; empty where nothing is."""
    rng = np.random.default_rng(SEED + 2)
    for i in range(size.n_right):
        clone = CLONE_X if i % 2 == 0 else clone_named(f"Random{500 + i}")
        drawn = SPACE.nominal.vector() + SPACE.max_step * rng.uniform(-1.0, 1.0, len(SPACE.max_step))
        (run,) = runs_at(clone, [Setpoints.of(np.clip(drawn, SPACE.low, SPACE.high))], SEED + 3 + i)
        claims = {d.species for n in range(2, WITHIN + 1) for d in medium_doubts(run.until(n))}
        yield ", ".join(sorted(claims))


def told_table(errors: Mapping[str, Mapping[str, Array]]) -> list[str]:
    """Return the errors of each medium by species and horizon, and how many times those of the usual one they are."""
    lines = ["Told: rRMSE against the truth, and in brackets over that of CloneX in its usual medium."]
    for h in map(str, HORIZONS):
        rows = [["", *SPECIES]]
        for name, of in errors.items():
            over = of[h] / errors[USUAL][h]
            rows.append([name, *(f"{e:.2f} ({r:.2f})" for e, r in zip(of[h], over, strict=True))])
        lines += [f"\n{h} day(s) ahead", aligned(rows)]
    return [*lines, ""]


def untold_table(named: Mapping[str, list[int]], false: Sequence[str]) -> list[str]:
    """Return after how many samples what is wrong was named, and what was claimed falsely."""
    lines = [f"Not told: runs in which just the wrong species was named within {WITHIN} samples, and after how many."]
    for name, after in named.items():
        lines.append(f"  {name:22}{sum(n <= WITHIN for n in after):>3} of {len(after)}, median {np.median(after):g}")
    wrong = [claim for claim in false if claim]
    return [
        *lines,
        f"  right medium: something claimed in {len(wrong)} of {len(false)} runs {wrong or ''}".rstrip(),
        "",
    ]


if __name__ == "__main__":
    sys.exit(main())
