"""Biochemistry analyzers that write a row for each chemistry of a sample, as a YSI 2900 does.

Known from public readers of such files: columns for the chemistry, its concentration and the unit, beside a sample, a
plate or a well, and dates. Wells and plates name no vessel. The instrument is set up in one of several units, so one
that the file does not say is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from perfusio.process.panel import Panel
from perfusio.quantities import units_of
from perfusio.tables.cells.sheets import Sheet
from perfusio.tables.columns.columns import read_header
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.columns.header_names import SAMPLE, STAMP, TIME, form_of, names_of
from perfusio.tables.columns.problems import Problems
from perfusio.tables.columns.questions import Reading, column_reading
from perfusio.tables.columns.timestamps import read_stamps
from perfusio.tables.instruments.one_row_each import OneRowEach

YSI = "one chemistry per row, as of a YSI 2900"
CHEMISTRY, CONCENTRATION = "chemistry", "concentration"
_UNITS = ("unit", "units", "concentrationunit", "concentrationunits")
_chiral = re.compile(r"[ld]-(?=\w)", re.IGNORECASE).match
_KEYS = ("run", "reactor", "clone", SAMPLE, STAMP, TIME.name)
ONE_SAMPLE = timedelta(hours=1)
"""Chemistries of one sample are measured one after the other, within this time."""


def are_chemistries(forms: Sequence[str]) -> bool:
    """Whether a header is that of such a file."""
    return {CHEMISTRY, CONCENTRATION} <= set(forms)


def by_sample(
    sheet: Sheet, forms: Sequence[str], options: ReadOptions, problems: Problems
) -> tuple[OneRowEach, ReadOptions, tuple[str, ...]]:
    """Return the values by sample, the options for the table that they make, and remarks.

    Args:
        sheet: A row for each value.
        forms: Of its header.
        options: The user's declarations; a chemistry may stand for a header.
        problems: Collects faults and questions.
    """
    header = [" ".join(name.split()) for name in sheet.rows[0]]
    chemistry, value = forms.index(CHEMISTRY), forms.index(CONCENTRATION)
    unit = next((i for i, form in enumerate(forms) if form in _UNITS), None)
    keys = [i for i, name in enumerate(header) if name and i not in (chemistry, value, unit) and _is_key(name, options)]
    turned, unread = OneRowEach([header[i] for i in keys], problems), dict[str, None]()
    when = _times(sheet, header, keys, options)
    headers: dict[tuple[str, str], str] = {}
    for n, (row, line) in enumerate(zip(sheet.rows[1:], sheet.lines[1:], strict=True)):
        if len(row) != len(forms):
            problems.line(line, f"has {len(row)} values, expected {len(forms)} as in the header. Complete the row.")
            continue
        said = row[chemistry].strip(), "" if unit is None else row[unit].strip()
        if said not in headers:
            headers[said] = _header(*said, line, options, problems)
        if not headers[said]:
            unread[said[0]] = None
            continue
        turned.put(line, tuple(when.get((n, i), row[i].strip()) for i in keys), headers[said], row[value].strip())
    others = [name for i, name in enumerate(header) if name and i not in (chemistry, value, unit, *keys)]
    told = (("chemistries that are no quantity of the process", list(unread)),
            ("columns that name no sample and no time", others))  # fmt: skip
    remarks = tuple(f"{what} were left unread: {', '.join(names)}." for what, names in told if names)
    _ask_vessel([header[i] for i in keys], others, sheet.lines[0], options, problems)
    used = {form_of(header[i]) for i in keys}
    columns = {name: meaning for name, meaning in options.columns.items() if form_of(name) in used}
    return turned, replace(options, columns=columns, ignore=()), remarks


def _ask_vessel(
    keys: Sequence[str], others: Sequence[str], line: int, options: ReadOptions, problems: Problems
) -> None:
    """Ask which vessel the samples are of, where wells and plates are all that tells them apart."""
    said = {form_of(text): meaning for text, meaning in options.columns.items()}
    names = names_of(options.panel)
    known = {names.meaning_of(names.split(said.get(form_of(key), key))[0]) for key in keys}
    if known & {"run", "reactor", SAMPLE} or options.reactor or options.only_vessel:
        return
    says = "all are samples of one vessel, e.g. R01"
    one = Reading(says=says, options=("--reactor", "R01"), entry={"reactor": "R01"})
    named = tuple(column_reading(f"{name!r} names the sample", name, SAMPLE) for name in others[:2])
    problems.line(line, "no column says which vessel a sample is from.", readings=(one, *named))


def _is_key(name: str, options: ReadOptions) -> bool:
    """Whether a column says of which sample a row is, by its name or by the user's word."""
    if form_of(name) in {form_of(text) for text in options.ignore}:
        return False
    said = {form_of(text): meaning for text, meaning in options.columns.items()}
    names = names_of(options.panel)
    meaning = names.meaning_of(names.split(said.get(form_of(name), name))[0])
    return meaning in _KEYS


