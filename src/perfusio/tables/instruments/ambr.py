"""The ambr workbook: one sheet per vessel, a pair of columns (time in hours, value) per signal, pumps as total volumes.

Signals are no samples: the setpoints in force between two samples follow from them. Temperature and stirrer speed are
averaged over the interval; a pumped volume becomes a rate, its increase over the interval by the volume of the culture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perfusio.errors import UnknownQuantity
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.process.species import SetpointRole
from perfusio.quantities import conversion_factor
from perfusio.state import FloatArray, Setpoints
from perfusio.tables.cells.cells import read_numbers
from perfusio.tables.columns.column import Column, Role
from perfusio.tables.columns.columns import read_header
from perfusio.tables.columns.header_names import VOLUME, Names, form_of, names_of
from perfusio.tables.columns.problems import Problems
from perfusio.tables.excel import Cell, Workbook, cell_text

AMBR = "ambr workbook"
DAY_H = 24.0
_NOISE = 1e-3
"""A cumulative volume may seem to shrink by this share of its largest value; more is a reset or an error."""
_PUMPED: tuple[SetpointRole, ...] = ("perfusion", "bleed")
"""Roles of which the name of a pump tells."""
_TIME_WORDS = ("time", "time (h)", "time [h]", "hours", "elapsed time", "inoculation time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One signal of one vessel.

    Attributes:
        times_h: When, rising [h].
        values: In canonical units; volumes in mL.
        is_volume: Whether it is a cumulative volume.
    """

    times_h: FloatArray
    values: FloatArray
    is_volume: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """Signals of one vessel, by the setpoint that they tell about.

    Attributes:
        by_setpoint: At most one for each setpoint.
        volume: Of the culture, in mL, if it was recorded.
        panel: The process whose setpoints these are.
    """

    by_setpoint: Mapping[str, Signal]
    volume: Signal | None
    panel: Panel = CHO_PERFUSION

    @property
    def last_h(self) -> float:
        """Time of the last value of all signals [h]."""
        return max((float(s.times_h[-1]) for s in self.by_setpoint.values()), default=0.0)

    def in_force(self, from_h: float, to_h: float) -> Setpoints:
        """Return the setpoints in force between two times; NaN where no signal tells."""
        found = {name: self._one(signal, from_h, to_h) for name, signal in self.by_setpoint.items()}
        known = {n: v for n, v in found.items() if v == v and v >= self.panel[n].low}
        return Setpoints.of_values(self.panel, known)

    def _one(self, signal: Signal, from_h: float, to_h: float) -> float:
        if not signal.is_volume:
            inside = (signal.times_h >= from_h) & (signal.times_h < to_h)
            return float(np.mean(signal.values[inside])) if inside.any() else float("nan")
        if to_h > signal.times_h[-1] + 1.0 or self.volume is None:
            return float("nan")  # the pumps of an interval that is not over say too little
        pumped = np.interp([from_h, to_h], signal.times_h, signal.values)
        inside = (self.volume.times_h >= from_h) & (self.volume.times_h <= to_h)
        volume = float(np.mean(self.volume.values[inside])) if inside.any() else float("nan")
        return float(pumped[1] - pumped[0]) / volume / ((to_h - from_h) / DAY_H) if volume > 0 else float("nan")


def is_ambr(book: Workbook) -> bool:
    """Whether every sheet with content consists of pairs of time and value."""
    sheets = [cells for name in book.sheet_names if (cells := _content(book, name))]
    return bool(sheets) and all(len(_pairs(cells)) > 1 for cells in sheets)


def read_signals(
    book: Workbook,
    columns: Mapping[str, str],
    problems: Problems,
    remarks: list[str],
    panel: Panel = CHO_PERFUSION,
) -> dict[str, Signals]:
    """Return the signals of each vessel, by the name of its sheet.

    Args:
        book: The workbook.
        columns: The user's word on signals, e.g. ``{"Feed#1 volume pumped (mL)": "perfusion_rate"}``.
        problems: Collects faults.
        remarks: Collects columns left unread.
        panel: The process whose setpoints are told about.
    """
    found, unread = {}, dict[str, None]()
    for sheet in book.sheet_names:
        cells = _content(book, sheet)
        if not cells:
            continue
        by_setpoint: dict[str, Signal] = {}
        volume = None
        for place, label in _pairs(cells):
            meaning = _meaning(label, columns, names_of(panel))
            if meaning is None:
                unread[label] = None
                continue
            name, factor, is_volume = meaning
            signal = _signal(sheet, cells, place, label, factor, is_volume, problems)
            if signal is None:
                continue
            if name == VOLUME.name:
                volume = signal
            elif name in by_setpoint:
                problems.file(f"sheet {sheet!r}: two signals give {name}, expected one. Rename all but one of them.")
            else:
                by_setpoint[name] = signal
        found[sheet] = Signals(by_setpoint=by_setpoint, volume=volume, panel=panel)
        if volume is None and any(s.is_volume for s in by_setpoint.values()):
            problems.file(f"sheet {sheet!r} has pumped volumes, but no signal 'Volume': expected it, to know rates. "
                          "Export it, too.")  # fmt: skip
    if unread:
        remarks.append(f"signals that are no setpoint were left unread: {', '.join(unread)}.")
    return found


