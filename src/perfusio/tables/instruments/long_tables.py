"""Long tables, one value per row, turned into one row per sample: historians' tags, a Cedex Bio HT, our own export."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from perfusio.tables.cells.csv_files import unescaped
from perfusio.tables.cells.sheets import Sheet
from perfusio.tables.columns.column import Column, Role
from perfusio.tables.columns.columns import read_header
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.columns.header_names import (
    INOCULATED,
    MEDIUM,
    QUALITY,
    SAMPLE,
    STAMP,
    TEXTS,
    TIME,
    TRULY_ZERO,
    Names,
    form_of,
    names_of,
    says_truly_zero,
)
from perfusio.tables.columns.problems import Problems
from perfusio.tables.columns.questions import column_reading, unread_reading
from perfusio.tables.columns.typed_columns import judge_cut
from perfusio.tables.instruments.cedex_bioht import bio_ht, is_bio_ht
from perfusio.tables.instruments.chemistries import YSI, are_chemistries, by_sample
from perfusio.tables.instruments.one_row_each import OneRowEach
from perfusio.tables.instruments.profiles import Recognised

TAGS = "long tags"
TIDY = "one value per row"
TIDY_HEADER = (
    "run", "reactor", "clone", MEDIUM, INOCULATED, "time [h]", "quantity", "value", "unit", "source", QUALITY,
)  # fmt: skip
"""Header of `perfusio export --layout long`."""
_MOST_SHOWN = 6


def turned(sheet: Sheet, options: ReadOptions, problems: Problems) -> Recognised | None:
    """Return a long table as one row per sample; None if it is no long table. Faults go to `problems`."""
    forms = [form_of(h) for h in sheet.rows[0]]
    if {"quantity", "value", "unit"} <= set(forms):
        return _tidy(sheet, forms, options, problems)
    if {"timestamp", "tag"} <= set(forms) and {"numericalvalue", "value"} & set(forms):
        return _tags(sheet, forms, options, problems)
    if are_chemistries(forms):
        rows, known, remarks = by_sample(sheet, forms, options, problems)
        return _finished(YSI, rows, sheet, known, problems, remarks=remarks)
    return bio_ht(sheet, options, problems) if is_bio_ht(sheet) else None


def _tidy(sheet: Sheet, forms: Sequence[str], options: ReadOptions, problems: Problems) -> Recognised:
    place = {form: i for i, form in enumerate(forms)}
    times = [i for i, h in enumerate(sheet.rows[0]) if i not in (place["quantity"], place["value"], place["unit"])
             and _is_time(h)]  # fmt: skip
    texts = ("run", "reactor", "clone", MEDIUM, INOCULATED, SAMPLE)
    keys = [i for i, h in enumerate(sheet.rows[0]) if form_of(h) in texts] + times
    turned = OneRowEach([sheet.rows[0][i].strip() for i in keys], problems)
    remarks: dict[tuple[str, ...], dict[str, str]] = {}
    for row, line in zip(sheet.rows[1:], sheet.lines[1:], strict=True):
        if len(row) != len(forms):
            problems.line(line, f"has {len(row)} values, expected {len(forms)} as in the header. Complete the row.")
            continue
        quantity, unit = (unescaped(row[place[name]].strip()) for name in ("quantity", "unit"))
        zeros = TRULY_ZERO if says_truly_zero(unit) else ""
        unit = unit.rpartition(",")[0] if zeros else unit
        column = f"{quantity} [{unit}]{zeros}" if quantity and unit else quantity
        key = tuple(row[i].strip() for i in keys)
        turned.put(line, key, column, row[place["value"]].strip())
        if (at := place.get(QUALITY)) is not None and row[at].strip():
            remarks.setdefault(key, {})[quantity] = unescaped(row[at].strip())
            turned.put(line, key, QUALITY, "")
    turned.remark(remarks)
    return _finished(TIDY, turned, sheet, options, problems)


def _is_time(header: str) -> bool:
    return any(c.name in ("time", STAMP) for c in read_header([header], Problems("")))


def _tags(sheet: Sheet, forms: Sequence[str], options: ReadOptions, problems: Problems) -> Recognised:
    """A tag is a path of names; its last part names the quantity, as a header would."""
    place = {form: i for i, form in enumerate(forms)}
    value = place.get("numericalvalue", place.get("value", 0))
    where = [place.get("batchname"), place.get("unitname"), place["timestamp"]]
    turned, unread = OneRowEach(("run", "reactor", STAMP), problems), dict[str, None]()
    meanings: dict[str, str] = {}
    for row, line in zip(sheet.rows[1:], sheet.lines[1:], strict=True):
        if len(row) != len(forms):
            problems.line(line, f"has {len(row)} values, expected {len(forms)} as in the header. Complete the row.")
            continue
        tag = row[place["tag"]].strip()
        if tag not in meanings:
            meanings[tag] = _of_tag(tag, line, options, problems)
        if not meanings[tag]:
            unread[tag] = None
            continue
        key = tuple("" if i is None else row[i].strip() for i in where)
        turned.put(line, key, meanings[tag], row[value].strip())
    remarks: tuple[str, ...] = ()
    if unread:
        more = len(unread) - _MOST_SHOWN
        shown = ", ".join(list(unread)[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")
        remarks = (f"tags that are no quantity were left unread: {shown}.",)
    plain = replace(options, columns={}, ignore=())
    return _finished(TAGS, turned, sheet, plain, problems, remarks=remarks)


_path_and_unit = re.compile(r"([^\[(]*)(.*)", re.DOTALL).fullmatch


def _of_tag(tag: str, line: int, options: ReadOptions, problems: Problems) -> str:
    """Return the header that a tag stands for, empty if it is none; a quantity that is left open is asked about."""
    said = {form_of(k): v for k, v in options.columns.items()}
    if form_of(tag) in said:
        return said[form_of(tag)]
    if form_of(tag) in {form_of(name) for name in options.ignore}:
        return ""
    parted = _path_and_unit(tag)
    path, unit = parted.groups() if parted else (tag, "")
    last = re.split(r"[./\\|]", path)[-1] + unit
    texts = (tag, last, last.split(" ", 1)[-1])
    for text in texts:
        columns = read_header([text], Problems(""), panel=options.panel)
        if columns and columns[0].name not in (*TEXTS, TIME.name):
            return _header_of(columns[0], names_of(options.panel))
    _ask_about(tag, texts, line, options, problems)
    return ""


def _ask_about(tag: str, texts: Sequence[str], line: int, options: ReadOptions, problems: Problems) -> None:
    """Ask about a tag whose name is that of a quantity and whose unit, or the name itself, can mean several things."""
    names = names_of(options.panel)
    for text in texts:
        name, unit = names.split(text)
        if names.meaning_of(name) in options.panel.by_name:
            read_header([tag], problems, line=line, columns={tag: text}, panel=options.panel)
            return
        readings = names.vague.get(form_of(name), ()) if len(form_of(name)) > 1 else ()
        if readings:
            words = [f"{word} [{unit}]" if unit else word for word in readings]
            problems.line(
                line,
                f"tag {tag!r} can mean several things.",
                readings=(*(column_reading(f"it is {word}", tag, word) for word in words),
                          unread_reading("it is something else", tag)),
            )  # fmt: skip
            return


def _header_of(column: Column, names: Names) -> str:
    """Return a header that means this column and nothing else."""
    if not column.is_bare:
        return f"{column.name} [{column.unit}]"
    is_asked = column.role is Role.SETPOINT and form_of(column.name) in names.open
    return f"{column.name} setpoint" if is_asked else column.name


def _finished(
    name: str, turned: OneRowEach, sheet: Sheet, options: ReadOptions, problems: Problems, *,
    remarks: tuple[str, ...] = (),
) -> Recognised:  # fmt: skip
    told = list(remarks)
    judge_cut(sheet, problems, told)
    return Recognised(
        name=name,
        sheet=turned.sheet(sheet),
        options=replace(options, may_be_unsorted=True),
        remarks=tuple(told),
    )
