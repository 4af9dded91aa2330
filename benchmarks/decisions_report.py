"""The tables of bench_decisions, and what each figure was promised to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from decisions_arms import LIMITS, Lived, by_limit, pooled_violation
from decisions_costs import Costs
from model_report import Check

ORACLE, TWIN, NOT_LEARNING, COLD, SINGLE = (
    "oracle",
    "twin",
    "twin, not learning",
    "twin, cold start",
    "twin, one vessel",
)
Spread = tuple[float, float, float]

MEASURED, HINDSIGHT, ANY_RECIPE = "recipe of the 27, measured", "recipe of the 27, hindsight", "any recipe, hindsight"
HAND_PI, ROBUST_PI, CHANCE = "PI, hand gains", "PI, robust-tuned", "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One path of one task: who steered, and what became of the vessels.

    Attributes:
        clone: Name.
        seed: Of the path.
        is_disturbed: Whether the death rate doubled on day 20.
        arms: Vessels by who steered them.
    """

    clone: str
    seed: int
    is_disturbed: bool
    arms: Mapping[str, Sequence[Lived]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is printed of one arm; spreads are (median, least, largest) over paths.

    Attributes:
        n_paths: On which it ran.
        error_pct: RMS error of the density [%].
        productivity: Harvested [mg/L/day].
        violation_pct: Days on which any limit is broken [%].
        all_violation_pct: The same of all vessels together.
        by_limit_pct: The same by limit.
        early: Days before those that count on which a limit is broken.
        medium: Perfused [vessel volumes a day].
        bias: Filtered less true viability [points], None but for twins.
        cpu_s: Per vessel and day, None but for twins.
    """

    n_paths: int
    error_pct: Spread
    productivity: Spread
    violation_pct: Spread
    all_violation_pct: float
    by_limit_pct: Mapping[str, float]
    early: int
    medium: Spread
    bias: float | None
    cpu_s: float | None


def figures(told: Sequence[Told], name: str) -> Figures:
    """Return what is printed of one arm."""
    runs = [t.arms[name] for t in told if name in t.arms]
    vessels = [v for run in runs for v in run]
    is_twin = bool(vessels[0].believed)
    return Figures(
        n_paths=len(runs),
        error_pct=_spread([100.0 * float(np.mean([v.error for v in run])) for run in runs]),
        productivity=_spread([float(np.mean([v.productivity for v in run])) for run in runs]),
        violation_pct=_spread([pooled_violation(run) for run in runs]),
        all_violation_pct=_short(pooled_violation(vessels)),
        by_limit_pct={limit: _short(share) for limit, share in by_limit(vessels).items()},
        early=sum(v.early for v in vessels),
        medium=_spread([float(np.mean([v.medium for v in run])) for run in runs]),
        bias=_short(float(np.mean([v.bias for v in vessels]))) if is_twin else None,
        cpu_s=_short(float(np.median([v.cpu_s for v in vessels]))) if is_twin else None,
    )


def table(told: Sequence[Told], *, of_error: bool, title: str) -> list[str]:
    """Return the table of one task; its main column is the tracking error or the productivity."""
    limits = "".join(f"{limit:>11}" for limit in LIMITS)
    main = ("RMS error [%]" if of_error else "mg/L/day") + ", median (min to max)"
    lines = [
        title,
        f"{'':29}{'paths':>6}{main:>36}{'violated [%]':>18}{limits}{'early':>7}{'medium':>8}{'bias':>7}{'CPU s':>7}",
    ]
    for name in _names(told):
        f = figures(told, name)
        middle, low, high = f.error_pct if of_error else f.productivity
        violated = f"{f.all_violation_pct:.1f} ({f.violation_pct[1]:.0f} to {f.violation_pct[2]:.0f})"
        shares = "".join(f"{share:>11.1f}" for share in f.by_limit_pct.values())
        lines.append(
            f"{name:29}{f.n_paths:>6}{f'{middle:.4g} ({low:.4g} to {high:.4g})':>36}{violated:>18}{shares}"
            f"{f.early:>7}{f.medium[0]:>8.2f}{_or_dash(f.bias):>7}{_or_dash(f.cpu_s):>7}"
        )
    return [*lines, ""]


def tracking_checks(told: Sequence[Told]) -> list[Check]:
    """Return what was promised of holding a density."""

    def error(name: str) -> float:
        return float(np.median([t.arms[name][0].error for t in told]))

    def violated(name: str, *, is_disturbed: bool) -> float:
        vessels = [v for t in told if t.is_disturbed is is_disturbed for v in t.arms[name]]
        return pooled_violation(vessels) if vessels else float("nan")

    def share(rank: str, what: str, other: str, limit: float) -> Check:
        return Check(
            rank=rank, what=f"holding 40: RMS error over that of {what}", value=twin / error(other), limit=limit
        )

    def days(what: str, value: float, limit: float) -> Check:
        return Check(rank="Must", what=f"holding 40, {what}: days in violation [%]", value=value, limit=limit)

    twin = error(TWIN)
    bound = violated(ORACLE, is_disturbed=True) + 3.0
    return [
        share("Must", "the measured recipe", MEASURED, 0.5),
        share("Must", "the best of the 27 recipes by the truth", HINDSIGHT, 0.5),
        share("Must", "the PI with hand gains", HAND_PI, 1.0),
        share("Must", "the robust-tuned PI", ROBUST_PI, 1.25),
        days("no doubling", violated(TWIN, is_disturbed=False), 2.0),
        days("death rate doubled (limit: oracle's + 3)", violated(TWIN, is_disturbed=True), bound),
        share("Aim", "the robust-tuned PI", ROBUST_PI, 1.0),
        share("Aim", "the oracle", ORACLE, 2.0),
        share("Aim", "the best of all constant recipes", ANY_RECIPE, 0.5),
    ]


def productivity_checks(told: Sequence[Told]) -> list[Check]:
    """Return what was promised of productivity."""

    def mean(name: str, beside: str | None = None) -> float:
        """Over all vessels of an arm, on the paths that `beside` has too."""
        vessels = [v for t in told if (beside or name) in t.arms for v in t.arms[name]]
        return float(np.mean([v.productivity for v in vessels]))

    def violated(name: str) -> float:
        return pooled_violation([v for t in told if name in t.arms for v in t.arms[name]])

    def share(rank: str, what: str, other: str, limit: float, name: str = TWIN) -> Check:
        value = mean(name) / mean(other, beside=name)
        what = f"productivity{_OF_ONE * (name == SINGLE)}: over that of {what}"
        return Check(rank=rank, what=what, value=value, limit=limit, relation=">=")

    def days(rank: str, limit: float, name: str = TWIN) -> Check:
        what = f"productivity{_OF_ONE * (name == SINGLE)}: days in violation [%]"
        return Check(rank=rank, what=what, value=violated(name), limit=limit)

    checks = [
        days("Must", 2.0),
        share("Must", "the measured recipe", MEASURED, 1.15),
        share("Must", "the best of the 27 recipes by the truth", HINDSIGHT, 1.15),
        share("Aim", "the best of all constant recipes", ANY_RECIPE, 1.0),
        days("Aim", 0.0),
        share("Aim", "the oracle", ORACLE, 0.8),
        share("Aim", "the oracle", ORACLE, 0.9),
    ]
    if any(SINGLE in t.arms for t in told):
        checks += [days("Aim", 0.0, SINGLE), share("Aim", "the oracle", ORACLE, 0.8, SINGLE)]
    return checks


_OF_ONE = " of one vessel"


def campaign_table(told: Sequence[Mapping[str, float]]) -> list[str]:
    """Return the table of campaigns: shares of the optimum."""
    rounds = [name for name in told[0] if name.startswith("round ")]
    rows = ["random", "design", *rounds, "picked", "picked at even odds", "kept", "cpu_s"]
    lines = [
        f"Recipes recommended off line, {len(told)} campaigns",
        f"{'':29}{'share of the optimum, median (min to max)':>48}",
    ]
    for name in rows:
        middle, low, high = _spread([one[name] for one in told])
        lines.append(f"{_CAMPAIGN.get(name, name):29}{f'{middle:.3g} ({low:.3g} to {high:.3g})':>48}")
    return [*lines, ""]


def campaign_checks(told: Sequence[Mapping[str, float]]) -> list[Check]:
    """Return what was promised of campaigns."""

    def median(name: str) -> float:
        return float(np.median([one[name] for one in told]))

    def check(rank: str, what: str, value: float, limit: float, relation: str = ">=") -> Check:
        return Check(rank=rank, what=f"campaign, median: {what}", value=value, limit=limit, relation=relation, digits=3)

    best, random, design = (median(name) for name in ("campaign", "random", "design"))
    return [
        check("Must", "best run over the best of random ones", best / max(random, 1e-9), 1.0, ">"),
        check("Must", "best run over the best of its design", best / max(design, 1e-9), 1.0, ">"),
        check("Aim", "best run, share of the optimum", best, 0.85),
        check("Aim", "best run, share of the optimum", best, 0.95),
    ]


def cost_lines(costs: Costs) -> list[str]:
    """Return what decisions cost."""
    return [
        "CPU s of decisions, default search, one thread, both forecasts included",
        *(
            f"{name:29}one vessel {alone:.3f}, {costs.n_vessels} vessels together {costs.together[name]:.2f}"
            for name, alone in costs.alone.items()
        ),
        "",
    ]


def cost_checks(costs: Costs) -> list[Check]:
    """Return what was promised of the time that decisions take."""
    alone, together = max(costs.alone.values()), max(costs.together.values())
    return [
        Check(rank="Must", what="CPU s of one decision", value=alone, limit=0.3),
        Check(rank="Must", what=f"CPU s of the decisions for {costs.n_vessels} vessels", value=together, limit=3.0),
    ]


_CAMPAIGN = {
    "random": "best of random recipes",
    "design": "best of the design",
    "picked": "handed over, P >= 0.8",
    "picked at even odds": "handed over, P >= 0.5",
    "kept": "(share that kept the limits)",
    "cpu_s": "(CPU s a round)",
}


def to_json(told: Sequence[Told]) -> dict[str, object]:
    """Return all figures as plain data, by arm."""
    return {name: asdict(figures(told, name)) for name in _names(told)}


def _names(told: Sequence[Told]) -> list[str]:
    return list({name: None for t in told for name in t.arms})


def _spread(values: Sequence[float]) -> Spread:
    return _short(float(np.median(values))), _short(min(values)), _short(max(values))


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
