"""Off-line campaigns on plants that the model does not know: `python benchmarks/campaign_rounds.py [--full]`.

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
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import differential_evolution

from perfusio.bed.campaign import Campaign
from perfusio.bed.initial_designs import plan
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
DAYS, FROM_DAY, BATCH, ROUNDS, N_RANDOM = 28, 9, 6, 3, 45
CASES = tuple((51 + i % 4, 5101 + i) for i in range(10))
"""Number of the random clone and seed of each reported campaign; none of them was used for choosing anything."""
_COLUMNS = [SETPOINT_INDEX[name] for name in FACTORS]
_LOW, _HIGH = SPACE.low[_COLUMNS], SPACE.high[_COLUMNS]


def campaign_arm(clone_number: int, seed: int, *, full: bool = True) -> dict[str, float]:
    """Run one campaign and its rivals.

    Args:
        clone_number: Of the random clone.
        seed: Of design order, vessels, analyzers, random recipes and the campaign.
        full: ROUNDS rounds of BATCH; otherwise one round of 3.

    Returns:
        Shares of the optimum: ``campaign`` (best run that truly keeps the limits), ``round 1``, ... (the same after
        each round), ``picked`` and ``picked at even odds`` (keeps the limits with P >= 0.8 or 0.5 in
        the eyes of the model), ``design``, ``random``; ``optimum`` [mg/L/day]; ``kept``, the share of recommended runs
        that truly kept the limits; ``cpu_s`` per round.
    """
    clone = random_clone(clone_number)
    optimum = best_possible(clone_number)
    design = plan("box-behnken", SPACE, FACTORS, n_centre=3, seed=seed)
    recipes = {run.name: run.setpoints for run in design.runs}
    campaign = Campaign(HybridModel(), factors=FACTORS, days=DAYS, from_day=FROM_DAY, seed=seed)
    campaign.add_measurements(simulate_runs(clone, recipes, days=DAYS, seed=seed))
    figures = {"optimum": optimum, "design": _best(clone, _array(recipes.values())) / optimum}
    recommended: list[Setpoints] = []
    cpu = 0.0
    for i in range(1, 1 + (ROUNDS if full else 1)):
        start = time.process_time()
        batch = {r.name: r.setpoints for r in campaign.recommend(BATCH if full else 3)}
        cpu += time.process_time() - start
        recommended += batch.values()
        campaign.add_measurements(simulate_runs(clone, batch, days=DAYS, seed=seed + 10_000 * i))
        figures[f"round {i}"] = max(_best(clone, _array(recommended)) / optimum, figures["design"])
    picks = {name: campaign.best(probability=p) for name, p in (("picked", 0.8), ("picked at even odds", 0.5))}
    random = np.random.default_rng([seed, 45]).random((N_RANDOM, len(FACTORS)))
    return {
        **figures,
        "campaign": figures[f"round {i}"],
        **{k: 0.0 if r is None else _best(clone, _array([r.setpoints])) / optimum for k, r in picks.items()},
        "random": _best(clone, _recipes(random)) / optimum,
        "kept": float(np.mean(true_run(clone, _array(recommended))[1] <= 0.0)),
        "cpu_s": cpu / i,
    }


def true_run(clone: Clone, recipes: Array) -> tuple[Array, Array]:
    """Return true productivity [mg/L/day] (G,) and by how much the worst limit is broken, <= 0 kept, (G,)."""
    vessels = [Setpoints.of(u) for u in recipes]
    batch = VesselBatch(clone, vessels, seeds=[0] * len(vessels), inoculum=Inoculum(spread=0.0))
    produced, broken = np.zeros((DAYS, len(vessels))), np.full(len(vessels), -np.inf)
    perfusion, bleed = (recipes[:, SETPOINT_INDEX[n]] for n in ("perfusion_rate", "bleed_rate"))
    for day in range(DAYS):
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
def best_possible(clone_number: int) -> float:
    """Return the largest true productivity of any constant recipe over the four factors that keeps the limits."""
    clone = random_clone(clone_number)

    def loss(shares: Array) -> Array:
        produced, broken = true_run(clone, _recipes(shares.T))
        return np.asarray(-produced + 1e5 * np.maximum(broken, 0.0))

    found = differential_evolution(
        loss, [(0.0, 1.0)] * len(FACTORS), vectorized=True, updating="deferred", popsize=8, maxiter=40, rng=0,
        polish=False,
    )  # fmt: skip
    return -float(found.fun)


def _best(clone: Clone, recipes: Array) -> float:
    produced, broken = true_run(clone, recipes)
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
    parser.add_argument("--full", action="store_true", help=f"{len(CASES)} campaigns of {ROUNDS} rounds")
    parser.add_argument("--case", nargs=2, type=int, action="append", metavar=("CLONE", "SEED"), help="other cases")
    arguments = parser.parse_args()
    cases = arguments.case or (CASES if arguments.full else CASES[:1])
    results = []
    for clone_number, seed in cases:
        figures = campaign_arm(clone_number, seed, full=arguments.full)
        results.append(figures)
        print(f"Random{clone_number} seed {seed}: {'  '.join(f'{k} {v:.3f}' for k, v in figures.items())}", flush=True)
    print("median: " + "  ".join(f"{k} {statistics.median(r[k] for r in results):.3f}" for k in results[0]))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
