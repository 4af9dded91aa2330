"""Outside headers to quantities and units: exact names from the registry, or a refusal that asks the right question.

This is the only place where foreign names meet ours. A header is a name, or a name with a unit: ``Glc``,
``Glucose [mmol/L]``, ``VCD (1e6 cells/mL)``, ``titer / g/L``, ``time_h``. Without a unit the values are taken to be in
the canonical unit of the quantity; `plausibility.py` doubts that where the values speak against it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from perfusio.errors import ConfigError, UnknownQuantity
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.quantities import closest, normalised
from perfusio.tables.columns.column import Column, Role, quantity_of
from perfusio.tables.columns.header_names import (
    HOURS,
    NO_QUANTITIES,
    SELF_EVIDENT_UNITS,
    STAMP,
    TEXTS,
    TIME,
    WITH_UNIT,
    Names,
    bare_unit,
    form_of,
    names_of,
)
from perfusio.tables.columns.header_questions.double_columns import drawn_first, refuse_duplicates
from perfusio.tables.columns.header_questions.unit_questions import ask_volume, asked_density
from perfusio.tables.columns.problems import Problems
from perfusio.tables.columns.questions import Reading, column_reading, unread_reading


def _role(name: str, names: Names) -> Role:
    if name == TIME.name:
        return Role.TIME
    if name in names.feeds:
        return Role.FEED
    return Role.SETPOINT if name in names.panel.setpoint_names else Role.STATE


def read_header(
    header: Sequence[str],
    problems: Problems,
    *,
    line: int = 1,
    units: Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    only_named: bool = False,
    panel: Panel = CHO_PERFUSION,
    remarks: list[str] | None = None,
) -> tuple[Column, ...]:
    """Understand the header of a file; columns that cannot be understood go to `problems`.

    Args:
        header: Names as written.
        problems: Collects faults.
        line: Line of the header in the file.
        units: A row of units below the header, one per column, if the file has one.
        columns: The user's word on headers, e.g. ``{"Glu": "glutamate", "OD": "vcd [cells/mL]"}``.
        ignore: Headers to leave unread.
        only_named: Leave every header unread that `columns` does not name.
        panel: The process whose quantities they are.
        remarks: Collects columns left unread although they were understood.

    Returns:
        The columns to read, in the order of the file.
    """
    mapping = {form_of(k): v for k, v in (columns or {}).items()}
    skipped = {form_of(name) for name in ignore}
    _check_named(header, [*(columns or {}), *ignore], problems)
    reader = _HeaderReader(header, problems, line, names_of(panel))
    found: list[Column] = []
    for i, raw in enumerate(header):
        text = " ".join(raw.split())
        if not text or form_of(text) in skipped or (only_named and form_of(text) not in mapping):
            continue
        unit = units[i].strip() if units and i < len(units) else ""
        if form_of(text) in mapping:
            column = reader.declared(i, text, mapping[form_of(text)], unit)
        else:
            column = reader.column(i, text, unit)
        if column is not None:
            found.append(column)
    reader.report_unknown()
    if reader.left_unread and remarks is not None:
        listed = ", ".join(reader.left_unread)
        remarks.append(f"columns that are no quantity of the process were left unread: {listed}.")
    found = reader.settled(found, remarks if remarks is not None else [])
    found = drawn_first(found, remarks if remarks is not None else [])
    refuse_duplicates(found, [c for c in found if form_of(c.header) in mapping], problems, line)
    return tuple(found)


def looks_like_header(
    cells: Sequence[str], columns: Mapping[str, str] | None = None, panel: Panel = CHO_PERFUSION
) -> bool:
    """Whether a line names a time and at least one quantity, some of them by the user's word."""
    found = read_header(cells, Problems(""), columns=columns, panel=panel)
    return any(c.name in (TIME.name, STAMP) for c in found) and any(c.role is Role.STATE for c in found)


def could_be_header(cells: Sequence[str], panel: Panel = CHO_PERFUSION) -> bool:
    """Whether most cells of a line are names, some of which can mean several things."""
    names = names_of(panel)
    said = [form_of(names.split(" ".join(cell.split()))[0]) for cell in cells if cell.strip()]
    known = sum(form in names.forms or form in names.vague or form in WITH_UNIT for form in said)
    return known >= _LEAST_NAMES and 2 * known > len(said)


_LEAST_NAMES = 3


