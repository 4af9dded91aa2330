"""Exports of cell counters that are no table with one header row, turned into one: a header, then one row per sample.

Vi-CELL XR: names in one row and their second half with the unit in the next; or a report of one sample, as a sheet or
as text. NucleoView: one sample per file, a line for each value. NC-View: digits in groups, the date in the name of the
image. Cellaca and Matrix: lines about the plate above the header. All are known from real files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from perfusio.tables.cells.sheets import Sheet
from perfusio.tables.columns.header_names import form_of
from perfusio.tables.columns.timestamps import read_stamps

LOOKED_AT = 14
_FIRST_HALF, _SECOND_HALF = ("viablecells", "samp"), "/ml(x10^6)"
_XR_REPORT = ("sampleid", "viability(%)", "viablecells/ml(x10^6)")
_XR_TEXT = ("Sample ID", "RunDate", "Viability (%)", "Total viable cells / ml (x 10^6)")
_NUCLEOVIEW = ("Image", "Viability (%)", "Live (cells/ml)")
_DATED = ("Results Timestamp",)
_LONGEST_REPORT = 200_000
IMAGE_DATE = "Date of image"
_image_sample = re.compile(r"(?P<date>\d{8})-\d+-[A-Za-z]+-(?P<name>.+)").fullmatch
_image_date = re.compile(r"(?P<date>\d{8})-\d+").fullmatch
_clock = re.compile(r"(?P<date>\d{8})\s+(?P<time>\d{6})").fullmatch
_grouped = re.compile(r"\d{1,3}(?:[ \u00a0\u202f]\d{3})+").fullmatch
_remarked = re.compile(r"(?P<value>[<>]?\s*[0-9][0-9.,eE+-]*)\s*\((?P<remark>[^()]*)\)").fullmatch


def plain(sheet: Sheet) -> Sheet:
    """Return a sheet of one of these layouts as a header and one row per sample; any other as it is."""
    for turn in (_two_header_rows, _report, _below_plate, _grouped_digits):
        if (turned := turn(sheet)) is not None:
            return turned
    return sheet


def report_of(text: str) -> Sheet | None:
    """Return the report of one sample, a line for each value, as a header and one row; None if it is none."""
    if len(text) > _LONGEST_REPORT:
        return None
    lines = text.splitlines()
    for keys, sign in ((_XR_TEXT, " :"), (_NUCLEOVIEW, ";")):
        if all(any(line.startswith(f"{key}{sign}") for line in lines[:LOOKED_AT * 2]) for key in keys):
            return _as_row(_pairs(lines, sign))
    return None


def _pairs(lines: Sequence[str], sign: str) -> dict[str, str]:
    """Return what each line says; a value that was broken in its parentheses goes on in the next line."""
    found: dict[str, str] = {}
    key = ""
    for line in lines:
        name, is_pair, value = line.partition(sign)
        if key and found[key].count("(") > found[key].count(")"):
            found[key] = f"{found[key]} {line.strip(' ;,')}"
        elif is_pair and name.strip() and name.strip() not in found:
            key = name.strip()
            found[key] = value.strip(" ;,")
    return found


def _as_row(pairs: Mapping[str, str]) -> Sheet:
    values = dict(pairs)
    if image := _image_sample(values.get("Image", "")):
        if "Date time" not in values and read_stamps([date := _iso(image["date"])]).values[0] is not None:
            values[IMAGE_DATE] = date
        values["Image"] = image["name"]
    if clock := _clock(values.get("Date time", "")):
        values["Date time"] = f"{_iso(clock['date'])} {clock['time'][:2]}:{clock['time'][2:4]}:{clock['time'][4:]}"
    for name, value in values.items():
        remarked = _remarked(value)
        determined = remarked["value"] if remarked else "" if value.casefold() == "not determined" else value
        values[name] = determined
    return Sheet(rows=(list(values), list(values.values())), lines=(1, 2), separator=";", is_cut=False)


def _iso(digits: str) -> str:
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"


def _two_header_rows(sheet: Sheet) -> Sheet | None:
    """Vi-CELL XR 2.04, 2.06: ``Viable cells`` above ``/ml (x10^6)``; ``Viable`` above ``cells`` is a count."""
    for at, (above, below) in enumerate(zip(sheet.rows[:LOOKED_AT], sheet.rows[1 : LOOKED_AT + 1], strict=False)):
        forms = [form_of(cell) for cell in above]
        seconds = {form_of(cell) for cell in below}
        if _FIRST_HALF[0] in forms and forms[0].startswith(_FIRST_HALF[1]) and _SECOND_HALF in seconds:
            second = [*below, *[""] * (len(above) - len(below))]
            header = [" ".join(f"{a} {b}".split()) for a, b in zip(above, second, strict=False)]
            rows, lines = [header], [sheet.lines[at]]
            for row, line in zip(sheet.rows[at + 2 :], sheet.lines[at + 2 :], strict=True):
                if not _is_numbering(row):
                    rows.append(row)
                    lines.append(line)
            return replace(sheet, rows=tuple(rows), lines=tuple(lines))
    return None


def _is_numbering(row: Sequence[str]) -> bool:
    """Whether a row only counts the columns, as an export that was edited in between may have."""
    try:
        numbers = [float(cell) for cell in row if cell.strip()]
    except ValueError:
        return False
    return len(numbers) > 5 and all(b > a and b == int(b) for a, b in pairwise(numbers))


def _report(sheet: Sheet) -> Sheet | None:
    """Vi-CELL XR 2.04, a report as a sheet: a name in the first column and its value in the next one that is filled."""
    found: dict[str, str] = {}
    for row in sheet.rows[:60]:
        filled = [cell.strip() for cell in row if cell.strip()]
        if row[0].strip() and len(filled) > 1 and filled[0] not in found:
            found[filled[0]] = filled[1]
    if not set(_XR_REPORT) <= {form_of(name) for name in found}:
        return None
    return Sheet(rows=(list(found), list(found.values())), lines=sheet.lines[:2], separator=sheet.separator,
                 is_cut=False)  # fmt: skip


def _below_plate(sheet: Sheet) -> Sheet | None:
    """Cellaca and Matrix: lines about the plate, then a header; the time of the plate is that of each well."""
    about = {row[0].strip(): row[1].strip() for row in sheet.rows[:LOOKED_AT] if len(row) > 1}
    at = next((i for i, row in enumerate(sheet.rows[:LOOKED_AT]) if "wellname" in [form_of(c) for c in row]), 0)
    when = next((about[name] for name in _DATED if name in about), "")
    if not at or not when:
        return None
    first = next(i for i, cell in enumerate(sheet.rows[at]) if cell.strip())
    rows = [[_DATED[0], *sheet.rows[at][first:]], *([when, *row[first:]] for row in sheet.rows[at + 1 :])]
    return replace(sheet, rows=tuple(rows), lines=sheet.lines[at:])


def _grouped_digits(sheet: Sheet) -> Sheet | None:
    """NC-View: ``274 000`` cells per ml, and the date of an image in its name."""
    header = sheet.rows[0]
    forms = [form_of(cell) for cell in header]
    if not {"name", "sampleid", "live(cells/ml)"} <= set(forms):
        return None
    name = forms.index("name")
    counts = [i for i, form in enumerate(forms) if form.endswith("(cells/ml)")]
    rows = [[*header, IMAGE_DATE]]
    for row in sheet.rows[1:]:
        dated = _image_date(row[name].strip()) if len(row) > name else None
        digits = [re.sub(r"\s", "", c) if i in counts and _grouped(c.strip()) else c for i, c in enumerate(row)]
        date = _iso(dated["date"]) if dated else ""
        rows.append([*digits, date if date and read_stamps([date]).values[0] is not None else ""])
    return replace(sheet, rows=tuple(rows))
