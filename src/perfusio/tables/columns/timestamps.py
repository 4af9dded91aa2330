"""Dates with times, as people and instruments write them, read only where no other reading is possible."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

ORDERS = ("dmy", "mdy", "ymd")
"""Orders of day, month and year that a user can declare."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK = (
    r"(?:[T ,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[aApP]\.?[mM]\.?)?)?"
)
_NUMBERS = r"(?P<a>\d{1,4})(?P<sign>[./-])(?P<b>\d{1,2})(?P=sign)(?P<c>\d{2,4})"
_digits = re.compile(_NUMBERS + _CLOCK, re.A).fullmatch
_words = re.compile(
    rf"(?P<a>\d{{1,2}})[ .-]*(?P<month>[A-Za-z]{{3}})[A-Za-z]*[ .,-]*(?P<c>\d{{4}}){_CLOCK}", re.A
).fullmatch
_EXPECTED = "expected a date with time, e.g. 2024-05-31 16:30"
_NO_DATE = (
    "is no date with time, expected one. Format the column as a date in Excel, or write 2024-05-31 16:30; culture "
    "times belong into a column 'day' or 'time [h]'."
)


@dataclass(frozen=True, slots=True)
class Stamps:
    """One column of dates with times.

    Attributes:
        values: One per cell, without time zone (UTC where the cells had one); None where empty or refused.
        refused: Why a cell is no date, by place: the expectation and the remedy.
        doubt: Place of a cell and its two readings, where the whole column can be read in two ways.
    """

    values: list[datetime | None]
    refused: dict[int, str]
    doubt: tuple[int, str, str] | None = None


def read_stamps(cells: Sequence[str], order: str | None = None) -> Stamps:
    """Read a column of dates with times.

    Years first, months as words and points between the numbers (31.05.2024) have one reading. ``05/06/2024`` has two,
    unless another cell of the column, or `order`, says which number is the day.

    Args:
        cells: As written; an empty one is no date.
        order: One of ORDERS, declared by the user.
    """
    texts = [cell.strip() for cell in cells]
    slashed = [(i, found) for i, text in enumerate(texts) if (found := _slashed(text)) is not None]
    days_first = {f for _, (a, b) in slashed for f in (True, False) if (a if f else b) > 12}
    order = order or ("dmy" if True in days_first else "mdy" if False in days_first else None)
    doubt = None
    if order is None and slashed:
        i, (a, b) = slashed[0]
        different = [(i, pair) for i, pair in slashed if pair[0] != pair[1]]
        if different:
            i, (a, b) = different[0]
            doubt = i, f"{a} {_MONTHS[b - 1].title()}", f"{b} {_MONTHS[a - 1].title()}"
        order = "dmy"
    values, refused = list[datetime | None](), dict[int, str]()
    zones = set()
    for i, text in enumerate(texts):
        value, why = _stamp(text, order or "dmy")
        if why:
            refused[i] = why
        elif value is not None:
            zones.add(value.tzinfo is not None)
            if len(zones) > 1:
                refused[i] = "has a time zone and others have none, or the other way round. Write all of them alike."
                zones.discard(value.tzinfo is not None)
                value = None
        values.append(value.astimezone(UTC).replace(tzinfo=None) if value is not None and value.tzinfo else value)
    return Stamps(values, refused, doubt)


def is_date_only(text: str) -> bool:
    """Whether a date has no time of day; midnight that is written is one."""
    return bool(text.strip()) and ":" not in text and not re.search(r"\d[T ]\d{2,6}", text)


def _slashed(text: str) -> tuple[int, int] | None:
    """Return the first two numbers of a date in which either could be the day."""
    found = _digits(text) if text[2:3] != "" and ("/" in text or "-" in text) else None
    if found is None or found["sign"] == "." or len(found["a"]) == 4 or len(found["c"]) == 3:
        return None
    a, b = int(found["a"]), int(found["b"])
    return (a, b) if 1 <= a <= 31 and 1 <= b <= 31 and min(a, b) <= 12 else None


def _stamp(text: str, order: str) -> tuple[datetime | None, str]:
    """Return the date in a text and nothing; or None and why it is none."""
    if not text:
        return None, ""
    try:
        return datetime.fromisoformat(text), ""
    except ValueError:
        pass
    found = _digits(text) or _words(text)
    if found is None:
        return None, _NO_DATE
    parts = found.groupdict()
    a, c = int(parts["a"]), int(parts["c"])
    if parts.get("month"):
        month = parts["month"].lower()
        if month not in _MONTHS:
            return None, f"names no month: {_EXPECTED}. Write the month as a number, or by its English name."
        year, month_number, day = c, _MONTHS.index(month) + 1, a
    else:
        b = int(parts["b"])
        if len(parts["a"]) == 4 or (order == "ymd" and parts["sign"] != "."):
            year, month_number, day = a, b, c
        elif order == "mdy" and parts["sign"] != ".":
            year, month_number, day = c, a, b
        else:
            year, month_number, day = c, b, a
    hour = int(parts["hour"] or 0)
    if half := (parts["half"] or "").replace(".", "").lower():
        hour = hour % 12 + 12 * (half == "pm")
    year += 2000 if year < 100 else 0
    try:
        stamp = datetime(year, month_number, day, hour, int(parts["minute"] or 0), int(parts["second"] or 0))
    except ValueError as error:
        return None, f"is no date in the calendar ({error}): {_EXPECTED}. Mend it, or declare date_order."
    return stamp, ""
