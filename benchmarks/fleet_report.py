"""What `bench_fleet` says of its runs: tables, and what must and is to hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from fleet_runs import BAD_DAYS, TARGET, Ran
from perfusio.study.fleet import FROM_DAY

AIM_DAY_S, AIM_RUN_S = 5.0, 300.0
TOGETHER, ALONE = "together", "alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line on what must ("Must") or is to ("Aim") hold: in words, what was found, and whether it does."""

    kind: str
    what: str
    found: str
    holds: bool

    def line(self) -> str:
        """As it is printed."""
        return f"{self.kind:4}  {self.what:<74}{self.found:>28}   {'yes' if self.holds else 'NO'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A section: its tables, its checks, and its figures as plain data."""

    lines: Sequence[str]
    checks: Sequence[Check]
    figures: Mapping[str, Any] = field(default_factory=dict)


def of_fleets(together: list[Ran], alone: list[Ran], others: list[Ran]) -> Told:
    """What fleets cost, and what their vessels teach each other.

    Args:
        together: One fleet per seed.
        alone: The same vessels, each under a twin of its own.
        others: Fleets of other sizes, for their costs.
    """
    n, days = together[0].job.n_vessels, together[0].job.days
    seeds = [r.job.seed for r in together]
    by_size = {1: alone, n: together} | {r.job.n_vessels: [r] for r in others}
    costs = {size: cost(by_size[size]) for size in sorted(by_size)}
    tracked = {TOGETHER: medians(together, seeds), ALONE: medians(alone, seeds)}
    totals = [costs[size]["total"] for size in sorted(costs) if size <= n]
    plain, _ = twin_days(together)
    whole = float(np.median([r.wall_s for r in together]))
    error = {name: float(np.median(errors)) for name, errors in tracked.items()}
    checks = [
        Check(
            kind="Must", what=f"CPU s per vessel-day fall from {' to '.join(str(s) for s in sorted(costs) if s <= n)}",
            found=" > ".join(f"{t:.3f}" for t in totals), holds=all(a > b for a, b in pairwise(totals)),
        ),
        Check(
            kind="Must", what=f"error of {n} vessels that learn together below the same alone, median of seeds [%]",
            found=f"{error[TOGETHER]:.2f} < {error[ALONE]:.2f}", holds=error[TOGETHER] < error[ALONE],
        ),
        Check(
            kind="Aim", what=f"a day of {n} vessels without refit [CPU s]",
            found=f"{np.median(plain):.1f} <= {AIM_DAY_S:g}", holds=bool(np.median(plain) <= AIM_DAY_S),
        ),
        Check(
            kind="Aim", what=f"a whole run of {n} vessels, {days} days [s]",
            found=f"{whole:.0f} <= {AIM_RUN_S:g}", holds=whole <= AIM_RUN_S,
        ),
    ]  # fmt: skip
    lines = [*of_costs(costs), *of_a_day(together, n), *of_learning(tracked, seeds, n, days)]
    return Told(lines=lines, checks=checks, figures={"costs": costs, "errors_pct": tracked})


def of_trouble(digests: Mapping[str, tuple[str, int]]) -> Told:
    """What one vessel's trouble changed for the others: digests of decisions by kind of trouble and "absent"."""
    absent = digests["absent"]
    same = {how: found == absent for how, found in digests.items() if how != "absent"}
    bad = f"days {BAD_DAYS[0]} to {BAD_DAYS[-1]}"
    lines = [
        "",
        f"One vessel fails on {bad}; {absent[1]} decisions for the others, against a run without its samples then:",
        *(f"  {how:10}{'identical to the bit' if kept else 'DIFFERENT'}" for how, kept in same.items()),
    ]
    checks = [
        Check(
            kind="Must", what="one vessel's trouble changes no bit of what is decided for the others",
            found=", ".join(same), holds=all(same.values()),
        )
    ]  # fmt: skip
    return Told(lines=lines, checks=checks, figures={"same": same})


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


def twin_days(runs: list[Ran]) -> tuple[list[float], list[float]]:
    """CPU seconds of days without a refit, and of those with one."""
    days = [(cpu, refit) for r in runs for cpu, refit in zip(r.turns[:-1], r.refit[:-1], strict=True)]
    return [cpu for cpu, refit in days if not refit], [cpu for cpu, refit in days if refit]


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
    plain, with_refit = twin_days(runs)
    told = f"{np.median(plain):.1f} without refit (worst {max(plain):.1f}), {np.median(with_refit):.1f} with one"
    whole, wall = np.median([r.cpu_s for r in runs]), np.median([r.wall_s for r in runs])
    return ["", f"A day of {n} vessels [CPU s]: {told}", f"A whole run: median {whole:.0f} CPU s, {wall:.0f} s"]


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
