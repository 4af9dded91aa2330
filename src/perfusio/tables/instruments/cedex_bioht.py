"""Archives of a Cedex Bio HT: no header, one measured value per line, columns by the layout of the software version.

A line of type 0 opens an archive and names the version; a line of type 40 is a result. Which column holds what follows
from the version, never from the look of the cells: a record type, a rack position or a dilution can look like a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from perfusio.tables.cells.sheets import Sheet
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.columns.header_names import SAMPLE, STAMP, Names, form_of, names_of
from perfusio.tables.columns.problems import Problems
from perfusio.tables.columns.sample_names import says_day
from perfusio.tables.columns.timestamps import read_stamps
from perfusio.tables.columns.typed_columns import judge_cut
from perfusio.tables.instruments.profiles import Recognised

BIO_HT = "Cedex Bio HT"
ARCHIVE, RESULT, MARK = "0", "40", "#ARC-FILE#"
SAME_SAMPLE_H = 4.0
"""The analytes of one sample are measured within minutes, its repeats within an hour or two [h]."""
_LONGEST_CODE = 4
_MOST_SHOWN = 6
_is_code = re.compile(r"[A-Z][A-Z0-9]{1,9}").fullmatch
_is_type = re.compile(r"[A-Z]{2,4}").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Place of each column, from 0.

    Attributes:
        versions: First numbers of the software that write it.
        sample: Name of the sample.
        batch: Name of the batch; None where the layout has none.
        kind: Kind of measurement: a sample (SAM), a control, a calibrator.
        dilution: As written; None where the layout has none.
        code: Of the test.
        unit: Of the value.
        flag: Of the analyzer.
        value: The value, or a limit.
    """

    versions: tuple[str, ...]
    sample: int
    batch: int | None
    kind: int
    dilution: int | None
    code: int
    unit: int
    flag: int
    value: int


LAYOUTS = (
    Layout(versions=("6", "7"), sample=2, batch=3, kind=4, dilution=5, code=6, unit=8, flag=9, value=10),
    Layout(versions=("5",), sample=5, batch=None, kind=6, dilution=None, code=2, unit=7, flag=8, value=9),
)


