"""Outside headers to quantities and units: exact names from the registry, or a refusal that asks the right question.

This is the only place where foreign names meet ours. A header is a name, or a name with a unit: ``Glc``,
``Glucose [mmol/L]``, ``VCD (1e6 cells/mL)``, ``titer / g/L``, ``time_h``. Without a unit the values are taken to be in
the canonical unit of the quantity; `plausibility.py` doubts that where the values speak against it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from perfusio.connectors.problems import Problems
from perfusio.errors import ConfigError, UnknownQuantity
from perfusio.quantities import Quantity, closest, conversion_factor, normalised
from perfusio.state import QUANTITIES, SETPOINTS, STATE_QUANTITIES

TIME = Quantity(name="time", unit="h", label="Culture time", low=0.0, high=24.0 * 366, aliases=(
    "culture time", "culture duration", "culture age", "elapsed time", "process time", "age"))  # fmt: skip


class Role(StrEnum):
    """What a column is for."""

    TIME = "time"
    STATE = "state"
    SETPOINT = "setpoint"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a file, understood.

    Attributes:
        index: Place in the row, from 0.
        header: As written in the file.
        role: What it is for.
        name: Quantity, ``"time"``, ``"run"``, ``"reactor"`` or ``"clone"``.
        unit: Unit of the values in the file.
        factor: Turns a value of the file into the canonical unit (hours for times).
        is_bare: Whether the header names no unit, so that the canonical one is assumed.
    """

    index: int
    header: str
    role: Role
    name: str
    unit: str = ""
    factor: float = 1.0
    is_bare: bool = False


_TEXTS: Mapping[str, tuple[str, ...]] = {
    "run": ("run id", "experiment", "exp", "batch", "batch id"),
    "reactor": ("reactor id", "vessel", "vessel id", "bioreactor", "reactor identifier", "reactor identifer"),
    "clone": ("clone id", "cell line"),
}
_DAY_WORDS = ("day", "days", "culture day", "process day", "day of culture")
_HOUR_WORDS = ("hours", "hour", "hrs", "culture hours", "elapsed hours")
# Names that people use for several things, each with the readings that perfusio could give it.
_AMBIGUOUS: Mapping[str, tuple[str, ...]] = {
    "glu": ("glutamate", "glucose"),
    "t": ("temperature", "time", "titer"),
    "g": ("glucose", "glutamine", "glutamate"),
    "l": ("lactate",),
    "v": ("viability", "vcd"),
    "p": ("titer", "pyruvate", "perfusion_rate"),
    "d": ("perfusion_rate", "diameter", "time"),
}
_SELF_EVIDENT_UNITS = ("h", "%", "1/day", "°C", "rpm")  # a single letter with one of these can only be one thing


def _form(name: str) -> str:
    """The form in which headers are compared: also points and hyphens do not count."""
    return re.sub(r"[.\-:]", "", normalised(name))


def _all_names() -> dict[str, str]:
    names = {_form(n): q.name for q in (*QUANTITIES.values(), TIME) for n in (q.name, q.label, *q.aliases)}
    names |= {_form(word): text for text, aliases in _TEXTS.items() for word in (text, *aliases)}
    return {form: name for form, name in names.items() if form not in _AMBIGUOUS}


_NAMES = _all_names()
_WITH_UNIT = {_form(w): "day" for w in _DAY_WORDS} | {_form(w): "h" for w in _HOUR_WORDS}
_COMMON_UNITS = (
    "1e6 cells/mL", "cells/mL", "g/L", "mg/L", "mmol/L", "umol/L", "%", "fraction", "um", "1/day", "1/h", "°C", "rpm",
    "h", "day",
)  # fmt: skip
_HOURS = frozenset(_form(w) for w in _HOUR_WORDS)  # these words say the unit; "day" is doubted if it rises by 24
_UNIT_AT_END = re.compile(r"(?P<name>.+?)\s*(?:\[(?P<square>[^\[\]]*)\]|\((?P<round>[^()]*(?:\([^()]*\))?[^()]*)\))\s*")
_KNOWN = f"day, time, {', '.join(STATE_QUANTITIES)};\n  setpoints {', '.join(SETPOINTS)}; run, reactor, clone"


def amount(value: float, quantity: Quantity) -> str:
    """Say a value with its unit: ``3.5 g/L``, ``20 x 1e6 cells/mL``."""
    return f"{value:.4g} {'x ' if quantity.unit[0].isdigit() and ' ' in quantity.unit else ''}{quantity.unit}"


def quantity_of(column: Column) -> Quantity:
    """Return the quantity of a column that holds numbers."""
    return TIME if column.role is Role.TIME else QUANTITIES[column.name]


