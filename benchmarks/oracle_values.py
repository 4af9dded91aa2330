"""Oracles of real instrument files: the values that another reader (Allotrope simple model) states, by sample."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MOLAR_MASS = {  # of what the assay reports, written anew here: the oracle must not share a mistake with the reader
    "glucose": 180.16, "lactate": 90.08, "glutamine": 146.14, "glutamate": 147.13, "ammonium": 17.03, "pyruvate": 87.06,
}  # fmt: skip
COUNTER = {
    "viable cell density (cell counter)": "vcd",
    "viability (cell counter)": "viability",
    "average live cell diameter (cell counter)": "diameter",
    "average total cell diameter": "diameter",
}
ANALYTES = {
    "glucose": "glucose", "lactate": "lactate", "glutamine": "glutamine", "glutamate": "glutamate",
    "ammonia": "ammonium", "ammonium": "ammonium", "pyruvate": "pyruvate", "IgG human": "titer",
}  # fmt: skip
CLOSE = 0.006
"""Relative difference that is no error: instruments and oracles round to three or four digits."""


@dataclass
class Truth:
    """What one sample holds: for each quantity the values that the oracle gives (several where it was repeated)."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, quantity: str, value: float) -> None:
        """Add a value in canonical units; the oracle writes -0 where the instrument gave a limit."""
        if math.copysign(1.0, value) < 0:
            return
        self.values.setdefault(quantity, []).append(value)


def _measurements(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "sample document" in node and "measurement time" in node:
            yield node
        else:
            for value in node.values():
                yield from _measurements(value)
    elif isinstance(node, list):
        for value in node:
            yield from _measurements(value)


def oracle(path: Path) -> dict[str, Truth]:
    """Return what the oracle states, by name of the sample, in canonical units."""
    found: dict[str, Truth] = {}
    for measurement in _measurements(json.loads(path.read_text(encoding="utf-8"))):
        truth = found.setdefault(measurement["sample document"]["sample identifier"].strip(), Truth())
        for data in measurement.get("processed data aggregate document", {}).get("processed data document", ()):
            for name, quantity in COUNTER.items():
                if isinstance(data.get(name), dict) and isinstance(data[name].get("value"), int | float):
                    truth.add(quantity, data[name]["value"])
        for analyte in measurement.get("analyte aggregate document", {}).get("analyte document", ()):
            quantity = ANALYTES.get(analyte["analyte name"], "")
            for kind in ("molar concentration", "mass concentration"):
                stated = analyte.get(kind, {})
                if quantity and isinstance(stated.get("value"), int | float):
                    truth.add(quantity, _canonical(quantity, stated["value"], stated["unit"]))
    return {name: truth for name, truth in found.items() if truth.values}


def _canonical(quantity: str, value: float, unit: str) -> float:
    grams = {"g/L": 1.0, "mg/L": 1e-3, "μg/mL": 1e-3}.get(unit)
    if quantity == "titer":
        return value * (grams or 0.0) * 1e3
    mass = MOLAR_MASS[quantity]
    if quantity == "glucose":
        return value * grams if grams else value * mass / 1e3
    return value * grams * 1e3 / mass if grams else value


def written(path: Path) -> list[tuple[str, dict[str, float]]]:
    """Return the rows of a table that perfusio wrote: all texts of the row, and its numbers by quantity."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = []
    for row in rows:
        numbers, texts = {}, []
        for header, cell in row.items():
            name = header.split(" [")[0]
            if name in ("run", "reactor", "clone", "sample"):
                texts.append(cell.lstrip("'"))
            elif cell and name not in ("quality", "medium") and cell[0] not in "<>":  # oracles leave limits out
                try:
                    numbers[name] = float(cell)
                except ValueError:
                    continue
        found.append((" ".join(texts), numbers))
    return found


def differences(path: Path, truths: dict[str, Truth]) -> list[str]:
    """Return in what a written table differs from the oracle: a value that it has no source for, or one that is lost.

    Rows are not matched by name where the table names no sample: each of its values must then be one of the oracle's,
    and each of the oracle's must be found.
    """
    rows, wrong, missing = written(path), [], []
    quantities = dict.fromkeys(q for t in truths.values() for q in t.values)
    for quantity in quantities:
        left = [(name, v) for name, t in truths.items() for v in t.values.get(quantity, ())]
        for text, numbers in rows:
            value = numbers.get(quantity)
            if value is None or (quantity == "diameter" and value == 0.0):
                continue
            own = [(n, v) for n, v in left if n in text] or left
            if not any(_close(value, v) for _, v in own):
                wrong.append(f"{quantity} {value:g} of {text or 'a row'}")
        read = [numbers[quantity] for _, numbers in rows if quantity in numbers]
        for name, truth in truths.items():
            stated = truth.values.get(quantity, [])
            if stated and not any(_close(r, v) for r in read for v in stated):
                missing.append(f"{quantity} of {name} is lost ({stated[0]:g})")
    return [*wrong, *missing]


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= CLOSE * max(abs(a), abs(b)) + 1e-9
