"""Off-line campaigns on plants that the model does not know: `python benchmarks/campaign_rounds.py [--full]`.

A part of `bench_decisions`, which prints the promises about them too; alone it takes a third of the time.

The 27-run Box-Behnken design of four factors is simulated with noise and gaps; then, in each round, a `Campaign`
recommends 6 constant recipes, they are simulated, and their results added. The figure of a run is the mean true
productivity of days 9 to 28 of its recipe on the noise-free plant, which counts if the true state keeps viability >=
95 %, glucose >= 0.3 g/L, ammonium <= 10 mmol/L and CSPR >= 15 pL/cell/day on each of days 1 to 28. Of each arm (the
campaign with its 27 + 18 runs, the design alone, 45 random recipes) the best run that truly keeps the limits counts, so
that the arms are judged alike; `picked` is stricter: the one recipe that the campaign, which only saw measurements,
would hand over, 0 if it breaks a limit. All are shares of the optimum, found by differential evolution on the
noise-free plant. Chosen on CloneX, Random11 and Random12 with seeds below 1000.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import differential_evolution

from perfusio.bed.campaigns.campaign import Campaign
from perfusio.bed.campaigns.initial_designs import plan
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import DEFAULT_CONSTRAINTS
from perfusio.hybrid.model import HybridModel
from perfusio.physics import derived
from perfusio.plant.clones import Clone
from perfusio.plant.conditions import Inoculum
from perfusio.plant.experiment import simulate_runs
from perfusio.plant.oracle import random_clone
from perfusio.plant.vessel import VesselBatch
from perfusio.state import SETPOINT_INDEX, SPECIES_INDEX, Setpoints

Array = NDArray[np.float64]

FACTORS = ("perfusion_rate", "bleed_rate", "glucose_setpoint", "temperature")
FROM_DAY = 9
CASES = tuple((51 + i % 4, 5101 + i) for i in range(10))
"""Number of the random clone and seed of each reported campaign; none of them was used for choosing anything."""
_COLUMNS = [SETPOINT_INDEX[name] for name in FACTORS]
_LOW, _HIGH = SPACE.low[_COLUMNS], SPACE.high[_COLUMNS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much a campaign is.

    Attributes:
        days: Length of each run.
        n_design: Runs of the design that are made first.
        batch: Recommended a round.
        rounds: How many.
        n_random: Random recipes.
        generations: Of the search for the optimum.
    """

    days: int
    n_design: int
    batch: int
    rounds: int
    n_random: int
    generations: int


WHOLE = Size(days=28, n_design=27, batch=6, rounds=3, n_random=45, generations=40)
SMALL = Size(days=FROM_DAY + 1, n_design=4, batch=1, rounds=1, n_random=4, generations=1)
SMALL_CASES = ((11, 101),)


def campaign_arm(clone_number: int, seed: int, size: Size = WHOLE) -> dict[str, float]:
    """Run one campaign and its rivals.

    Args:
        clone_number: Of the random clone.
        seed: Of design order, vessels, analyzers, random recipes and the campaign.
        size: How much is run.

    Returns:
        Shares of the optimum: ``campaign`` (best run that truly keeps the limits), ``round 1``, ... (the same after
        each round), ``picked`` and ``picked at even odds`` (keeps the limits with P >= 0.8 or 0.5 in
        the eyes of the model), ``design``, ``random``; ``optimum`` [mg/L/day]; ``kept``, the share of recommended runs
        that truly kept the limits; ``cpu_s`` per round.
    """
    clone = random_clone(clone_number)
    optimum = best_possible(clone_number, size)

    def best_of(recipes: Array) -> float:
        return _best(clone, recipes, size.days) / optimum

    design = plan("box-behnken", SPACE, FACTORS, n_centre=3, seed=seed)
    recipes = {run.name: run.setpoints for run in design.runs[: size.n_design]}
    campaign = Campaign(HybridModel(), factors=FACTORS, days=size.days, from_day=FROM_DAY, seed=seed)
    campaign.add_measurements(simulate_runs(clone, recipes, days=size.days, seed=seed))
    figures = {"optimum": optimum, "design": best_of(_array(recipes.values()))}
    recommended: list[Setpoints] = []
    cpu = 0.0
    for i in range(1, 1 + size.rounds):
        start = time.process_time()
        batch = {r.name: r.setpoints for r in campaign.recommend(size.batch)}
        cpu += time.process_time() - start
        recommended += batch.values()
        campaign.add_measurements(simulate_runs(clone, batch, days=size.days, seed=seed + 10_000 * i))
        figures[f"round {i}"] = max(best_of(_array(recommended)), figures["design"])
    picks = {name: campaign.best(probability=p) for name, p in (("picked", 0.8), ("picked at even odds", 0.5))}
    random = np.random.default_rng([seed, 45]).random((size.n_random, len(FACTORS)))
    return {
        **figures,
        "campaign": figures[f"round {i}"],
        **{k: 0.0 if r is None else best_of(_array([r.setpoints])) for k, r in picks.items()},
        "random": best_of(_recipes(random)),
        "kept": float(np.mean(true_run(clone, _array(recommended), size.days)[1] <= 0.0)),
        "cpu_s": cpu / i,
    }


