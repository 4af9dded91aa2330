"""Names of samples: which vessel a sample is from, and its day, where the names say so and the dates agree.

A number at the end of a name can be the day (R01-D03), the vessel (BR-03) or a counter (CLB003). It is a day only if
the dates of the file agree; the same names on every date are vessels; all else is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from perfusio.state import FloatArray
from perfusio.tables.columns.problems import Problems
from perfusio.tables.columns.questions import Reading

DAY_PATTERN = r"(?P<reactor>.*?[^\s_-])[\s_-]+(?P<letter>day|d)?[\s_-]*(?P<day>\d{1,3}(?:\.\d+)?)"
"""Names of samples as people like to give them: R01-D03, HT2_5, Vessel 3 day 07."""
TYPED_DAY = r"(?P<reactor>.*?[^\s_-])[\s_-]+(?:day|d)?[\s_-]*(?P<day>\d{1,3}(?:\.\d+)?)"
WHOLE = "(?P<reactor>.+)"
_fits_day = re.compile(DAY_PATTERN, re.IGNORECASE).fullmatch
APART_H = 4.0
"""Two samples of one culture are further apart than this; a repeated measurement is not [h]."""
CLOSE_H = 1.0
"""Samples that follow each other within this time are of different vessels: one culture is sampled once or twice a
day [h]."""
_LARGEST_SHIFT_DAYS = 0.8
"""A sample of day 4 is taken a day after that of day 3, some hours sooner or later [day]."""
_LONGEST_PAUSE_H = 14 * 24.0
"""Nobody leaves a culture alone for longer [h]."""
_STILL_OPEN = "Before they can be used, say it: --reactor NAME if all are of one vessel, or --vessel-pattern."
_MOST_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts of the name of a sample; the day is NaN where it says none.

    Where `is_open` nobody said which vessel it is from, and `reactor` is the whole name.
    """

    run: str = ""
    reactor: str = ""
    day: float = float("nan")
    is_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Columns of the file beside the names.

    Attributes:
        header: Header of the column of names.
        hours: When each row was sampled, from any start, shape (N,) [h]; NaN where the file does not say.
        midnight_h: A midnight on that scale [h]; NaN where the file has culture times and no dates.
    """

    header: str
    hours: FloatArray
    midnight_h: float = float("nan")


def says_day(name: str) -> bool:
    """Whether a name ends with a day that is called one: ``R01-D03``, ``Vessel 3 day 07``."""
    found = _fits_day(name.strip())
    return bool(found and found["letter"])


def parted(
    names: Sequence[str], beside: Beside, lines: Sequence[int], pattern: str, problems: Problems, remarks: list[str],
    *, only_vessel: str = "", may_stay_open: bool = False,
) -> list[Parts]:  # fmt: skip
    """Take the names of samples apart; open points are asked.

    Args:
        names: Of each row.
        beside: Other columns of each row.
        lines: Of each row, for messages.
        pattern: Regular expression with the groups ``reactor``, ``run`` or ``day`` that the user declared, or empty.
        problems: Collects questions.
        remarks: Collects assumptions.
        only_vessel: The vessel that is meant where the names leave it open.
        may_stay_open: The vessels may stay open where times show that the samples are no series of one culture.
    """
    for i, name in enumerate(names):
        if not name:
            why = "is empty, expected the name of the sample. Fill it in, or remove the row."
            problems.cell(lines[i], beside.header, name, why)
    if pattern:
        return _by_pattern(names, beside, lines, pattern, problems)
    if len(set(names)) == 1 and not _fits_day(names[0]):
        return [Parts(reactor=name) for name in names]
    found = [_fits_day(name) for name in names]
    if all(found):
        parts = [Parts(reactor=m["reactor"], day=float(m["day"])) for m in found if m]
        has_letters = all(m["letter"] for m in found if m)
        if _agree(parts, beside, has_letters=has_letters):
            return parts
    whole = [Parts(reactor=name) for name in names]
    if _recur(names, beside.hours) and not any(m and m["letter"] for m in found):
        return whole
    if not any(found) and _are_minutes_apart(names, beside.hours):
        n = len(set(names))
        remarks.append(
            f"column {beside.header!r}: {n} names, measured minutes apart, so each was read as a vessel of its own. "
            "If they are samples of one vessel: --reactor NAME; if the names say it: --vessel-pattern."
        )
        return whole
    if only_vessel:
        return [Parts(reactor=only_vessel)] * len(names)
    if may_stay_open and not _could_be_series(names, found, beside.hours):
        remarks.append(
            f"column {beside.header!r}: nothing says which vessel each sample is from, and their times show that they "
            f"are no series of one culture: it stays open, and each keeps its name. {_STILL_OPEN}"
        )
        return [Parts(reactor=name, is_open=True) for name in names]
    _ask(names, found, beside, lines, problems)
    return whole


def _by_pattern(
    names: Sequence[str], beside: Beside, lines: Sequence[int], pattern: str, problems: Problems
) -> list[Parts]:
    fits = re.compile(pattern, re.IGNORECASE).fullmatch
    parts = []
    for name, line in zip(names, lines, strict=True):
        match = fits(name)
        said = {k: v for k, v in match.groupdict().items() if v} if match else {}
        if match is None:
            why = (
                f"does not say which vessel it is from: it does not fit the pattern {pattern!r}. Mend the pattern, "
                f"e.g. --vessel-pattern {TYPED_DAY!r}, or leave the row out."
            )
            problems.cell(line, beside.header, name, why, rule="does not fit the pattern")
        try:
            day = float(said.get("day", "nan"))
        except ValueError:
            why = f"gives the day {said['day']!r}, which is no number. Mend the pattern."
            problems.cell(line, beside.header, name, why, rule="no day")
            day = float("nan")
        parts.append(Parts(run=said.get("run", ""), reactor=said.get("reactor", ""), day=day))
    return parts


def _agree(parts: Sequence[Parts], beside: Beside, *, has_letters: bool) -> bool:
    """Whether the numbers are days: the times of each vessel move as the numbers do.

    Without times the letters must say so; a vessel with a single day says nothing.
    """
    numbers = np.array([p.day for p in parts])
    days = beside.hours / 24.0
    if not np.isfinite(days).any():
        return has_letters
    dates = np.floor((beside.hours - beside.midnight_h) / 24.0)  # NaN without dates
    speaks = False
    for reactor in dict.fromkeys(p.reactor for p in parts):
        own = np.array([p.reactor == reactor for p in parts]) & np.isfinite(days)
        if not own.any():
            continue
        if np.ptp(days[own] - numbers[own]) > _LARGEST_SHIFT_DAYS and np.ptp(dates[own] - numbers[own]) != 0:
            return False
        speaks |= np.ptp(numbers[own]) > 0
    return bool(speaks) or has_letters


def _recur(names: Sequence[str], hours: FloatArray) -> bool:
    """Whether names come again at other times, at least half of them: a sample is drawn once, a vessel stays."""
    seen: dict[str, list[float]] = {}
    for name, hour in zip(names, hours.tolist(), strict=True):
        if hour == hour:
            seen.setdefault(name, []).append(hour)
    again = [n for n, h in seen.items() if max(h) - min(h) > APART_H]
    return bool(seen) and len(set(names)) > 1 and 2 * len(again) >= len(set(names))


def _are_minutes_apart(names: Sequence[str], hours: FloatArray) -> bool:
    """Whether one name follows another within minutes, all of them: nobody samples one culture like that.

    A single longer pause would do for two rounds of samples, and two names could be of one vessel.
    """
    order = np.argsort(hours, kind="stable")
    gaps = [hours[j] - hours[i] for i, j in pairwise(order.tolist()) if names[i] != names[j]]
    return bool(gaps) and bool(np.isfinite(hours).all()) and max(gaps) <= CLOSE_H


def _could_be_series(
    names: Sequence[str], found: Sequence[re.Match[str] | None], hours: FloatArray
) -> bool:
    """Whether the samples can have been drawn from one culture, one after the other, or the names hold vessel and day.

    Then one reading would be of use at once, and it is asked; nothing is asked of one sample, of names that were
    measured minutes apart, or months.
    """
    if not np.isfinite(hours).all() or any(m and m["letter"] for m in found):
        return True
    prefixes = [m["reactor"] for m in found if m]
    if len(prefixes) == len(names) and 1 < len(set(prefixes)) < len(set(names)):
        return True
    order = np.argsort(hours, kind="stable").tolist()
    gaps = [hours[j] - hours[i] for i, j in pairwise(order) if names[i] != names[j]]
    return bool(gaps) and min(gaps) > CLOSE_H and max(gaps) <= _LONGEST_PAUSE_H


def _ask(
    names: Sequence[str], found: Sequence[re.Match[str] | None], beside: Beside, lines: Sequence[int],
    problems: Problems,
) -> None:  # fmt: skip
    distinct = list(dict.fromkeys(names))
    more = f" and {len(distinct) - _MOST_SHOWN} more" if len(distinct) > _MOST_SHOWN else ""
    shown = ", ".join(map(repr, distinct[:_MOST_SHOWN])) + more
    first = next((i for i, m in enumerate(found) if m is None), 0) if any(found) else 0
    match = next((m for m in found if m), None)
    readings = []
    if match is not None:
        says = f"a number at the end is the day ({match[0]!r}: vessel {match['reactor']}, day {match['day']})"
        readings.append(_pattern(says, TYPED_DAY))
    readings += [
        _pattern(f"each name is a vessel ({names[first]!r} is one)", WHOLE),
        Reading(says="all are samples of one vessel, e.g. R01", options=("--reactor", "R01"), entry={"reactor": "R01"}),
    ]
    why = "and no date of the file tells"
    if match is not None:
        why = "and the dates do not settle whether the number is a day"
    problems.line(
        lines[first],
        f"column {beside.header!r}: which vessel is each sample from? The names are {shown}, {why}.",
        readings=tuple(readings),
        remedy="Other names: --vessel-pattern with the groups reactor, run or day, e.g. "
        "'(?P<run>B[0-9]+)_(?P<reactor>[A-Z]+)_(?P<day>[0-9]+)'.",
    )


def _pattern(says: str, pattern: str) -> Reading:
    return Reading(says=says, options=("--vessel-pattern", pattern), entry={"sample_pattern": pattern})