def _times(
    sheet: Sheet, header: Sequence[str], keys: Sequence[int], options: ReadOptions
) -> dict[tuple[int, int], str]:
    """Return the date of the first chemistry of a sample in place of those that follow within an hour.

    Keys of the result are the number of a row and the place of a column.
    """
    said = {form_of(text): meaning for text, meaning in options.columns.items()}
    names = names_of(options.panel)
    meanings = {i: names.meaning_of(names.split(said.get(form_of(header[i]), header[i]))[0]) for i in keys}
    dates = [i for i in keys if meanings[i] == STAMP]
    others = [i for i in keys if i not in dates]
    if len(dates) != 1 or not any(meanings[i] == SAMPLE for i in keys):
        return {}
    (date,) = dates
    rows = [row if len(row) == len(header) else [""] * len(header) for row in sheet.rows[1:]]
    stamps = read_stamps([row[date] for row in rows], options.date_order).values
    first: dict[tuple[str, ...], tuple[datetime, str]] = {}
    found = {}
    for n in sorted(range(len(rows)), key=lambda k: (stamps[k] is None, stamps[k] or datetime.min)):
        stamp, row = stamps[n], rows[n]
        if stamp is None:
            continue
        sample = tuple(row[i].strip() for i in others)
        if sample not in first or stamp - first[sample][0] > ONE_SAMPLE:
            first[sample] = stamp, row[date].strip()
        found[n, date] = first[sample][1]
    return found


def _header(chemistry: str, unit: str, line: int, options: ReadOptions, problems: Problems) -> str:
    """Return the header that a chemistry stands for, empty if it is none; a unit that nothing says is asked."""
    said: Mapping[str, str] = {form_of(text): meaning for text, meaning in options.columns.items()}
    if form_of(chemistry) in {form_of(text) for text in options.ignore}:
        return ""
    if form_of(chemistry) in said:
        return said[form_of(chemistry)]
    chiral = _chiral(chemistry)
    name = chemistry[chiral.end() :] if chiral else chemistry
    quantity = names_of(options.panel).meaning_of(name)
    if quantity is None or quantity not in options.panel.by_name:
        return ""
    if unit:
        read_header([chemistry], problems, line=line, columns={chemistry: f"{name} [{unit}]"}, panel=options.panel)
        return f"{name} [{unit}]"
    _ask_unit(chemistry, quantity, line, options.panel, problems)
    return ""


def _ask_unit(chemistry: str, name: str, line: int, panel: Panel, problems: Problems) -> None:
    quantity = panel[name]
    units = (quantity.unit, *units_of(quantity))
    problems.line(
        line,
        f"no column says the unit of the concentrations, and the analyzer can be set to several: which is that of "
        f"{chemistry!r}?",
        readings=tuple(column_reading(u, chemistry, f"{name} [{u}]") for u in units),
        remedy="Or export the file with a column of units.",
    )
