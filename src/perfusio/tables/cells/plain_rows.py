"""A text without quotes as rows of cells that are decoded when they are asked for, and columns that are read as bytes.

A long table has millions of cells and few that anybody looks at. Here the bounds of all cells are found at once, and a
column of plain numbers becomes an array without a text for each of them. Anything else is decoded cell by cell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from perfusio.state import FloatArray

Places = NDArray[np.integer[Any]]
_LONGEST = 17
"""Characters of a number that are read as bytes; a longer one is read as text."""
_EXACT = 2**53
_AT_ONCE = 4096
_POINT, _NO_DIGIT = 10, 255
_POWERS = 10.0 ** np.arange(_LONGEST + 1)


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Bounds of N x C cells in the bytes of a text."""

    data: bytes
    array: NDArray[np.uint8]
    starts: Places
    ends: Places
    separator: str


class PlainColumn(Sequence[str]):
    """One column of such a text."""

    def __init__(self, cells: _Cells, starts: Places, ends: Places) -> None:
        """Hold the bounds of its cells."""
        self._cells, self._starts, self._ends = cells, starts, ends
        self._texts: list[str] | None = None

    def __len__(self) -> int:
        """Return how many cells there are."""
        return len(self._starts)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> PlainColumn: ...

    def __getitem__(self, place: int | slice) -> str | PlainColumn:
        """Return a cell, or the cells of a slice."""
        if isinstance(place, slice):
            return PlainColumn(self._cells, self._starts[place], self._ends[place])
        return self._cells.data[self._starts[place] : self._ends[place]].decode()

    def __iter__(self) -> Iterator[str]:
        """Yield every cell."""
        if self._texts is None:
            self._texts = self._decoded() if len(self) else []
        return iter(self._texts)

    def _decoded(self) -> list[str]:
        zero = int(self._starts[0])
        span = self._cells.data[zero : self._ends[-1]]
        bounds = zip((self._starts - zero).tolist(), (self._ends - zero).tolist(), strict=True)
        if not span.isascii():  # the first row may be a header
            return [span[a:b].decode() for a, b in bounds]
        text = span.decode()
        return [text[a:b] for a, b in bounds]

    def holds(self, character: str) -> bool:
        """Whether any cell has a character of ASCII."""
        if not len(self):
            return False
        array, sought = self._cells.array, ord(character)
        found = np.flatnonzero(array[self._starts[0] : self._ends[-1]] == sought) + self._starts[0]
        at = np.searchsorted(self._starts, found, side="right") - 1
        return bool((found < self._ends[at]).any())

    def numbers(self, decimal: str) -> tuple[FloatArray, Places]:
        """Read the column as numbers, each the very float that Python reads.

        Digits with at most one decimal mark are an integer over a power of ten, both exact below 2**53, so that one
        division rounds right (Clinger 1990, doi 10.1145/93542.93557).

        Args:
            decimal: Decimal mark.

        Returns:
            The numbers, shape (N,), NaN for all other cells; and the places of cells that hold something else.
        """
        parts = range(0, len(self), _AT_ONCE)  # what is worked on stays near the processor
        found = [self._part(slice(at, at + _AT_ONCE), decimal) for at in parts]
        if not found:
            return np.empty(0), np.empty(0, dtype=int)
        others = [places + at for at, (_, places) in zip(parts, found, strict=True)]
        return np.concatenate([values for values, _ in found]), np.concatenate(others)

    def _part(self, part: slice, decimal: str) -> tuple[FloatArray, Places]:
        array, starts, ends = self._cells.array, self._starts[part], self._ends[part]
        n = len(starts)
        first = array.take(starts, mode="clip")
        is_filled = ends > starts
        is_negative = (first == ord("-")) & is_filled
        length = ends - starts - (is_negative | ((first == ord("+")) & is_filled))
        width = int(min(length.max(initial=0), _LONGEST))
        is_plain = (length > 0) & (length <= width)
        digit_of = np.full(256, _NO_DIGIT, dtype=np.uint8)
        digit_of[ord("0") : ord("9") + 1] = np.arange(10)
        digit_of[ord(decimal)] = _POINT
        value, decimals = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        n_points = np.zeros(n, dtype=np.int8)
        at, shortest = ends - width, int(length.min(initial=width))
        for k in range(width):
            character = digit_of.take(array.take(at, mode="clip"))
            if shortest < width - k:
                character[length < width - k] = 0
            is_plain &= character <= _POINT
            is_point = character == _POINT
            if is_point.any():
                n_points += is_point
                decimals[is_point] = width - 1 - k
                value = np.where(is_point, value, 10 * value + character)
            else:
                value *= 10
                value += character
            at += 1
        is_plain &= (n_points <= 1) & (length > n_points) & (value < _EXACT)
        numbers = np.where(is_plain, value / _POWERS[decimals], np.nan)
        return np.where(is_negative, -numbers, numbers), np.flatnonzero(~is_plain & is_filled)