def is_units_row(found: Sequence[Column], row: Sequence[str], panel: Panel = CHO_PERFUSION) -> bool:
    """Whether the row below the header holds nothing but units that fit their columns."""
    names = names_of(panel)
    cells = {i: cell.strip() for i, cell in enumerate(row) if cell.strip()}
    numeric = [c for c in found if c.role is not Role.TEXT and c.index in cells]
    fits = all(names.accepts(c.name, bare_unit(cells[c.index])) for c in numeric)
    return fits and any(cells[c.index] not in ("-", "1") for c in numeric)


_MOST_SHOWN = 12


def _check_named(header: Sequence[str], named: Sequence[str], problems: Problems) -> None:
    """A misspelt entry of `ignore` or `columns` must not vanish."""
    forms = {form_of(h) for h in header}
    for name in named:
        if form_of(name) not in forms:
            hint = closest(name, tuple(h for h in header if h.strip()))
            shown = ", ".join(repr(h) for h in header[:_MOST_SHOWN] if h.strip())
            more = f" and {len(header) - _MOST_SHOWN} more" if len(header) > _MOST_SHOWN else ""
            problems.file(f"there is no column {name!r}, which ignore= or columns= (--ignore, --column) names.{hint} "
                          f"Name one of {shown}{more}.")  # fmt: skip


