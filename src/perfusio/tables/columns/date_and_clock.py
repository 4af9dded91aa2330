"""Dates and clock times in columns of their own, and elapsed times as hh:mm, made into columns that are known.

A column of dates beside one of clock times is one time stamp. Hours and minutes without a date are elapsed time where
the header says so or a value is beyond a day; else it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from perfusio.tables.cells.sheets import Sheet
from perfusio.tables.columns.header_names import ELAPSED, STAMP_WORDS, form_of, names_of
from perfusio.tables.columns.problems import Problems
from perfusio.tables.columns.questions import column_reading
from perfusio.tables.columns.timestamps import is_date_only, read_stamps

if TYPE_CHECKING:
    from perfusio.tables.columns.grid import ReadOptions

_clock = re.compile(r"(\d{1,4}):([0-5]\d)(?::([0-5]\d)(?:[.,]\d+)?)?(?:\s*([aApP])\.?[mM]\.?)?").fullmatch
_days_and_clock = re.compile(r"(\d{1,3}) days?,\s*(\d{1,2}:\d{2}:\d{2})").fullmatch
_midnight = re.compile(r"(.*\d)[ T]00:00(?::00)?").fullmatch
_ELAPSED_WORDS = ("elapsed", "process", "culture", "age", "duration", "inoculation", "eft", "hh:mm", "h:mm")
_TIME_WORDS = ("time", "clock", "zeit", "hour", "uhrzeit", "heure", "hora")
_DATE_WORDS = ("date", "datum")
_OF_SAMPLES = ("", "sample", "sampling", "sampled", "ofday", "ofsample", "ofsampling", "clock", "start")
_STAMPS = frozenset(form_of(word) for word in STAMP_WORDS)


def with_one_time(sheet: Sheet, at: int, options: ReadOptions, problems: Problems, remarks: list[str]) -> Sheet:
    """Return a sheet whose times stand in one column.

    Args:
        sheet: Lines of cells.
        at: Which row is the header.
        options: The user's declarations.
        problems: Collects questions.
        remarks: Collects joins and conversions.
    """
    header, body = sheet.rows[at], sheet.rows[at + 1 :]
    unread = {form_of(text) for text in options.ignore}
    units = {i for i, cell in enumerate(body[0]) if cell.strip().lower() in ELAPSED} if body else set[int]()
    columns = {
        i: [row[i].strip() if len(row) > i and not (i in units and row is body[0]) else "" for row in body]
        for i, name in enumerate(header)
        if name.strip() and form_of(name) not in unread
        and _may_be(_first(body[i in units :], i))  # a long column is looked at once
    }  # fmt: skip
    clocks = [i for i, cells in columns.items() if _are_clocks(cells)]
    if not clocks:
        return sheet
    dates = [i for i, cells in columns.items() if _is_stamp(header[i], options) and _are_dates(cells)]
    pairs = _pairs(header, dates, clocks)
    for date, clock in pairs:
        sheet = _joined(sheet, at, date, clock)
        remarks.append(f"columns {header[date].strip()!r} and {header[clock].strip()!r} were read as one time stamp.")
    paired = {clock for _, clock in pairs}
    for i in (i for i in clocks if i not in paired and _is_time(header[i], options)):
        sheet = _elapsed(sheet, at, i, columns[i], options, problems, remarks, is_said=i in units)
    return sheet


def _first(body: Sequence[Sequence[str]], i: int) -> str:
    """Return the first cell of a column that has anything."""
    return next((text for row in body if len(row) > i and (text := row[i].strip())), "")


def _may_be(cell: str) -> bool:
    return _are_clocks([cell]) or _are_dates([cell])


def _known(cells: Sequence[str]) -> list[str]:
    return [cell for cell in cells if cell]


def _are_clocks(cells: Sequence[str]) -> bool:
    known = _known(cells)
    return bool(known) and all(_clock(cell) or _days_and_clock(cell) for cell in known)


def _are_dates(cells: Sequence[str]) -> bool:
    """Whether all cells are dates without a time of day; Excel keeps midnight behind each of them."""
    known = _known(cells)
    bare = [cell if is_date_only(cell) else (m[1] if (m := _midnight(cell)) else "") for cell in known]
    return bool(known) and all(bare) and not read_stamps(bare, "dmy").refused.keys() >= set(range(len(bare)))


def _is_stamp(name: str, options: ReadOptions) -> bool:
    said = {form_of(text): meaning for text, meaning in options.columns.items()}
    return form_of(name) in _STAMPS or said.get(form_of(name)) == "timestamp"


def _is_time(name: str, options: ReadOptions) -> bool:
    """Whether a column of clock times is meant as the time of the samples."""
    names = names_of(options.panel)
    said = {form_of(text): meaning for text, meaning in options.columns.items()}
    text = said.get(form_of(name), name)
    meaning = names.meaning_of(names.split(text)[0])
    return meaning in ("time", "timestamp") or form_of(names.split(text)[0]) in names.vague


def _stem(name: str, words: Sequence[str]) -> str:
    form = form_of(name)
    for word in words:
        form = form.replace(word, "")
    return form


def _pairs(header: Sequence[str], dates: Sequence[int], clocks: Sequence[int]) -> list[tuple[int, int]]:
    """Return which clock times belong to which dates: the only ones, or those that are called alike."""
    named = [i for i in clocks if any(word in form_of(header[i]) for word in _TIME_WORDS)]
    found = []
    for date in dates:
        of_date = _stem(header[date], _DATE_WORDS)
        plain = _OF_SAMPLES if len(dates) == 1 else ()
        alike = [c for c in named if (stem := _stem(header[c], _TIME_WORDS)) == of_date or stem in plain]
        if len(alike) == 1:
            found.append((date, alike[0]))
    return found


def _joined(sheet: Sheet, at: int, date: int, clock: int) -> Sheet:
    """Return the sheet with the clock times behind the dates, and their own column without name and values."""
    rows = [list(row) for row in sheet.rows]
    rows[at][clock] = ""
    for row in rows[at + 1 :]:
        if len(row) <= max(date, clock):
            continue
        day, time = row[date].strip(), row[clock].strip()
        if (bare := _midnight(day)) and time:
            day = bare[1]
        row[date], row[clock] = f"{day} {time}".strip() if day else "", ""
    return replace(sheet, rows=tuple(rows))


def _hours(cell: str) -> float | None:
    """Return hours and minutes as hours; None for a clock with am or pm."""
    if days := _days_and_clock(cell):
        rest = _hours(days[2])
        return None if rest is None else 24.0 * int(days[1]) + rest
    found = _clock(cell)
    if found is None or found[4]:
        return None
    return int(found[1]) + int(found[2]) / 60.0 + int(found[3] or 0) / 3600.0


def _elapsed(
    sheet: Sheet, at: int, i: int, cells: Sequence[str], options: ReadOptions, problems: Problems, remarks: list[str],
    *, is_said: bool,
) -> Sheet:  # fmt: skip
    """Return the sheet with an elapsed time in hours; a possible clock time without its date is asked."""
    name = " ".join(sheet.rows[at][i].split())
    said = {form_of(text): meaning for text, meaning in options.columns.items()}.get(form_of(name), "")
    hours = {cell: _hours(cell) for cell in cells if cell}
    if any(h is None for h in hours.values()):
        return sheet  # clocks with am or pm: the check of numbers refuses them
    is_said |= any(unit in said for unit in ELAPSED) or any(word in name.lower() for word in _ELAPSED_WORDS)
    if not is_said and max(h for h in hours.values() if h is not None) < 24.0:
        problems.line(
            sheet.lines[at],
            f"column {name!r} has hours and minutes up to {max(cells)!r} and there is no column of dates beside it.",
            readings=(column_reading("they count from inoculation", name, f"time [{ELAPSED[0]}]"),),
            remedy="If they are clock times, add a column of dates.",
        )
    rows = [list(row) for row in sheet.rows]
    for row in rows[at + 1 :]:
        if len(row) > i and (h := hours.get(row[i].strip())) is not None:
            row[i] = f"{round(h * 1e6)}e-6"  # without a decimal mark: that of the other columns is not known yet
    remarks.append(f"column {name!r}: hours and minutes were read as elapsed time.")
    return replace(sheet, rows=tuple(rows))