def read_header(
    header: Sequence[str],
    problems: Problems,
    *,
    line: int = 1,
    units: Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
) -> tuple[Column, ...]:
    """Understand the header of a file; what cannot be understood goes to `problems`.

    Args:
        header: Names as written.
        problems: Collects what is wrong.
        line: Line of the header in the file.
        units: A row of units below the header, one per column, if the file has one.
        columns: What the user says of headers, e.g. ``{"Glu": "glutamate", "OD": "vcd [cells/mL]"}``.
        ignore: Headers to leave unread.

    Returns:
        The columns to read, in the order of the file.
    """
    mapping = {_form(k): v for k, v in (columns or {}).items()}
    skipped = {_form(name) for name in ignore}
    _check_named(header, [*(columns or {}), *ignore], problems)
    reader = _HeaderReader(header, problems, line)
    found: list[Column] = []
    for i, raw in enumerate(header):
        text = " ".join(raw.split())
        if not text or _form(text) in skipped:
            continue
        unit = units[i].strip() if units and i < len(units) else ""
        if _form(text) in mapping:
            column = reader.declared(i, text, mapping[_form(text)], unit)
        else:
            column = reader.column(i, text, unit)
        if column is not None:
            found.append(column)
    reader.report_unknown()
    _refuse_duplicates(found, problems, line)
    return tuple(found)


def looks_like_header(cells: Sequence[str]) -> bool:
    """Whether a line names a time and at least one quantity."""
    names = {c.name for c in read_header(cells, Problems(""), ignore=())}
    return "time" in names and bool(names & set(STATE_QUANTITIES))


def is_units_row(found: Sequence[Column], row: Sequence[str]) -> bool:
    """Whether the row below the header holds nothing but units that fit their columns."""
    cells = {i: cell.strip() for i, cell in enumerate(row) if cell.strip()}
    numeric = [c for c in found if c.role is not Role.TEXT and c.index in cells]
    fits = all(_accepts(c.name, _bare_unit(cells[c.index])) for c in numeric)
    return fits and any(cells[c.index] not in ("-", "1") for c in numeric)


def _bare_unit(text: str) -> str:
    text = text.strip()
    return text[1:-1].strip() if text[:1] + text[-1:] in ("[]", "()") else text


def _check_named(header: Sequence[str], named: Sequence[str], problems: Problems) -> None:
    """A misspelt entry of `ignore` or `columns` must not vanish."""
    forms = {_form(h) for h in header}
    for name in named:
        if _form(name) not in forms:
            hint = closest(name, tuple(h for h in header if h.strip()))
            problems.file(f"there is no column {name!r}, which ignore= or columns= names.{hint}")


