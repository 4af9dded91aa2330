"""Summary of a study: figures by scenario, and paired differences between values of one factor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perfusio.state import FloatArray
from perfusio.study.running.task import Row

N_BOOTSTRAP, LEVEL = 2000, 0.95
FIGURES: Mapping[str, str] = {
    "error_pct": "VCD error [%]", "violated_days": "days broken", "least_viability": "least viab. [%]",
    "moves": "moves/day", "variation": "variation/day", "perfused": "medium [VVD]", "product": "product [mg/L/day]",
    "inside": "inside 80 %",
}  # fmt: skip
"""Shown, with their titles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """Difference of a figure between two values of a factor, all else and the seed the same.

    Attributes:
        value: Of the factor.
        reference: Value that it is compared with.
        mean: Of value minus reference.
        low: Lower end of the 95 % bootstrap interval of the mean.
        high: Upper end.
        n: Pairs.
    """

    value: str
    reference: str
    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        """Say it in a line."""
        words = f"{self.value} minus {self.reference}: {self.mean:+.3g} ({self.low:+.3g} to {self.high:+.3g}"
        return f"{words}, {self.n} pairs)"


def paired(rows: Sequence[Row], factor: str, figure: str, pair_by: Sequence[str]) -> list[PairedDifference]:
    """Compare the first value of a factor with each other one.

    Args:
        rows: One a run.
        factor: Whose values.
        figure: Compared one.
        pair_by: Names that are equal in a pair.
    """
    by_value: dict[str, dict[tuple[object, ...], float]] = {}
    for row in rows:
        key = tuple(row.get(name) for name in pair_by)
        by_value.setdefault(str(row[factor]), {})[key] = float(row[figure])
    values = list(by_value)
    found = []
    for value in values[1:]:
        keys = [k for k in by_value[values[0]] if k in by_value[value]]
        off = np.array([by_value[value][k] - by_value[values[0]][k] for k in keys])
        off = off[np.isfinite(off)]
        if off.size:
            low, high = bootstrap(off)
            found.append(
                PairedDifference(
                    value=value, reference=values[0], mean=float(off.mean()), low=low, high=high, n=off.size
                )
            )
    return found


def bootstrap(values: FloatArray) -> tuple[float, float]:
    """Return the ends of the percentile interval of the mean; of the same values always the same."""
    rng = np.random.default_rng(0)
    means = values[rng.integers(0, values.size, (N_BOOTSTRAP, values.size))].mean(axis=1)
    low, high = np.percentile(means, [50.0 * (1.0 - LEVEL), 50.0 * (1.0 + LEVEL)])
    return float(low), float(high)


def grouped(rows: Sequence[Row], by: Sequence[str]) -> dict[tuple[str, ...], list[Row]]:
    """Return the rows of each combination of some names, in the order in which they come."""
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(str(row[name]) for name in by), []).append(row)
    return found


def table(rows: Sequence[Row], by: Sequence[str]) -> list[list[str]]:
    """Return a table of means, a line for each combination of some names; the first line holds the titles."""
    lines = [[*by, "runs", *FIGURES.values()]]
    for key, some in grouped(rows, by).items():
        means = []
        for name in FIGURES:
            values = np.array([float(row[name]) if row[name] is not None else np.nan for row in some])
            known = values[np.isfinite(values)]
            means.append(f"{known.mean():.3g}" if known.size else "-")
        lines.append([*key, str(len(some)), *means])
    return lines


def as_text(lines: Sequence[Sequence[str]]) -> str:
    """Return a table for a terminal."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(cell.rjust(w) for cell, w in zip(line, widths, strict=True)) for line in lines)