class _HeaderReader:
    """Reads the headers of one file; keeps the unknown ones, to ask about them together."""

    def __init__(self, header: Sequence[str], problems: Problems, line: int, names: Names) -> None:
        self._problems, self._line, self._names = problems, line, names
        self._unknown: list[str] = []
        self.left_unread: list[str] = []
        self._others = {names.meaning_of(names.split(" ".join(h.split()))[0]) for h in header}

    def column(self, index: int, text: str, unit_below: str) -> Column | None:
        """Understand one header on its own."""
        name, unit = self._names.split(text)
        if unit and unit_below and normalised(unit) != normalised(unit_below):
            self._say(text, f"has the unit {unit!r}, but the row below says {unit_below!r}. Keep the right one.")
            return None
        unit = unit or bare_unit(unit_below)
        form = form_of(name)
        is_open = form in self._names.open
        if form in self._names.vague:
            resolved = self._resolve(text, form, unit)
            is_open = is_open and resolved in self._names.panel.setpoint_names
            return None if resolved is None else self._build(index, text, resolved, unit, is_open=is_open)
        if form in WITH_UNIT:
            return self._build(index, text, TIME.name, unit or WITH_UNIT[form], is_bare=not unit and form not in HOURS)
        if form not in self._names.forms:
            (self.left_unread if form in NO_QUANTITIES else self._unknown).append(text)
            return None
        return self._build(index, text, self._names.forms[form], unit, is_open=is_open)

    def declared(self, index: int, text: str, meaning: str, unit_below: str) -> Column | None:
        """Take the user's word for the meaning of a header.

        Raises:
            ConfigError: the meaning is itself no quantity.
        """
        name, unit = self._names.split(meaning)
        own_unit = self._names.split(text)[1]
        form = form_of(name)
        canonical = self._names.meaning_of(name)
        if canonical is None:
            known = (*self._names.panel.by_name, "day", TIME.name, *TEXTS, *self._names.feeds)
            raise ConfigError(
                f"columns={{{text!r}: {meaning!r}}}: {name!r} is not a quantity perfusio knows.{closest(name, known)}\n"
                f"  Known: {self._names.known}."
            )
        return self._build(index, text, canonical, unit or own_unit or unit_below or WITH_UNIT.get(form, ""), said=name)

    def report_unknown(self) -> None:
        """Ask about the unknown headers, all in one message."""
        if not self._unknown:
            return
        hints = {text: self._names.did_you_mean(text) for text in self._unknown}
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
        text += f"\n  Known: {self._names.known}.\n  To keep {keep}: FilesystemStore(..., ignore=[{ignored}])."
        one = self._unknown[0]
        readings = (
            unread_reading("none of them is needed" if len(self._unknown) > 1 else "it is not needed", *self._unknown),
            column_reading(f"{one!r} is one of the known", one, "NAME [unit]"),
        )
        self._problems.line(self._line, text, readings=readings)

    def settled(self, found: Sequence[Column], remarks: list[str]) -> list[Column]:
        """Return the columns, each either a setpoint or a reading; those that nobody wants are left out.

        A bare name is a reading, unless it is the name that perfusio itself writes for the setpoint. Where a
        sheet holds other setpoints too, either can be meant, and it is asked.
        """
        panel, kept = self._names.panel, list[Column]()
        asked = [c for c in found if c.role is Role.SETPOINT and (not c.is_open or _is_own(c))]
        for column in found:
            setpoint = panel.by_name.get(column.name) if column.is_open else None
            if setpoint is not None and self._is_measured(column, found, asked):
                name = f"{column.name}_measured"
                column = replace(column, role=Role.STATE, name=name, quantity=self._names.numeric(name))
            if column.role is Role.STATE and column.name not in panel.by_name:
                remarks.append(
                    f"column {column.header!r} is the measured value, not the setpoint; {panel.name} has no "
                    f"{column.name}, so it was left unread. If it is the setpoint, say it: "
                    f'FilesystemStore(..., columns={{"{column.header}": "{column.name.removesuffix("_measured")}"}}).'
                )
                continue
            kept.append(column)
        return kept

    def _is_measured(self, column: Column, found: Sequence[Column], asked: Sequence[Column]) -> bool:
        """Whether an open column is a reading; where it can be either, it is asked."""
        others = {c.name for c in found if c is not column and not c.is_open}
        measured = f"{column.name}_measured"
        if column.name in others or measured in others:
            return column.name in others
        is_beside_setpoints = any(c is not column for c in asked)
        if _is_own(column):
            if column.header == quantity_of(column).header or is_beside_setpoints:
                return False
        elif not is_beside_setpoints:
            return True
        self._say(
            column.header,
            f"can be the measured value or the setpoint: is it {measured} or {column.name}? Rename the column, "
            f'or say it: FilesystemStore(..., columns={{"{column.header}": "{column.name}"}}).',
            column_reading("the measured value", column.header, measured),
            column_reading("the setpoint", column.header, column.name),
        )
        return False

    def _build(
        self, index: int, text: str, name: str, unit: str, *, is_bare: bool = False, is_open: bool = False,
        said: str = "",
    ) -> Column | None:  # fmt: skip
        if name in TEXTS:
            return Column(index=index, header=text, role=Role.TEXT, name=name)
        quantity = self._names.numeric(name)
        try:
            words = (self._names.split(text)[0], said)
            factor = self._names.factor(name, unit, *words) if unit else 1.0
        except UnknownQuantity:
            if asked_density(text, quantity, unit, self._problems, self._line):
                return None
            expected = self._names.fitting_units(name)
            self._say(text, f"says {unit!r}, which is no unit of {name}. Expected one of: {expected}. Mend the header.")
            return None
        except ConfigError as error:
            ask_volume(text, name, str(error), self._problems, self._line)
            return None
        return Column(
            index=index, header=text, role=_role(name, self._names), name=name, unit=unit or quantity.unit,
            factor=factor, is_bare=is_bare or not unit, is_open=is_open, quantity=quantity,
        )  # fmt: skip

    def _resolve(self, text: str, form: str, unit: str) -> str | None:
        """Decide the meaning of an ambiguous name here, or ask."""
        readings = self._names.vague[form]
        left = [name for name in readings if self._names.mistaken_for(name) <= self._others - {name}]
        if len(form) > 1 and len(left) == 1 and left[0] not in self._others:
            return left[0]  # all that it could be mistaken for stand in columns of their own
        fitting = [n for n in readings if unit and self._names.accepts(n, unit)]
        if len(fitting) == 1 and self._names.numeric(fitting[0]).unit in SELF_EVIDENT_UNITS:
            return fitting[0]
        words = ["time [h]" if n == TIME.name else n for n in readings]
        question = f"is it {' or '.join(words)}?" if len(words) > 1 else f"is it {words[0]}, or something else?"
        self._say(
            text,
            f"can mean several things: {question} Rename the column, or say it: "
            f'FilesystemStore(..., columns={{"{text}": "{words[0]}"}}).',
            *(column_reading(f"it is {word}", text, word + self._unit_of(word, unit)) for word in words),
            unread_reading("it is something else", text),
        )
        return None

    def _unit_of(self, name: str, unit: str) -> str:
        """Return the unit that the header says, where it fits the reading, for the answer."""
        fits = unit and name in self._names.panel.by_name and self._names.accepts(name, unit)
        return f" [{unit}]" if fits else ""

    def _say(self, text: str, what: str, *readings: Reading) -> None:
        sentence = f"column {text!r}{'' if what.startswith(':') else ' '}{what}"
        self._problems.line(self._line, sentence, readings=readings)


def _is_own(column: Column) -> bool:
    """Whether the header is the very name that perfusio writes for a setpoint."""
    return column.header in (column.name, quantity_of(column).header)