def true_run(clone: Clone, recipes: Array, days: int) -> tuple[Array, Array]:
    """Return true productivity [mg/L/day] (G,) and by how much the worst limit is broken, <= 0 kept, (G,)."""
    vessels = [Setpoints.of(u) for u in recipes]
    batch = VesselBatch(clone, vessels, seeds=[0] * len(vessels), inoculum=Inoculum(spread=0.0))
    produced, broken = np.zeros((days, len(vessels))), np.full(len(vessels), -np.inf)
    perfusion, bleed = (recipes[:, SETPOINT_INDEX[n]] for n in ("perfusion_rate", "bleed_rate"))
    for day in range(days):
        batch.advance(1.0)
        state = np.array([s.vector() for s in batch.true_states()])
        titer, vcd = (state[:, SPECIES_INDEX[n]] for n in ("titer", "vcd"))
        produced[day] = derived.volumetric_productivity(titer, np.ones(()), perfusion - bleed)
        for c in DEFAULT_CONSTRAINTS:
            value = derived.cspr(perfusion, vcd) if c.quantity == "cspr" else state[:, SPECIES_INDEX[c.quantity]]
            for limit, sign in ((c.low, 1.0), (c.high, -1.0)):
                if limit is not None:
                    broken = np.maximum(broken, sign * (limit - value) / limit)
    return produced[FROM_DAY - 1 :].mean(axis=0), broken


@cache
def best_possible(clone_number: int, size: Size) -> float:
    """Return the largest true productivity of any constant recipe over the four factors that keeps the limits."""
    clone = random_clone(clone_number)

    def loss(shares: Array) -> Array:
        produced, broken = true_run(clone, _recipes(shares.T), size.days)
        return np.asarray(-produced + 1e5 * np.maximum(broken, 0.0))

    found = differential_evolution(
        loss, [(0.0, 1.0)] * len(FACTORS), vectorized=True, updating="deferred", popsize=8, maxiter=size.generations,
        rng=0, polish=False,
    )  # fmt: skip
    return -float(found.fun)


def _best(clone: Clone, recipes: Array, days: int) -> float:
    produced, broken = true_run(clone, recipes, days)
    return float(np.where(broken <= 0.0, produced, 0.0).max())


def _array(recipes: Iterable[Setpoints]) -> Array:
    return np.array([u.vector() for u in recipes])


def _recipes(shares: Array) -> Array:
    recipes = np.tile(SPACE.nominal.vector(), (len(shares), 1))
    recipes[:, _COLUMNS] = _LOW + shares * (_HIGH - _LOW)
    return recipes


def main() -> None:
    """Print one line per campaign, and the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--full", action="store_true", help=f"{len(CASES)} campaigns of {WHOLE.rounds} rounds")
    parser.add_argument("--case", nargs=2, type=int, action="append", metavar=("CLONE", "SEED"), help="other cases")
    arguments = parser.parse_args()
    cases = arguments.case or (CASES if arguments.full else SMALL_CASES)
    results = []
    for clone_number, seed in cases:
        figures = campaign_arm(clone_number, seed, WHOLE if arguments.full else SMALL)
        results.append(figures)
        print(f"Random{clone_number} seed {seed}: {'  '.join(f'{k} {v:.3f}' for k, v in figures.items())}", flush=True)
    print("median: " + "  ".join(f"{k} {statistics.median(r[k] for r in results):.3f}" for k in results[0]))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
