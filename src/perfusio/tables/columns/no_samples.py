"""Rows of a table that are no samples of a culture: controls, calibrators, blanks, averages below the data.

They are left out and told. A name that a culture can have too (control) is asked, and so are rows that come again and
again with the very same values between others. The user says otherwise with `keep` and `leave_out`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perfusio.state import FloatArray
from perfusio.tables.cells.plain_rows import first_cells
from perfusio.tables.cells.sheets import Sheet
from perfusio.tables.columns.column import Role
from perfusio.tables.columns.header_names import SAMPLE, TEXTS, form_of
from perfusio.tables.columns.problems import Problems
from perfusio.tables.columns.questions import Reading

if TYPE_CHECKING:
    from perfusio.tables.columns.grid import Grid, ReadOptions

LINE = "line"
"""What stands for a column where rows are named by their line."""
_TYPES = frozenset({"sampletype", "materialtype", "specimentype", "sampleclass", "typeofsample"})
_NAMES = frozenset(form_of(word) for word in (SAMPLE, *TEXTS[SAMPLE]))
_CULTURE = (
    "cellculture", "spentmedi", "sample", "sam", "unknown", "default", "culture", "supernatant", "bioreactor", "",
)  # fmt: skip
_NO_CULTURE = (
    "qc", "qualitycontrol", "control", "ctrl", "cal", "std", "standard", "blank", "linearity", "verification", "rinse",
    "wash", "flush", "freshmedi", "proficiency",
)  # fmt: skip
_names_no_culture = re.compile(
    r"(qc|blank|blk|linearity|calibrat\w*|cal|std|standard|rinse|wash|flush)(?![a-z])", re.IGNORECASE
).match
_names_open = re.compile(r"(control|ctrl|ctl)(?![a-z])", re.IGNORECASE).match
_summary = re.compile(
    r"(mean|average|avg|median|sd|std|st\.? ?dev\.?|stdev|standard deviation|cv|rsd|sem|min|max|minimum|maximum|sum|"
    r"total|mittelwert|moyenne|promedio)\b\s*[%:.]*\s*(\(.*\))?",
    re.IGNORECASE,
).fullmatch
_LEAST_ALIKE, _LEAST_VALUES = 3, 3
_MOST_SHOWN = 6


def without_no_samples(sheet: Sheet, at: int, options: ReadOptions, problems: Problems, remarks: list[str]) -> Sheet:
    """Return a sheet without the rows that are no samples.

    Args:
        sheet: Lines of cells.
        at: Which row is the header.
        options: What the user declares.
        problems: Collects questions.
        remarks: Collects what was left out.
    """
    header = [" ".join(name.split()) for name in sheet.rows[at]]
    out: dict[int, str] = {}
    places = range(at + 1, len(sheet.rows))
    kept = _said(sheet, at, header, options.keep, problems)
    out |= dict.fromkeys(_said(sheet, at, header, options.leave_out, problems), "as you said")
    _by_type(sheet, header, places, kept, out, remarks)
    _by_name(sheet, header, places, options, kept, out, problems)
    first = first_cells(sheet.rows[at + 1 :])  # many rows, few different first cells
    is_any = any(not cell.strip() or _is_summary([cell]) for cell in first)
    for i in places if is_any else ():
        if i not in out and i not in kept and (word := _is_summary(sheet.rows[i])):
            out[i] = f"{word!r} summarises others"
    if not out:
        return sheet
    by_reason: dict[str, list[int]] = {}
    for i in sorted(out):
        by_reason.setdefault(out[i], []).append(sheet.lines[i])
    listed = "; ".join(f"{listed_lines(lines)} ({why})" for why, lines in by_reason.items())
    remarks.append(f"{len(out)} rows that are no samples were left out: {listed}.")
    stay = [i for i in range(len(sheet.rows)) if i not in out]
    return replace(sheet, rows=tuple(sheet.rows[i] for i in stay), lines=tuple(sheet.lines[i] for i in stay))


def listed_lines(lines: Sequence[int]) -> str:
    """Return numbers of lines in words, the first ones where there are many."""
    shown = ", ".join(map(str, lines[:_MOST_SHOWN])) + (" ..." if len(lines) > _MOST_SHOWN else "")
    return f"{'line' if len(lines) == 1 else 'lines'} {shown}"


def _cell(row: Sequence[str], i: int) -> str:
    return row[i].strip() if i < len(row) else ""


def _said(
    sheet: Sheet, at: int, header: Sequence[str], said: Mapping[str, Sequence[str]], problems: Problems
) -> set[int]:
    """Return the rows that the user names, by the value of a column or by line."""
    found: set[int] = set()
    for name, values in said.items():
        parts = [p for v in values for p in v.split(",")] if form_of(name) == LINE else values
        wanted = {value.strip().lower() for value in parts}
        if form_of(name) == LINE:
            found |= {i for i in range(at + 1, len(sheet.rows)) if str(sheet.lines[i]) in wanted}
            continue
        columns = [i for i, text in enumerate(header) if form_of(text) == form_of(name)]
        if not columns:
            problems.file(f"there is no column {name!r}, which keep or leave_out names. Name a column, or {LINE!r}.")
        found |= {
            i for i in range(at + 1, len(sheet.rows)) if any(_cell(sheet.rows[i], c).lower() in wanted for c in columns)
        }
    return found


def _by_type(
    sheet: Sheet, header: Sequence[str], places: Sequence[int], kept: set[int], out: dict[int, str], remarks: list[str]
) -> None:
    """Leave out rows whose type says that they are no culture; types that nobody knows are told and read."""
    strange: dict[str, int] = {}
    for c in (c for c, text in enumerate(header) if form_of(text) in _TYPES):
        for i in places:
            text = _cell(sheet.rows[i], c)
            form = form_of(text)
            if i in kept or form.startswith(_CULTURE[:-1]) or not form:
                continue
            if form.startswith(_NO_CULTURE):
                out.setdefault(i, f"{header[c]} {text}")
            else:
                strange[text] = strange.get(text, 0) + 1
    if strange:
        listed = ", ".join(f"{text!r} ({n})" for text, n in list(strange.items())[:_MOST_SHOWN])
        remarks.append(f"rows of sample types that perfusio does not know were read as samples: {listed}.")


def _by_name(
    sheet: Sheet, header: Sequence[str], places: Sequence[int], options: ReadOptions, kept: set[int],
    out: dict[int, str], problems: Problems,
) -> None:  # fmt: skip
    said = {form_of(text): meaning for text, meaning in options.columns.items()}
    asked: dict[str, list[int]] = {}
    for c in (c for c, text in enumerate(header) if form_of(text) in _NAMES or said.get(form_of(text)) == SAMPLE):
        for i in (i for i in places if i not in kept and i not in out):
            text = _cell(sheet.rows[i], c)
            if _names_no_culture(text):
                out[i] = f"{header[c]} {text}"
            elif _names_open(text) and not (options.sample_pattern or options.reactor):
                asked.setdefault(text, []).append(i)
        if asked:
            _ask_about_names(sheet, header[c], asked, problems)
            return


def _ask_about_names(sheet: Sheet, header: str, asked: Mapping[str, list[int]], problems: Problems) -> None:
    first = next(iter(asked))
    problems.line(
        sheet.lines[asked[first][0]],
        f"column {header!r}: {', '.join(map(repr, list(asked)[:_MOST_SHOWN]))} can be a control fluid or a control "
        "culture.",
        readings=(
            _rows("a control fluid: leave it out", "leave_out", header, list(asked)),
            _rows("a culture: read it", "keep", header, list(asked)),
        ),
    )


def _rows(says: str, key: str, header: str, values: Sequence[str]) -> Reading:
    option = f"--{key.replace('_', '-')}"
    typed = tuple(word for value in values for word in (option, f"{header}={value}"))
    return Reading(says=says, options=typed, entry={key: {header: list(values)}})


def _is_summary(row: Sequence[str]) -> str:
    """Return the word that makes a row a summary of others; it stands in the first cell that has anything."""
    for cell in row:
        if text := cell.strip():
            return text if _summary(text) else ""
    return ""


def ask_about_repeats(grid: Grid, groups: Sequence[tuple[str, str]], options: ReadOptions, problems: Problems) -> None:
    """Ask about rows that come at least three times with the very same values, and others between them.

    A control is measured each day and gives what it gave before; a culture does not come back to all of its values.

    Args:
        grid: The file.
        groups: Run and reactor of each row.
        options: What the user declares.
        problems: Collects the question.
    """
    measured = [grid.numbers[c].values for c in grid.columns if c.role is Role.STATE and c in grid.numbers]
    if len(measured) < _LEAST_VALUES or len(grid.lines) < 2 * _LEAST_ALIKE - 1:
        return
    values = np.column_stack(measured)
    is_full = (np.isfinite(values).sum(axis=1) >= _LEAST_VALUES) & _come_again(values)
    alike: dict[tuple[tuple[str, str], bytes], list[int]] = {}
    for i in np.nonzero(is_full)[0].tolist():
        alike.setdefault((groups[i], values[i].tobytes()), []).append(i)
    if not alike:
        return
    is_full = np.isfinite(values).sum(axis=1) >= _LEAST_VALUES
    told = _told_lines(options.keep)
    for (group, _), rows in alike.items():
        between = [i for i in range(rows[0], rows[-1]) if groups[i] == group and is_full[i]]
        n_apart = sum(b - a > 1 for a, b in pairwise(rows))
        if len(rows) < _LEAST_ALIKE or n_apart < _LEAST_ALIKE - 1 or len(between) < len(rows):
            continue
        lines = [grid.lines[i] for i in rows]
        if set(map(str, lines)) <= told:
            continue
        problems.line(
            lines[0],
            f"has the very same values as {listed_lines(lines[1:])}, and other values stand between them: these may be "
            "a control fluid and no samples.",
            readings=(
                _rows("a control: leave them out", "leave_out", *_named(grid, rows)),
                _rows("samples: read them", "keep", LINE, [",".join(map(str, lines))]),
            ),
        )


def _come_again(values: FloatArray) -> NDArray[np.bool_]:
    """Whether a row has the same sum of weighted values as another: all rows that are equal do, hardly any other does.

    Args:
        values: Of shape (N, Q), NaN where not measured.

    Returns:
        Truth values, shape (N,).
    """
    total = np.zeros(len(values))
    for k in range(values.shape[1]):
        total += np.nan_to_num(values[:, k], nan=-1.0) * np.sqrt(k + 2.0)
    _, place, n = np.unique(total, return_inverse=True, return_counts=True)
    return np.asarray(n[place] > 1)


def _named(grid: Grid, rows: Sequence[int]) -> tuple[str, list[str]]:
    """Return a column and its value that only these rows have; else their lines."""
    numeric = {c.index for c in grid.numbers}
    for c, header in enumerate(grid.header):
        values = {_cell(grid.cells[i], c) for i in rows}
        if header and c not in numeric and len(values) == 1 and "" not in values:
            value = values.pop()
            if sum(_cell(row, c) == value for row in grid.cells) == len(rows):
                return header, [value]
    return LINE, [",".join(str(grid.lines[i]) for i in rows)]


def ask_about_hidden(lines: Sequence[int], options: ReadOptions, problems: Problems) -> None:
    """Ask about hidden rows of a sheet: people hide what does not count, and filters hide what does.

    Raises:
        QuestionOpen: nobody said whether they are samples.
    """
    told = _told_lines(options.keep) | _told_lines(options.leave_out)
    if not (left := [n for n in lines if str(n) not in told]):
        return
    named = [",".join(map(str, left))]
    problems.line(
        left[0],
        f"is hidden in the workbook ({listed_lines(left)}): is it a sample?",
        readings=(
            _rows("hidden rows do not count: leave them out", "leave_out", LINE, named),
            _rows("a filter hides them: read them", "keep", LINE, named),
        ),
    )
    problems.refuse_if_any()


def names_lines(options: ReadOptions) -> bool:
    """Whether something was declared by its line, which is another one in a part of the file."""
    return bool(options.set_missing) or any(form_of(name) == LINE for name in (*options.keep, *options.leave_out))


def _told_lines(said: Mapping[str, Sequence[str]]) -> set[str]:
    values = [v for name, each in said.items() if form_of(name) == LINE for v in each]
    return {part.strip() for v in values for part in v.split(",")}
