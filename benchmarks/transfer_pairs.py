"""Transfer between pairs of clones: an old one with many runs, a new one with 3. `bench_fleet.py` prints it.

Old is Random800, 802, ..., new Random801, 803, ...; nothing was chosen on these (700 to 720 were for that). Models
of the new clone: with relatives (and the choice that leaves runs out), pooled without identity, and alone; scored on
runs of the new clone that none has seen, 3 days ahead, against the truth. With no run of the new clone at all:
what the registry says of a newcomer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from fleet_report import Check, Told
from model_cases import Array, cultivated, training
from model_cases import _within as within
from model_scores import Live
from perfusio.hybrid.clones.clone_distances import distances
from perfusio.hybrid.clones.embedding import CloneRegistry
from perfusio.hybrid.clones.transfer import adapt
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.model import HybridModel
from perfusio.plant.oracle import random_clone
from perfusio.plant.parameters import PARAMETERS
from perfusio.study.backtest import backtest

FIRST, N_PAIRS = 800, 10
TRANSFER, POOLED, ALONE, ZERO = NAMES = "transfer", "pooled, no identity", "new clone alone", "no run of the new clone"
N_NEW, N_TESTS, DAYS, N_PATHS, AHEAD = 3, 6, 28, 64, 3
AT_MOST = 1.05
ORDERED = 0.5
"""A rank correlation from which on it may be said that clones lie in order; with ten clones chance gives 0.2 or so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What came of one pair.

    Attributes:
        number: Of the old clone.
        rrmse: Mean over species, 3 days ahead, by model.
        coverage: Of the 80 % interval, mean over species, by model.
        width: Of that interval over the sd of the truth, by model.
        is_alone: Whether runs left out said that relatives do harm.
        log_factors: Calibrated rates of the old clone (P,).
        true: Its constants, each over the width of its range.
    """

    number: int
    rrmse: Mapping[str, float]
    coverage: Mapping[str, float]
    width: Mapping[str, float]
    is_alone: bool
    log_factors: Array
    true: Array


def pair(job: tuple[int, int | None, int]) -> Pair:
    """Learn and score one pair: number of the old clone, its runs (None: the whole design), days."""
    number, n_old, days = job
    old_clone, new_clone = random_clone(number), random_clone(number + 1)
    old = training(old_clone, days=days, seed=1000 * number, n_runs=n_old)
    new = training(new_clone, days=days, seed=1000 * number + 500, n_runs=N_NEW)
    rng = np.random.default_rng(number)
    tests = cultivated(new_clone, [within(rng, days) for _ in range(N_TESTS)], seed=1000 * number + 900)
    registry = CloneRegistry.fit(old)
    adapted = adapt(registry, new)
    models = {
        TRANSFER: adapted.model,
        POOLED: HybridModel().fit([*old, *new]),
        ALONE: HybridModel().fit(new),
        ZERO: registry.newcomer(),
    }
    found = {}
    for name, model in models.items():
        board = backtest({name: Live(model)}, tests.measured, truth=tests.true, horizons=[AHEAD], n_paths=N_PATHS).board
        found[name] = board.scores[name]
    constants = old_clone.kinetics
    return Pair(
        number=number,
        rrmse={name: float(np.mean(s.rrmse[0])) for name, s in found.items()},
        coverage={name: float(np.mean(s.coverage[0.8][0])) for name, s in found.items()},
        width={name: float(np.mean(s.sharpness[0.8][0])) for name, s in found.items()},
        is_alone=adapted.is_alone,
        log_factors=registry.factors()[0],
        true=np.array([getattr(constants, n) / (p.high - p.low) for n, p in PARAMETERS.items()]),
    )


def jobs(*, full: bool) -> list[tuple[int, int | None, int]]:
    """Return the pairs to run: ten with the whole design, or one short one."""
    return [(FIRST + 2 * i, None, DAYS) for i in range(N_PAIRS)] if full else [(700, 3, 6)]


def told(pairs: list[Pair]) -> Told:
    """Say what came of it; what must hold is only asked of all pairs."""
    rrmse, width, coverage = (of_models(pairs, of) for of in ("rrmse", "width", "coverage"))
    checks = checked(pairs, rrmse, width) if len(pairs) >= N_PAIRS else ()
    figures: dict[str, Any] = {"rrmse": rrmse, "coverage": coverage, "width": width}
    figures["pairs"] = {p.number: {name: round(e, 4) for name, e in p.rrmse.items()} for p in pairs}
    if len(pairs) > 2:
        figures["placed"] = round(placed(pairs), 3)
    return Told(lines=of_transfer(pairs), checks=checks, figures={"transfer": figures})


def of_models(pairs: list[Pair], of: str) -> dict[str, float]:
    """Return the median over pairs of a score, by model."""
    return {name: round(float(np.median([getattr(p, of)[name] for p in pairs])), 4) for name in NAMES}


def checked(pairs: list[Pair], rrmse: Mapping[str, float], width: Mapping[str, float]) -> list[Check]:
    """Return what must hold, and the aim, of ten pairs."""
    close = sum(p.rrmse[TRANSFER] <= AT_MOST * min(p.rrmse[POOLED], p.rrmse[ALONE]) for p in pairs)
    rank = placed(pairs)
    return [
        *(
            Check(
                kind="Must", what=f"transfer: rRMSE {AHEAD} days ahead below {other!r} in the median",
                found=f"{rrmse[TRANSFER]:.3f} < {rrmse[other]:.3f}", holds=rrmse[TRANSFER] < rrmse[other],
            )
            for other in (POOLED, ALONE)
        ),
        Check(
            kind="Must", what="transfer: at most 5 % above the better of these two, in so many pairs",
            found=f"{close} >= {0.9 * len(pairs):.0f} of {len(pairs)}", holds=close >= 0.9 * len(pairs),
        ),
        Check(
            kind="Must", what=f"transfer: wider 80 % intervals without a run of the new clone than with {N_NEW}",
            found=f"{width[ZERO]:.2f} > {width[TRANSFER]:.2f}", holds=width[ZERO] > width[TRANSFER],
        ),
        Check(
            kind="Aim", what="transfer: clones lie in the order of their true distances, rank correlation",
            found=f"{rank:.2f} >= {ORDERED:g}", holds=rank >= ORDERED,
        ),
    ]  # fmt: skip


def of_transfer(pairs: list[Pair]) -> list[str]:
    """The table of errors, what is said without any run, and how well clones are placed."""
    lines = [
        "",
        f"rRMSE {AHEAD} days ahead, mean over species, {N_NEW} runs of a new clone, one old clone",
        f"{'pair':>10}" + "".join(f"{name:>26}" for name in NAMES) + "  kept",
        *(
            f"{f'{p.number} {p.number + 1}':>10}"
            + "".join(f"{p.rrmse[name]:>26.3f}" for name in NAMES)
            + f"  {'alone' if p.is_alone else 'relatives'}"
            for p in pairs
        ),
    ]
    for what, of in (("median", "rrmse"), ("80 % cover", "coverage"), ("80 % width", "width")):
        lines.append(f"{what:>10}" + "".join(f"{value:>26.3f}" for value in of_models(pairs, of).values()))
    if len(pairs) > 2:
        lines.append(
            f"Clones placed by their rates, against the distance of their true constants: rank correlation "
            f"{placed(pairs):.2f} ({len(pairs)} clones; 1 = in the same order)"
        )
    return lines


def placed(pairs: list[Pair]) -> float:
    """Return the rank correlation of distances between rates and between true constants."""
    i, j = np.triu_indices(len(pairs), 1)
    rates = distances(np.array([p.log_factors for p in pairs]), layout_of().log_sd)
    true = np.array([p.true for p in pairs])
    return float(spearmanr(rates[i, j], np.linalg.norm(true[i] - true[j], axis=1)).statistic)
