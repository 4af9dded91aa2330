"""A table as typed columns, and how it is asked to be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.tables.cells.cells import Numbers
from perfusio.tables.cells.csv_files import unescaped
from perfusio.tables.cells.missing_by_name import MissingValue
from perfusio.tables.columns.column import Column
from perfusio.tables.columns.header_names import MEDIUM

_NO_MAP: Mapping[str, str] = MappingProxyType({})
_NO_ROWS: Mapping[str, Sequence[str]] = MappingProxyType({})
_NO_START: Mapping[str, datetime] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """The user's declarations about a file; none is needed where the file speaks for itself.

    Attributes:
        columns: Meaning of headers, e.g. ``{"Glu": "glutamate", "X": "vcd [cells/mL]"}``.
        ignore: Headers to leave unread.
        encoding: e.g. ``"cp1252"``.
        decimal: ``"."`` or ``","``.
        date_order: ``"dmy"``, ``"mdy"`` or ``"ymd"``, for dates like 05/06/2024.
        inoculated: Time zero by reactor, or ``""`` for all; without it culture time counts from the first time stamp.
        sample_pattern: Regular expression that finds the groups ``reactor``, ``run`` or ``day`` in names of samples.
        reactor: The vessel that all samples are from, where the file does not say it.
        only_vessel: The vessel that is wanted of the file: all samples are its own where their names leave it open.
        may_stay_open: Which vessel each sample is from may stay open where the file itself shows that no two of its
            samples follow each other in one culture; each sample then keeps its own name.
        fill_down: An empty run, reactor or clone is that of the row above.
        vessels: New names of vessels.
        keep: Rows to read as samples, as values by header, or as lines by ``"line"``.
        leave_out: Rows to leave out, in the same way.
        set_missing: Single values that do not count.
        only_named: Leave every column unread that `columns` does not name.
        may_be_unsorted: Rows with dates may stand in any order, as instruments export them.
        is_part: The rest of the samples may come from other files: no density of cells is needed.
        sheet: Which sheet of a workbook, where several hold samples.
        sampled_at: When all samples of a file without any time were taken.
        fractions: Whether a viability without unit is a fraction, where more of the file is known than is read now.
        instrument: Name of the instrument reader of another package that reads it; empty = perfusio recognises it.
        panel: The process whose quantities the columns hold.
    """

    columns: Mapping[str, str] = field(default_factory=lambda: _NO_MAP)
    ignore: tuple[str, ...] = ()
    encoding: str | None = None
    decimal: str | None = None
    date_order: str | None = None
    inoculated: Mapping[str, datetime] = field(default_factory=lambda: _NO_START)
    sample_pattern: str = ""
    reactor: str = ""
    only_vessel: str = ""
    may_stay_open: bool = False
    fill_down: bool = False
    vessels: Mapping[str, str] = field(default_factory=lambda: _NO_MAP)
    keep: Mapping[str, Sequence[str]] = field(default_factory=lambda: _NO_ROWS)
    leave_out: Mapping[str, Sequence[str]] = field(default_factory=lambda: _NO_ROWS)
    set_missing: tuple[MissingValue, ...] = ()
    only_named: bool = False
    may_be_unsorted: bool = False
    is_part: bool = False
    sheet: str = ""
    sampled_at: datetime | None = None
    fractions: bool | None = None
    instrument: str = ""
    panel: Panel = CHO_PERFUSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """N rows with the header's number of cells.

    Attributes:
        header_line: Line of the header in the file.
        header: Names of all columns.
        columns: Columns to read, in the order of the file.
        cells: Rows as written.
        lines: Line of each row in the file.
        by_column: The same cells, column by column.
        numbers: Each column that holds numbers, as numbers in the unit of the file.
        fill_down: As in the options.
        decimal: Decimal mark of the numbers.
        panel: The process whose quantities the columns hold.
    """

    header_line: int
    header: Sequence[str]
    columns: tuple[Column, ...]
    cells: Sequence[list[str]]
    lines: Sequence[int]
    by_column: Sequence[Sequence[str]]
    numbers: Mapping[Column, Numbers]
    fill_down: bool = False
    decimal: str = "."
    panel: Panel = CHO_PERFUSION

    def text_column(self, name: str) -> Column | None:
        """Return the column of that name, if the file has it."""
        return next((c for c in self.columns if c.name == name), None)

    def texts(self, name: str) -> list[str]:
        """Return a column of texts, empty texts where the file has no such column."""
        column = self.text_column(name)
        if column is None:
            return [""] * len(self.lines)
        parts = [c for c in self.columns if c.name == name]
        if len(parts) > 1:
            return ["/".join(filter(None, texts)) for texts in zip(*map(self._texts, parts), strict=True)]
        return self._texts(column)

    def _texts(self, column: Column) -> list[str]:
        texts = list(map(str.strip, self.by_column[column.index]))
        if any(text[:1] == "'" for text in set(texts)):
            texts = [unescaped(text) for text in texts]
        return _carried(texts) if self.fill_down and column.name in ("run", "reactor", "clone", MEDIUM) else texts


def _carried(texts: list[str]) -> list[str]:
    """Fill empty texts from above."""
    now = ""
    return [now := text or now for text in texts]
