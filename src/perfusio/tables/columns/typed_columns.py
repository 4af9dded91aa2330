"""A sheet whose header is understood: columns of numbers and of texts, each row with its line in the file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from perfusio.process.declared import is_fraction
from perfusio.process.panel import Panel
from perfusio.tables.cells.cells import Numbers, decimal_mark, is_missing, read_numbers
from perfusio.tables.cells.missing_by_name import without_it
from perfusio.tables.cells.plain_rows import columns_of, may_hold, widths_of
from perfusio.tables.cells.sheets import Sheet
from perfusio.tables.columns.column import Column, Role
from perfusio.tables.columns.columns import could_be_header, is_units_row, looks_like_header, read_header
from perfusio.tables.columns.date_and_clock import with_one_time
from perfusio.tables.columns.grid import Grid, ReadOptions, _carried
from perfusio.tables.columns.header_names import STAMP, form_of, names_of
from perfusio.tables.columns.no_samples import listed_lines, without_no_samples
from perfusio.tables.columns.problems import Problems
from perfusio.tables.columns.questions import Reading

SAMPLED_AT = "--sampled-at"


def grid_of(sheet: Sheet, options: ReadOptions, problems: Problems, remarks: list[str] | None = None) -> Grid:
    """Find the header of a sheet and cut the rows below it into columns; faults go to `problems`."""
    panel = options.panel
    sheet = _one_header_row(sheet, panel)
    first_rows = sheet.rows[:12]
    at = next((i for i, row in enumerate(first_rows) if looks_like_header(row, options.columns, panel)), None)
    if at is None and not options.only_named:  # a header of short names is one, and asked about name by name
        at = next((i for i, row in enumerate(first_rows) if could_be_header(row, panel)), None)
    at = at or 0
    header, line = sheet.rows[at], sheet.lines[at]
    if at > 0:
        first = next(c.strip() for c in sheet.rows[0] if c.strip())
        above = "line 1" if line == 2 else f"lines 1 to {line - 1}"
        problems.line(
            sheet.lines[0],
            f"{first!r} is no header; line {line} looks like one. Delete {above}, so that the header comes first.",
        )
    remarks = [] if remarks is None else remarks
    sheet = without_no_samples(sheet, at, options, problems, remarks)
    sheet = with_one_time(sheet, at, options, problems, remarks)
    header = sheet.rows[at]
    columns, n_head = _columns(sheet, at, options, problems, remarks)
    cells, lines = _body(sheet, at, at + n_head, problems)
    _refuse_nameless(header, cells, line, problems)
    if options.sampled_at is not None and not any(c.role is Role.TIME or c.name == STAMP for c in columns):
        said = Column(index=len(header), header=SAMPLED_AT, role=Role.TEXT, name=STAMP)
        header, columns = [*header, SAMPLED_AT], (*columns, said)
        cells = [[*row[: said.index], options.sampled_at.isoformat(sep=" ")] for row in cells]
    cells = _set_missing(columns, cells, lines, options, problems, remarks)
    by_column = columns_of(cells, len(header))
    numbers, decimal = _numbers(columns, by_column, lines, sheet.separator, options, problems)
    for column in (c for c, n in numbers.items() if n.of_nothing):
        listed = listed_lines([lines[i] for i in numbers[column].of_nothing])
        remarks.append(f"column {column.header!r}: #DIV/0! counts as not measured: {listed}.")
    if lines and lines[-1] == sheet.lines[-1]:
        is_read = any(c.index == len(sheet.rows[at]) - 1 for c in columns)
        judge_cut(sheet, problems, remarks if remarks is not None else [], is_read=is_read)
    return Grid(
        header_line=line,
        header=[" ".join(name.split()) for name in header],
        columns=columns,
        cells=cells,
        lines=lines,
        by_column=by_column,
        numbers=numbers,
        fill_down=options.fill_down,
        decimal=decimal,
        panel=panel,
    )


def judge_cut(sheet: Sheet, problems: Problems, remarks: list[str], *, is_read: bool = True) -> None:
    """Read a last row without a line break where it is whole for sure; else refuse it: 24.6 may be there as 24.

    Args:
        sheet: The file as it is.
        problems: Collects the refusal.
        remarks: Collects what was read although it ends without a line break.
        is_read: Whether the last column is read at all.
    """
    if not sheet.is_cut:
        return
    last = next((cell.strip() for cell in reversed(sheet.rows[-1]) if cell.strip()), "")
    before = [row[-1].strip() for row in sheet.rows[1:-1] if len(row) == len(sheet.rows[-1])]
    if not is_read or (before and _is_whole(sheet.rows[-1][-1].strip(), before)):
        remarks.append(f"line {sheet.lines[-1]} is the last one and has no line break; it is whole and was read.")
        return
    problems.line(
        sheet.lines[-1],
        f"is the last one and has no line break, so {last!r} may be cut short; expected a line break. If the row "
        "is whole, put the cursor behind it, press Enter and save; otherwise copy the file again.",
    )


def _is_whole(last: str, before: Sequence[str]) -> bool:
    """Whether a cell has all its characters: as many decimals as all others of its column, or the one text of all."""
    decimals = {len(found[1]) if (found := _decimals(cell)) else 0 for cell in before if cell}
    own = _decimals(last)
    return bool(own and decimals == {len(own[1])}) or (not own and len(before) > 1 and set(before) == {last})


_decimals = re.compile(r"[<>]?\s*[+-]?\d+[.,](\d+)").fullmatch


def _one_header_row(sheet: Sheet, panel: Panel) -> Sheet:
    """Make one of two header rows: groups above, names below. A title above the header is none of them.

    A name that only one group has stands alone; others become ``Group / Name``. Where the second row is empty, a name
    may stand in the first.
    """
    if len(sheet.rows) < 3 or len(sheet.rows[0]) != len(sheet.rows[1]) or looks_like_header(sheet.rows[0], panel=panel):
        return sheet
    above, below = ([" ".join(cell.split()) for cell in row] for row in sheet.rows[:2])
    names = [b or a for a, b in zip(above, below, strict=True)]
    said = [i for i, text in enumerate(above) if text]
    if not said or said == [0] or not looks_like_header(names, panel=panel):
        return sheet
    groups = [a if not b else g for a, b, g in zip(above, below, _carried(above), strict=True)]
    forms = [form_of(names_of(panel).split(name)[0]) for name in names]
    labels = [
        f"{group} / {name}" if group and forms.count(form) > 1 and name else name
        for name, group, form in zip(names, groups, forms, strict=True)
    ]
    return replace(sheet, rows=(labels, *sheet.rows[2:]), lines=sheet.lines[1:])


def _columns(
    sheet: Sheet, at: int, options: ReadOptions, problems: Problems, remarks: list[str] | None
) -> tuple[tuple[Column, ...], int]:
    """Return the columns and the number of header lines: one, or two with a row of units."""
    header, line = sheet.rows[at], sheet.lines[at]
    if all(is_missing(c) or not read_numbers([c]).refused for c in header):
        problems.line(line, f"there is no header, only values like {header[0]!r}. Put the names of the columns first.")
        return (), 1
    below = sheet.rows[at + 1] if len(sheet.rows) > at + 1 else []
    tried = read_header(header, Problems(""), columns=options.columns, ignore=options.ignore,
                        only_named=options.only_named, panel=options.panel)  # fmt: skip
    has_units = is_units_row(tried, below, options.panel)
    columns = read_header(
        header,
        problems,
        line=line,
        units=below if has_units else None,
        columns=options.columns,
        ignore=options.ignore,
        only_named=options.only_named,
        panel=options.panel,
        remarks=remarks,
    )
    return columns, 1 + has_units


def _body(sheet: Sheet, at: int, start: int, problems: Problems) -> tuple[Sequence[list[str]], Sequence[int]]:
    """Return the rows below the header that have its number of cells, and their lines."""
    header, body = sheet.rows[at], sheet.rows[start:]
    n = len(header)
    if widths_of(body) <= {n} and not may_hold(body, header):  # nothing to look at row by row
        return body, sheet.lines[start:]
    cells, lines = list[list[str]](), list[int]()
    for row, line in zip(sheet.rows[start:], sheet.lines[start:], strict=True):
        if row[0] == header[0] and row == header:
            problems.line(
                line,
                "repeats the header. Delete this line; if two runs were joined here, give each its own file or add a "
                "column 'run'.",
                rule="repeated header",
            )
        elif len(row) == n or (len(row) > n and not any(cell.strip() for cell in row[n:])):
            cells.append(row)
            lines.append(line)
        else:
            is_last = sheet.is_cut and line == sheet.lines[-1]
            found = "1 value" if len(row) == 1 else f"{len(row)} values"
            problems.line(
                line,
                f"has {found}, expected {n} as in the header. {_count_remedy(row, n, is_last)}",
                rule=f"{len(row)} fields",
            )
    return cells, lines


def _set_missing(
    columns: Sequence[Column], cells: Sequence[list[str]], lines: Sequence[int], options: ReadOptions,
    problems: Problems, remarks: list[str],
) -> Sequence[list[str]]:  # fmt: skip
    """Return the rows without the values that the user declares missing; one that is not there is a problem."""
    of_this = [said for said in options.set_missing if said.is_of(problems.source)]
    if not of_this:
        return cells
    rows, place = list(cells), {line: i for i, line in enumerate(lines)}
    for said in of_this:
        named = [c for c in columns if form_of(said.name) in (form_of(c.header), form_of(c.name))]
        i = place.get(said.line)
        if i is None or len(named) != 1 or named[0].role in (Role.TEXT, Role.TIME):
            what = "no row stands in that line" if i is None else "it names no single column of measured values"
            problems.file(f"'{said}' was said to be missing, but {what}. Name line and column as messages do.")
            continue
        at, where = named[0].index, f"line {said.line}, column {named[0].header!r}"
        remarks.append(f"{where}: {rows[i][at].strip()!r} counts as not measured, as you said.")
        rows[i] = [*rows[i][:at], "", *rows[i][at + 1 :]]
    return rows


def _refuse_nameless(header: Sequence[str], cells: Sequence[list[str]], line: int, problems: Problems) -> None:
    """A column without a name may be empty (a trailing comma) or count the rows, as pandas does."""
    for i, name in enumerate(header):
        values = [] if name.strip() else [row[i].strip() for row in cells]
        if not values:
            continue
        counted = [str(n) for n in range(len(values))]
        if any(values) and values not in (counted, [str(n + 1) for n in range(len(values))]):
            problems.line(line, f"column {i + 1} has values but no name. Name it, or delete it.")


def _count_remedy(row: Sequence[str], n: int, is_last: bool) -> str:
    if is_last:
        return "The file ends in the middle of this row: was it copied while being written? Copy it again."
    if len(row) > n and sum(cell.strip().isdigit() for cell in row) > len(row) // 2:
        return "Are these decimal commas? Then separate the columns by ';', or write decimal points."
    if len(row) > n:
        return "Texts that contain the separator need quotes around them."
    return "Complete the row, or remove it if it is no sample."


def _numbers(
    columns: Sequence[Column],
    by_column: Sequence[Sequence[str]],
    lines: Sequence[int],
    separator: str,
    options: ReadOptions,
    problems: Problems,
) -> tuple[dict[Column, Numbers], str]:
    """Read every column of numbers, and return their decimal mark too; cells that are none become problems."""
    texts = {c: by_column[c.index] for c in columns if c.role is not Role.TEXT}
    mark = options.decimal or _decimal_mark(texts, separator, problems)
    found: dict[Column, Numbers] = {}
    for column, column_cells in texts.items():
        is_share = is_fraction(column.name, options.panel) or column.unit == "%"
        may_be_percent = is_share and column.factor == 1.0
        found[column] = numbers = read_numbers(column_cells, decimal=mark, may_be_percent=may_be_percent)
        for i, rule in numbers.refused.items():
            why = rule
            if column.role is Role.TIME and column_cells[i].strip().isalpha():
                why = "is no time. Every row is one sample: remove averages, notes and units between them."
            if column.role is Role.STATE:
                why += without_it(problems.source, lines[i], column.header)
            problems.cell(lines[i], column.header, column_cells[i], why, rule=rule)
        if column.role in (Role.TIME, Role.SETPOINT):
            for i in numbers.limits:
                why = f"is a limit, expected a plain number: nobody measures {column.name}, it is set."
                problems.cell(lines[i], column.header, column_cells[i], why)
    return found, mark


def _decimal_mark(texts: Mapping[Column, Sequence[str]], separator: str, problems: Problems) -> str:
    mark, readings = decimal_mark(tuple(texts.values()), separator)
    if readings is not None:
        small, large = readings
        written = small.replace(".", mark)
        problems.file(
            f"{written!r} can mean {small} or {large}, and every number of the file is of that kind. If it is {small}, "
            f'say so: FilesystemStore(..., decimal="{mark}"); if it is {large}, write the numbers without groups.',
            readings=(
                Reading(says=small, options=("--decimal", mark), entry={"decimal": mark}),
                Reading(says=f"{large}: write the numbers without groups"),
            ),
        )
    return mark