class _HeaderReader:
    """Reads the headers of one file; keeps the unknown ones, to ask about them together."""

    def __init__(self, header: Sequence[str], problems: Problems, line: int) -> None:
        self._problems, self._line = problems, line
        self._unknown: list[str] = []
        self._others = {name for h in header if (name := _plain_name(h)) is not None}

    def column(self, index: int, text: str, unit_below: str) -> Column | None:
        """Understand one header on its own."""
        name, unit = _split(text)
        if unit and unit_below and normalised(unit) != normalised(unit_below):
            self._say(text, f"has the unit {unit!r}, but the row below says {unit_below!r}. Keep the right one.")
            return None
        unit = unit or _bare_unit(unit_below)
        form = _form(name)
        if form in _AMBIGUOUS:
            resolved = self._resolve(text, form, unit)
            return None if resolved is None else self._build(index, text, resolved, unit)
        if form in _WITH_UNIT:
            return self._build(index, text, "time", unit or _WITH_UNIT[form], is_bare=not unit and form not in _HOURS)
        if form not in _NAMES:
            self._unknown.append(text)
            return None
        return self._build(index, text, _NAMES[form], unit)

    def declared(self, index: int, text: str, meaning: str, unit_below: str) -> Column | None:
        """Take the user's word for what a header means.

        Raises:
            ConfigError: the meaning is itself no quantity.
        """
        name, unit = _split(meaning)
        own_unit = _split(text)[1]
        form = _form(name)
        canonical = "time" if form in _WITH_UNIT else _NAMES.get(form)
        if canonical is None:
            known = (*QUANTITIES, "day", "time", *_TEXTS)
            raise ConfigError(
                f"columns={{{text!r}: {meaning!r}}}: {name!r} is not a quantity perfusio knows.{closest(name, known)}\n"
                f"  Known: {_KNOWN}."
            )
        return self._build(index, text, canonical, unit or own_unit or unit_below or _WITH_UNIT.get(form, ""))

    def report_unknown(self) -> None:
        """Ask about the unknown headers, all in one message."""
        if not self._unknown:
            return
        hints = {text: _did_you_mean(text) for text in self._unknown}
        lines = [f"column {t!r} is not a quantity perfusio knows.{hint}" for t, hint in hints.items() if hint]
        strangers = [t for t, hint in hints.items() if not hint]
        if len(strangers) == 1:
            lines.append(f"column {strangers[0]!r} is not a quantity perfusio knows.")
        elif strangers:
            lines.append(f"columns {', '.join(map(repr, strangers))} are not quantities perfusio knows.")
        keep = "the column but not read it" if len(self._unknown) == 1 else "these columns but not read them"
        ignored = ", ".join(f'"{t}"' for t in self._unknown)
        first, *others = lines
        where = f"{self._problems.source}, line {self._line}: "
        text = "".join([first, *(f"\n{where}{other}" for other in others)])
        text += f"\n  Known: {_KNOWN}.\n  To keep {keep}: FilesystemStore(..., ignore=[{ignored}])."
        self._problems.line(self._line, text)

    def _build(self, index: int, text: str, name: str, unit: str, *, is_bare: bool = False) -> Column | None:
        if name in _TEXTS:
            return Column(index=index, header=text, role=Role.TEXT, name=name)
        quantity = TIME if name == "time" else QUANTITIES[name]
        role = Role.TIME if name == "time" else Role.STATE if name in STATE_QUANTITIES else Role.SETPOINT
        try:
            factor = conversion_factor(unit, quantity) if unit else 1.0
        except UnknownQuantity:
            fitting = ", ".join(u for u in _COMMON_UNITS if _accepts(name, u))
            self._say(text, f"says {unit!r}, which is no unit of {name}. Expected one of: {fitting}. Mend the header.")
            return None
        return Column(
            index=index, header=text, role=role, name=name, unit=unit or quantity.unit, factor=factor,
            is_bare=is_bare or not unit,
        )  # fmt: skip

    def _resolve(self, text: str, form: str, unit: str) -> str | None:
        """Decide what an ambiguous name means here, or ask."""
        readings = _AMBIGUOUS[form]
        if form == "glu" and "glucose" in self._others and self._others & {"glutamine", "glutamate"}:
            return "glutamate"
        fitting = [n for n in readings if unit and _accepts(n, unit)]
        if len(fitting) == 1 and (TIME if fitting[0] == "time" else QUANTITIES[fitting[0]]).unit in _SELF_EVIDENT_UNITS:
            return fitting[0]
        words = ["time [h]" if n == "time" else n for n in readings]
        question = f"is it {' or '.join(words)}?" if len(words) > 1 else f"is it {words[0]}, or something else?"
        self._say(
            text,
            f"can mean several things: {question} Rename the column, or say it: "
            f'FilesystemStore(..., columns={{"{text}": "{words[0]}"}}).',
        )
        return None

    def _say(self, text: str, what: str) -> None:
        self._problems.line(self._line, f"column {text!r} {what}")


def _accepts(name: str, unit: str) -> bool:
    try:
        conversion_factor(unit, TIME if name == "time" else QUANTITIES[name])
    except UnknownQuantity:
        return False
    return True


def _plain_name(header: str) -> str | None:
    return _NAMES.get(_form(_split(" ".join(header.split()))[0]))


def _split(text: str) -> tuple[str, str]:
    """Part a header into name and unit; the unit is empty where there is none."""
    form = _form(text)
    if form in _NAMES or form in _WITH_UNIT or form in _AMBIGUOUS:
        return text, ""
    if match := _UNIT_AT_END.fullmatch(text):
        unit = match["square"] if match["square"] is not None else match["round"]
        return match["name"].rstrip(" /,_"), unit.strip()
    for at in (m.start() for m in re.finditer(r"[/,_ ]", text)):
        name, unit = text[:at].rstrip(" /,_"), text[at + 1 :].strip(" _,/")
        known = _NAMES.get(_form(name))
        known = known or ("time" if _form(name) in _WITH_UNIT else None)
        if known is not None and known not in _TEXTS and unit and _accepts(known, unit):
            return name, unit
    return text, ""


def _did_you_mean(text: str) -> str:
    name = _split(text)[0]
    if re.search(r"date|time|timestamp|datum", _form(text)):
        return " Times are read as culture age, from a column 'day' or 'time [h]'."
    if len(_form(name)) < 3:  # two letters are near everything
        return ""
    words = (*QUANTITIES, "day", "time", *_TEXTS, *(a for q in QUANTITIES.values() for a in q.aliases if len(a) > 3))
    return closest(name, words, cutoff=0.74)  # 'Total density' must not suggest 'viable density'


def _refuse_duplicates(found: Sequence[Column], problems: Problems, line: int) -> None:
    for name in dict.fromkeys(c.name for c in found):
        same = [c for c in found if c.name == name]
        if len(same) > 1 and name != "time":
            listed = " and ".join(f"{c.header!r} (column {c.index + 1})" for c in same)
            remedy = f'leave one unread: FilesystemStore(..., ignore=["{same[-1].header}"])'
            if len({_form(c.header) for c in same}) == 1:
                remedy = "delete one of them"
            problems.line(line, f"columns {listed} all give {name}, expected one. Rename one, or {remedy}.")
