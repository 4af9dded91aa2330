"""The meaning of one cell of a table: a number, nothing, or a limit that the instrument could not pass.

Numbers follow a plain grammar. Python itself reads ``1_000``, ``inf`` and full-width digits as numbers; in a
laboratory's file each of them is a mistake or a question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from perfusio.quantities import normalised
from perfusio.state import FloatArray
from perfusio.tables.cells.plain_rows import PlainColumn

_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?"
_is_number = re.compile(_NUMBER).fullmatch
_limit = re.compile(rf"(<=?|>=?|≤|≥)\s*({_NUMBER})").fullmatch
_with_comma = re.compile(r"[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]{1,3})?").fullmatch
_like_thousands = re.compile(r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}").fullmatch
_like_date = re.compile(r"[0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{1,4}([ T].*)?|[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?").fullmatch
_MISSING = frozenset({
    "", "-", "--", "—", "–", "n.d.", "n.d", "nd", "n/d", "na", "n.a.", "n/a", "#n/a", "nan", "null", "none", "missing",
    "notmeasured",
})  # fmt: skip
_OF_NOTHING = "#DIV/0!"


@dataclass(frozen=True, slots=True)
class Limit:
    """A censored value: the truth lies `below` the limit, or above it."""

    below: bool
    value: float


@dataclass(frozen=True, slots=True)
class Numbers:
    """One column as numbers.

    Attributes:
        values: One per row, NaN where missing or refused; a censored value stands at its limit.
        limits: The censored ones, by row.
        refused: Why a cell is no number, by row: the expectation and the remedy.
        has_percent_sign: Whether any value is written like ``97 %``.
        of_nothing: Rows with ``#DIV/0!``: the mean of no values, so nothing was measured.
    """

    values: FloatArray
    limits: dict[int, Limit]
    refused: dict[int, str]
    has_percent_sign: bool = False
    of_nothing: tuple[int, ...] = ()


def is_missing(text: str) -> bool:
    """Whether a cell says that nothing was measured: empty, ``-``, ``n.d.``, ``NA``, ``NaN``, ..."""
    return normalised(text) in _MISSING


def read_numbers(cells: Sequence[str], *, decimal: str = ".", may_be_percent: bool = False) -> Numbers:
    """Read the cells of one column, with `decimal` as decimal mark."""
    if isinstance(cells, PlainColumn):
        values, others = cells.numbers(decimal)
    else:
        values = _plain_numbers(cells if decimal == "." else [_with_point(cell) for cell in cells])
        others = np.flatnonzero(np.isnan(values))
    limits: dict[int, Limit] = {}
    refused: dict[int, str] = {}
    has_percent_sign, of_nothing = False, list[int]()
    for i in others.tolist():
        text = cells[i].strip()
        if not text:
            continue
        if may_be_percent and text.endswith("%"):
            text, has_percent_sign = text[:-1].rstrip(), True
        plain = text if decimal == "." else _with_point(text)
        if _is_number(plain):
            values[i] = float(plain)
        elif found := _limit(plain):
            values[i] = float(found[2])
            limits[i] = Limit(below=found[1][0] in "<≤", value=values[i])
        elif text.upper() == _OF_NOTHING:
            of_nothing.append(i)
        elif not is_missing(text):
            refused[i] = _why_refused(text, decimal)
    for i in np.nonzero(np.isinf(values))[0].tolist():
        values[i] = nan
        limits.pop(i, None)
        refused[i] = "is beyond every measurable value. Check its exponent and its digits."
    return Numbers(values, limits, refused, has_percent_sign, tuple(of_nothing))


def _plain_numbers(cells: Sequence[str]) -> FloatArray:
    """Return the cells that are numbers, NaN for all others; a column of nothing but digits is parsed at once."""
    joined, n = "\n".join(cells), len(cells)
    # Of these characters alone, what `float` takes is what the grammar takes: no blank, no 1_000, no inf.
    is_plain = joined.isascii() and not joined.encode().translate(None, _OF_NUMBERS)
    if is_plain and joined.count("\n") < max(n, 1):
        has_gaps = n == 0 or "\n\n" in joined or joined[:1] in ("", "\n") or joined[-1] == "\n"
        try:
            return np.fromiter(map(float, [c or "nan" for c in cells] if has_gaps else cells), dtype=float, count=n)
        except ValueError:
            pass  # e.g. 1-2: one of them is no number, and is told by its own
    return np.array([float(cell) if _is_number(cell) else nan for cell in cells], dtype=float)


_OF_NUMBERS = b"0123456789.eE+-\n"


def _with_point(text: str) -> str:
    """Write a number with decimal comma with a point; one that has a point already becomes no number at all."""
    return text.replace(".", "'").replace(",", ".") if text.count(",") <= 1 else text


def _why_refused(text: str, decimal: str) -> str:
    folded = normalised(text)
    if folded.startswith("#"):
        return "is an error value of a spreadsheet. Mend the formula, or leave the cell empty."
    if folded.lstrip("+-<>") in ("inf", "infinity", "∞"):
        return "is not a measured number. Write the limit, e.g. '>150', or leave the cell empty."
    if _like_date(text):
        return (
            "looks like a date or a clock time, expected a number. Give times as culture age, in a column 'day' or "
            "'time [h]'."
        )
    if decimal == "," and "." in text:
        return "has a decimal point, but the other values have decimal commas. Use one decimal mark in the whole file."
    if _with_comma(text):
        return "has a comma, expected a number like 3.5. Decimal commas need ';' or a tab between the columns."
    if re.search(r"\d[\s_'’]+\d", text) or re.search(r"\d,\d{3}", text):
        return "has digits in groups, expected plain digits like 1250. Take the separators out."
    if not text.isascii() and any(c.isdigit() for c in text):
        return "is not written in plain digits 0 to 9. Type the number again."
    return "is not a number. Leave the cell empty or write 'n.d.' if it was not measured."


def decimal_mark(columns: Sequence[Sequence[str]], separator: str) -> tuple[str, tuple[str, str] | None]:
    """Find the decimal mark of a file.

    Args:
        columns: Every cell of the columns that hold numbers.
        separator: Separator of the columns; a comma there leaves the point as only decimal mark.

    Returns:
        The mark, and None; or the likelier mark and the two readings of one value, if both are possible.
    """
    if separator == ",":
        return ".", None
    quick = [c for c in columns if isinstance(c, PlainColumn)]
    if len(quick) == len(columns) and not any(c.holds(",") for c in quick):
        seen = (b for c in columns for cell in c if "." in (b := cell.strip().lstrip("<>≤≥= ")) and _is_number(b))
        if not all(_like_thousands(point) for point in seen):  # the first one settles it
            return ".", None
    bare = [text.strip().lstrip("<>≤≥= ") for column in columns for text in column]
    commas = [c for c in bare if "," in c and _with_comma(c)]
    points = [c for c in bare if "." in c and _is_number(c)]
    mark, marked = (",", commas) if commas else (".", points)
    if commas and points:
        return "." if len(points) >= len(commas) else ",", None  # the others are refused, cell by cell
    if marked and all(_like_thousands(c) for c in marked):
        value = marked[0]
        return mark, (value.replace(",", "."), re.sub("[.,]", "", value))
    return mark, None
