"""The table of recipes that `perfusio design` and `perfusio recommend` write: one row per run, its setpoints."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from perfusio.errors import OutOfRange, UnreadableSource
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.state import Setpoints
from perfusio.tables.cells.sheets import existing_file, read_bytes, text_of


def recipes_header(panel: Panel) -> tuple[str, ...]:
    """Return the header of a table of recipes of a process."""
    return ("run", "standard_order", "point", *(q.header for q in panel.setpoints))


RECIPES_HEADER: tuple[str, ...] = recipes_header(CHO_PERFUSION)


def read_recipes(path: str | Path, panel: Panel = CHO_PERFUSION) -> dict[str, Setpoints]:
    """Return setpoints by run, in the order of the file; other columns than run and setpoints are notes.

    Args:
        path: Of the table.
        panel: The process whose setpoints these are.

    Raises:
        UnreadableSource: no such file, or not a table of recipes; all problems are listed.
    """
    file = existing_file(Path(path))
    rows = csv.DictReader(io.StringIO(text_of(read_bytes(file), file.name)[0]))
    columns = {q.name: q.header for q in panel.setpoints}
    headers = rows.fieldnames or ()
    absent = [c for c in ("run", *columns.values()) if c not in headers]
    if absent or "day" in headers:
        found = f"no column {', '.join(map(repr, absent))}" if absent else "a column 'day', so these are runs"
        raise UnreadableSource(
            (
                f"{file.name}, line 1: {found}. Expected a table of recipes, one row each, as `perfusio design --out` "
                "and `perfusio recommend --out` write it.",
            ),
            connector=str(file),
        )
    recipes: dict[str, Setpoints] = {}
    problems: list[str] = []
    for line, row in enumerate(rows, start=2):
        name = (row["run"] or "").strip()
        if not name or name in recipes:
            problems.append(
                f"{file.name}, line {line}: run {name!r}, expected a name that no other row has. Rename it."
            )
        try:
            values = {setpoint: float(row[column] or "nan") for setpoint, column in columns.items()}
            for setpoint, value in values.items():
                if value != value:
                    raise ValueError(f"{setpoint} is empty")
                panel[setpoint].check(value)
            recipes[name] = Setpoints.of_values(panel, values)
        except (ValueError, OutOfRange) as error:
            problems.append(f"{file.name}, line {line}: {error}. Expected a number for each setpoint. Fill it in.")
    if not recipes and not problems:
        what = "has no recipe, only a header. Expected one row per run. Write it anew, or leave it away"
        problems.append(f"{file.name} {what}.")
    if problems:
        raise UnreadableSource(tuple(problems), connector=str(file))
    return recipes


def recipe_cells(recipes: Mapping[str, Setpoints], point: str) -> list[list[str]]:
    """Return the cells of rows under `recipes_header`; `point` says where the recipes come from."""
    return [
        [name, str(number), point, *(f"{value:g}" for value in recipe.vector())]
        for number, (name, recipe) in enumerate(recipes.items(), start=1)
    ]