def _content(book: Workbook, sheet: str) -> list[list[Cell]]:
    return [row for row in book.cells(sheet) if any(cell_text(cell) for cell in row)]


def _pairs(cells: Sequence[Sequence[Cell]]) -> list[tuple[int, str]]:
    """Return the place of each pair and the name of its signal; nothing where the sheet does not consist of pairs."""
    header = [cell_text(cell) for cell in cells[0]]
    while header and not header[-1]:
        header.pop()
    header += [""] * (len(header) % 2)
    times = {form_of(word) for word in _TIME_WORDS}
    found = []
    for i in range(0, len(header), 2):
        first, second = header[i : i + 2]
        first_is_time = form_of(first) in times
        if first_is_time and second and form_of(second) not in times:
            found.append((i, second))
        elif first and not first_is_time and (not second or form_of(second) == form_of(first)):
            found.append((i, first))
        else:
            return []
    return found


def _meaning(label: str, columns: Mapping[str, str], names: Names) -> tuple[str, float, bool] | None:
    """Return the setpoint that a signal tells about, the factor to its unit, and whether it is a cumulative volume."""
    said = {form_of(k): v for k, v in columns.items()}.get(form_of(label))
    name, unit = names.split(label)
    words = form_of(name)
    is_volume = "volume" in words or "pumped" in words
    if words in ("volume", "vesselvolume", "culturevolume"):
        return VOLUME.name, _volume_factor(unit), False
    if is_volume:
        told = next((role for role in _PUMPED if role in words), None)
        rate = said or (names.panel.one_or_none(told) if told else None)
        return (names.split(rate)[0], _volume_factor(unit), True) if rate else None
    column = _column(label, said or _setpoint(name, names), names.panel)
    return None if column is None or column.role is not Role.SETPOINT else (column.name, column.factor, False)


def _setpoint(name: str, names: Names) -> str | None:
    """Return the setpoint that a signal tells about: the reading of a vessel meanwhile stands for the setpoint."""
    meaning = names.meaning_of(name)
    asked = names.asked_of(meaning) if meaning else None
    return asked.name if asked else meaning


def _column(label: str, said: str | None, panel: Panel) -> Column | None:
    found = read_header([label], Problems(""), columns={label: said} if said else None, panel=panel)
    return found[0] if found else None


def _volume_factor(unit: str) -> float:
    try:
        return conversion_factor(unit, VOLUME) if unit else 1.0
    except UnknownQuantity:
        return 1.0


def _signal(
    sheet: str, cells: Sequence[Sequence[Cell]], place: int, label: str, factor: float, is_volume: bool,
    problems: Problems,
) -> Signal | None:  # fmt: skip
    texts = [(cell_text(row[place]), cell_text(row[place + 1]) if len(row) > place + 1 else "") for row in cells[1:]]
    kept = [(t, v) for t, v in texts if t and v]
    times, values = (read_numbers([pair[k] for pair in kept]) for k in (0, 1))
    for numbers, what in ((times, "time"), (values, "value")):
        for i, why in numbers.refused.items():
            row = next(n for n, pair in enumerate(texts, start=2) if pair == kept[i])
            found = kept[i][what == "value"]
            problems.file(f"sheet {sheet!r}, row {row}: {what} {found!r} of {label!r} {why} Mend the cell.")
    known = np.isfinite(times.values) & np.isfinite(values.values)
    t, v = times.values[known], values.values[known] * factor
    if t.size == 0:
        return None
    if (np.diff(t) < 0).any():
        problems.file(f"sheet {sheet!r}: the times of {label!r} do not rise, expected hours that do. Sort the sheet.")
    if is_volume and (np.diff(v) < -_NOISE * max(float(v.max()), 1.0)).any():
        problems.file(
            f"sheet {sheet!r}: {label!r} shrinks, expected a cumulative volume. Was the counter set back? Correct it, "
            "or leave the signal out of the mapping."
        )
    return Signal(times_h=t, values=np.maximum.accumulate(v) if is_volume else v, is_volume=is_volume)
