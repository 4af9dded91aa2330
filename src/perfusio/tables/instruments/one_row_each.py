"""Cells of a long table, one value per row, collected into one row per sample."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from perfusio.tables.cells.sheets import Sheet
from perfusio.tables.columns.header_names import QUALITY
from perfusio.tables.columns.problems import Problems


class OneRowEach:
    """Collects cells by sample and column."""

    def __init__(self, keys: Sequence[str], problems: Problems) -> None:
        """Collect by columns of these names; two different values of one cell go to `problems`."""
        self._keys, self._problems = list(keys), problems
        self._columns: dict[str, int] = {}
        self._samples: dict[tuple[str, ...], dict[str, str]] = {}
        self._lines: dict[tuple[str, ...], int] = {}

    def put(self, line: int, key: tuple[str, ...], column: str, cell: str) -> None:
        """Add one value; the same one twice is one, two different ones are a problem."""
        self._lines.setdefault(key, line)
        row = self._samples.setdefault(key, {})
        if column:
            self._columns.setdefault(column, len(self._columns))
            if row.setdefault(column, cell) != cell:
                self._problems.line(
                    line,
                    f"states {column} = {cell!r} for {' '.join(filter(None, key))}, but an earlier line states "
                    f"{row[column]!r}. Keep the right one.",
                )

    def remark(self, remarks: Mapping[tuple[str, ...], Mapping[str, str]]) -> None:
        """Add remarks by quantity, as the column `quality` holds them."""
        for key, said in remarks.items():
            self._columns.setdefault(QUALITY, len(self._columns))
            self._samples[key][QUALITY] = json.dumps(said)

    def sheet(self, old: Sheet) -> Sheet:
        """Return one row per sample."""
        used = [i for i in range(len(self._keys)) if not self._samples or any(key[i] for key in self._samples)]
        header = [*(self._keys[i] for i in used), *self._columns]
        rows = [
            [*(key[i] for i in used), *(row.get(c, "") for c in self._columns)] for key, row in self._samples.items()
        ]
        return replace(old, rows=(header, *rows), lines=(old.lines[0], *self._lines.values()), is_cut=False)