class _Codes:
    """Names of an analyzer's tests: short names of solutes, with a number and letters of the reagent."""

    def __init__(self, names: Names) -> None:
        dissolved = names.panel.dissolved
        short = {form: name for form, name in names.forms.items() if len(form) <= _LONGEST_CODE and name in dissolved}
        for form, readings in names.vague.items():  # a name for two things means the one that has no name of its own
            left = [name for name in readings if name in dissolved and name not in short.values()]
            if 1 < len(form) <= _LONGEST_CODE and len(left) == 1:
                short[form] = left[0]
        self._short, self._vague = short, names.vague
        listed = "|".join(map(re.escape, sorted(short, key=len, reverse=True)))
        self._match = re.compile(rf"(?P<analyte>{listed})[0-9]?[a-z]{{0,3}}", re.IGNORECASE).fullmatch

    def meaning(self, text: str) -> tuple[str, str]:
        """Return the quantity of a code and the name that its column gets; empty texts if it is none."""
        found = self._match(text.strip()) if self._short else None
        if found is None:
            return "", ""
        quantity = self._short[found["analyte"].lower()]
        return quantity, quantity if form_of(found["analyte"]) in self._vague else found["analyte"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    line: int
    when: datetime
    stamp: str
    batch: str
    sample: str
    dilution: str
    quantity: str
    column: str
    unit: str
    value: str


def is_bio_ht(sheet: Sheet) -> bool:
    """Whether the lines are those of a Cedex Bio HT."""
    rows = sheet.rows[:3]
    return any(len(row) > 2 and row[0].strip() == ARCHIVE and row[2].strip() == MARK for row in rows) or all(
        len(row) > 9 and row[0].strip() == RESULT and read_stamps([row[1]]).values[0] is not None for row in rows
    )


def bio_ht(sheet: Sheet, options: ReadOptions, problems: Problems) -> Recognised:
    """Return one row per sample; faults go to `problems`."""
    remarks: list[str] = []
    layout = _layout(sheet, problems, remarks)
    if layout is None:
        return Recognised(name=BIO_HT, sheet=replace(sheet, is_cut=False), options=options)
    results = _results(sheet, layout, options, problems, remarks)
    judge_cut(sheet, problems, remarks, is_read=len(sheet.rows[-1]) <= layout.value + 1)
    turned, columns = _by_sample(results, options, remarks)
    turned = replace(turned, separator=sheet.separator)
    known = {text: meaning for text, meaning in columns.items() if text not in options.columns}
    return Recognised(
        name=BIO_HT,
        sheet=turned,
        options=replace(options, columns={**known, **options.columns}, may_be_unsorted=True),
        remarks=tuple(remarks),
    )


def _layout(sheet: Sheet, problems: Problems, remarks: list[str]) -> Layout | None:
    """Return the layout that every line of results fits; the version of the archive line must agree."""
    results = [row for row in sheet.rows if row[0].strip() == RESULT]
    said = next((row[8].strip() for row in sheet.rows if row[0].strip() == ARCHIVE and len(row) > 8), "")
    fitting = [x for x in LAYOUTS if results and all(_fits(row, x) for row in results)]
    version = said.split(".")[0]
    if len(fitting) == 1 and (not said or version in fitting[0].versions):
        return fitting[0]
    known = ", ".join(v for x in reversed(LAYOUTS) for v in x.versions)
    if len(fitting) == 1 and version not in {v for x in LAYOUTS for v in x.versions}:
        remarks.append(f"its software is {said}; perfusio knows {known}. Read by the only layout that all lines fit.")
        return fitting[0]
    wrong = next((i for i, row in enumerate(sheet.rows) if row[0].strip() == RESULT and not any(
        _fits(row, x) for x in LAYOUTS)), None)  # fmt: skip
    if wrong is not None:
        row, line = sheet.rows[wrong], sheet.lines[wrong]
        problems.line(
            line,
            f"has {len(row)} values ({' | '.join(c.strip() for c in row[:8])} ...), expected a result of a Cedex Bio "
            f"HT (software {known}): sample, type, code, unit and value in their columns. Export the archive again.",
        )
    else:
        found = "no line holds a result" if not results else f"its lines do not fit its software {said}"
        problems.file(f"is an archive of a Cedex Bio HT, but {found}. Export the archive again.")
    return None


def _fits(row: Sequence[str], layout: Layout) -> bool:
    if len(row) <= layout.value or (layout.batch is None and len(row) > layout.sample and not row[layout.sample]):
        return False
    kind, code, sample = (row[i].strip() for i in (layout.kind, layout.code, layout.sample))
    return bool(_is_type(kind) and _is_code(code) and sample)


def _results(
    sheet: Sheet, layout: Layout, options: ReadOptions, problems: Problems, remarks: list[str]
) -> list[_Result]:
    names = names_of(options.panel)
    code_of = _Codes(names).meaning
    rows = [(row, n) for row, n in zip(sheet.rows, sheet.lines, strict=True) if row[0].strip() == RESULT]
    stamps = read_stamps([row[1] for row, _ in rows], options.date_order)
    if strange := dict.fromkeys(t for row in sheet.rows if (t := row[0].strip()) not in (ARCHIVE, RESULT)):
        remarks.append(f"lines of other record types were left unread: {', '.join(map(repr, strange))}.")
    found, unread, other = list[_Result](), dict[str, None](), dict[str, int]()
    flagged: dict[str, int] = {}
    for i, (row, line) in enumerate(rows):
        when, kind = stamps.values[i], row[layout.kind].strip()
        if kind != "SAM":
            other[kind] = other.get(kind, 0) + 1
            continue
        code = row[layout.code].strip()
        quantity, name = code_of(code)
        unit = row[layout.unit].strip()
        if not quantity:
            unread[code] = None
            continue
        if when is None:
            problems.line(line, f"{row[1].strip()!r} is no date with time, expected one. Export the archive again.")
            continue
        if not names.accepts(quantity, unit):
            problems.line(line, f"{code} is in {unit!r}, which is no unit of {quantity}. Expected one of: "
                          f"{names.fitting_units(quantity)}. Mend it, or take the lines of this test out.")  # fmt: skip
            continue
        if (flag := row[layout.flag].strip()) and "RNG" not in flag:
            flagged[flag] = flagged.get(flag, 0) + 1
        found.append(_Result(
            line=line, when=when, stamp=row[1].strip(), batch=row[layout.batch].strip() if layout.batch else "",
            sample=row[layout.sample].strip(), dilution=row[layout.dilution].strip() if layout.dilution else "",
            quantity=quantity, column=f"{name} [{unit}]", unit=unit, value=row[layout.value].strip().replace(" ", ""),
        ))  # fmt: skip
    if other:
        listed = ", ".join(f"{kind} ({n})" for kind, n in other.items())
        remarks.append(f"lines that are no samples were left unread: {listed}.")
    if unread:
        more = f" and {len(unread) - _MOST_SHOWN} more" if len(unread) > _MOST_SHOWN else ""
        remarks.append(f"rows of other analytes were left unread: {', '.join(list(unread)[:_MOST_SHOWN])}{more}.")
    if flagged:
        listed = ", ".join(f"{flag} ({n})" for flag, n in flagged.items())
        remarks.append(f"values flagged by the analyzer were read: {listed}.")
    return found


def _by_sample(
    results: Sequence[_Result], options: ReadOptions, remarks: list[str]
) -> tuple[Sheet, Mapping[str, str]]:
    """Return one row per sample at the time of its first analyte, and the meaning of each column."""
    names = names_of(options.panel)
    column_of: dict[str, _Result] = {}
    samples: dict[tuple[str, str], list[list[_Result]]] = {}
    for result in sorted(results, key=lambda r: r.when):
        column_of.setdefault(result.quantity, result)
        drawn = samples.setdefault((result.batch, result.sample), [])
        gap = (result.when - drawn[-1][-1].when).total_seconds() / 3600.0 if drawn else 0.0
        if not drawn or (gap > SAME_SAMPLE_H and not says_day(result.sample)):
            drawn.append([])
        drawn[-1].append(result)
    has_batch = any(batch for batch, _ in samples)
    header = [*(["run"] if has_batch else []), SAMPLE, STAMP, *(r.column for r in column_of.values())]
    rows, lines = [header], [min((r.line for r in results), default=2) - 1 or 1]
    for (batch, sample), each in samples.items():
        for drawn_once in each:
            cells: dict[str, _Result] = {}
            for result in drawn_once:
                if (before := cells.get(result.quantity)) is not None:
                    remarks.append(_repeated(before, result))
                cells[result.quantity] = result
            values = [_in_unit(cells[q], r, names) if q in cells else "" for q, r in column_of.items()]
            rows.append([*([batch] if has_batch else []), sample, drawn_once[0].stamp, *values])
            lines.append(drawn_once[0].line)
    meanings = {r.column: f"{q} [{r.unit}]" for q, r in column_of.items()}
    vague = {t: m for t, m in meanings.items() if names.meaning_of(names.split(t)[0]) is None}
    return Sheet(rows=tuple(rows), lines=tuple(lines), separator="\t", is_cut=False), vague


def _repeated(before: _Result, now: _Result) -> str:
    diluted = f" (dilution {now.dilution})" if now.dilution else ""
    return (
        f"line {now.line} repeats {now.quantity} of {now.sample}: {now.value} {now.unit}{diluted} is used, not "
        f"{before.value} {before.unit} of line {before.line}."
    )


def _in_unit(result: _Result, column: _Result, names: Names) -> str:
    """Return the value in the unit of its column; an analyzer may change the unit of a test in between."""
    if result.unit == column.unit:
        return result.value
    sign = result.value[:1] if result.value[:1] in "<>" else ""
    factor = names.factor(result.quantity, result.unit) / names.factor(result.quantity, column.unit)
    try:
        return f"{sign}{float(result.value.lstrip('<>')) * factor!r}"
    except ValueError:
        return result.value