class PlainRows(Sequence[list[str]]):
    """The rows of such a text, all of one length."""

    def __init__(self, cells: _Cells) -> None:
        """Hold the bounds of the cells."""
        self._cells = cells

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._cells.starts)

    @overload
    def __getitem__(self, place: int) -> list[str]: ...

    @overload
    def __getitem__(self, place: slice) -> PlainRows: ...

    def __getitem__(self, place: int | slice) -> list[str] | PlainRows:
        """Return the cells of a row, or the rows of a slice."""
        cells = self._cells
        if isinstance(place, slice):
            return PlainRows(_Cells(cells.data, cells.array, cells.starts[place], cells.ends[place], cells.separator))
        return cells.data[cells.starts[place, 0] : cells.ends[place, -1]].decode().split(cells.separator)

    def __iter__(self) -> Iterator[list[str]]:
        """Yield the cells of each row."""
        data, separator = self._cells.data, self._cells.separator
        for at in range(0, len(self), _AT_ONCE):
            part = slice(at, at + _AT_ONCE)
            starts, ends = self._cells.starts[part, 0].tolist(), self._cells.ends[part, -1].tolist()
            yield from (data[a:b].decode().split(separator) for a, b in zip(starts, ends, strict=True))

    @property
    def width(self) -> int:
        """Cells of each row."""
        return int(self._cells.starts.shape[1])

    def may_hold(self, row: Sequence[str]) -> bool:
        """Whether a row may be among them: its bytes are."""
        cells = self._cells
        sought = cells.separator.join(row).encode()
        return bool(len(self)) and cells.data.find(sought, int(cells.starts[0, 0]), int(cells.ends[-1, -1])) >= 0

    def column(self, place: int) -> PlainColumn:
        """Return one column."""
        return PlainColumn(self._cells, self._cells.starts[:, place].copy(), self._cells.ends[:, place].copy())


def plain_rows(text: str, separator: str, skipped: int = 0) -> tuple[PlainRows, Sequence[int]] | None:
    """Return the rows of a text without quotes that hold anything, and their lines, from 1.

    Args:
        text: The text.
        separator: Of cells.
        skipped: Lines to leave out at the top.

    Returns:
        None where rows differ in length, or letters beyond ASCII stand below the first line.
    """
    data = text.encode()
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    data = data if data.endswith(b"\n") else data + b"\n"
    if not data[data.index(b"\n") :].isascii():
        return None
    array = np.frombuffer(data, dtype=np.uint8)
    is_end, is_separator = array == ord("\n"), array == ord(separator)
    marks, line_ends = np.flatnonzero(is_end | is_separator), np.flatnonzero(is_end)
    line_starts = np.concatenate(([0], line_ends[:-1] + 1))
    counts = np.diff(np.searchsorted(marks, line_ends), prepend=-1)
    is_kept = np.logical_or.reduceat((array > ord(" ")) & ~is_separator, line_starts)
    is_kept[:skipped] = False
    widths = counts[is_kept]
    if not widths.size or (widths != widths[0]).any():
        return None
    ends = (marks if is_kept.all() else marks[np.repeat(is_kept, counts)]).reshape(-1, int(widths[0]))
    starts = np.empty_like(ends)
    starts[:, 1:] = ends[:, :-1] + 1
    starts[:, 0] = line_starts[is_kept]
    lines = range(1, len(line_ends) + 1) if is_kept.all() else tuple((np.flatnonzero(is_kept) + 1).tolist())
    return PlainRows(_Cells(data, array, starts, ends, separator)), lines


def widths_of(rows: Sequence[Sequence[str]]) -> set[int]:
    """Return the numbers of cells that rows have."""
    return ({rows.width} if len(rows) else set()) if isinstance(rows, PlainRows) else set(map(len, rows))


def may_hold(rows: Sequence[Sequence[str]], row: Sequence[str]) -> bool:
    """Whether a row may be among others; False is certain."""
    return rows.may_hold(row) if isinstance(rows, PlainRows) else row[0] in {other[0] for other in rows}


def first_cells(rows: Sequence[Sequence[str]]) -> set[str]:
    """Return the different texts in the first column."""
    return set(rows.column(0)) if isinstance(rows, PlainRows) else {row[0] for row in rows}


def columns_of(rows: Sequence[Sequence[str]], n: int) -> list[Sequence[str]]:
    """Return rows of n cells as n columns."""
    if isinstance(rows, PlainRows):
        return [rows.column(i) for i in range(n)]
    return list(zip(*rows, strict=False)) or [()] * n
