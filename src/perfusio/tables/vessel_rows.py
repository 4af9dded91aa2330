"""The rows of one vessel of a table, or the question which one is meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from perfusio.errors import UnreadableSource
from perfusio.quantities import closest
from perfusio.tables.columns.questions import Question, Reading, column_reading, refusal
from perfusio.tables.rows.samples import TableRow
from perfusio.tables.rows.table import Table

MOST_SHOWN = 12
"""Runs of a file that a question lists with an answer each."""


def rows_of(table: Table, run: str | None, reactor: str | None, *, may_come: bool = False) -> list[TableRow]:
    """Return the rows of one vessel.

    Args:
        table: The file.
        run: Its run; None if there is only one.
        reactor: Its reactor; None if there is only one.
        may_come: A run or reactor that is not there may come later.

    Raises:
        QuestionOpen: several runs fit: it is asked which.
        UnreadableSource: several vessels fit, or none; the message lists the vessels.
    """
    fitting = [g for g in table.groups if run in (None, g[0]) and reactor in (None, g[1])]
    if len(fitting) > 1:
        raise _which(table, fitting)
    if not fitting and table.rows:
        for what, wanted, names in (("run", run, _names(r for r, _ in table.groups)),
                                    ("reactor", reactor, _names(r for _, r in table.groups))):  # fmt: skip
            if wanted is not None and wanted not in names and not (names and may_come):
                holds = f"It holds {', '.join(names)}." if names else f"It has no column {what!r}: leave {what}= away."
                text = f"{table.name} has no {what} {wanted!r}.{closest(wanted, names)} {holds}"
                raise UnreadableSource((text,), connector=table.name)
    return [row for row in table.rows if (row.run, row.reactor) in fitting]


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))


def _which(table: Table, groups: Sequence[tuple[str, str]]) -> UnreadableSource:
    """Return the refusal of several vessels, the question which of several runs is meant."""
    runs, reactors = _names(run for run, _ in groups), _names(reactor for _, reactor in groups)
    if len(reactors) > 1 and len(reactors) >= len(runs):
        text = (
            f"{table.name} holds {len(reactors)} vessels: {', '.join(reactors)}. Hand all of them to the twin, "
            f'FilesystemStore(...).vessels(), or choose one: FilesystemStore(..., reactor="{reactors[0]}").'
        )
        return UnreadableSource((text,), connector=table.name)
    text = f'{table.name} holds {len(runs)} runs: {", ".join(runs)}. Choose one: FilesystemStore(..., run="{runs[0]}").'
    question = Question(found=text, readings=(*(_one(table, run) for run in runs[:MOST_SHOWN]), *_as_vessels(table)))
    return refusal((question.sentence(),), (question,), connector=table.name)


def _one(table: Table, run: str) -> Reading:
    """Return the reading that one run is meant, with its length and the date of its latest sample."""
    rows = [row for row in table.rows if row.run == run]
    last_h = max(row.state.time_h for row in rows)
    start = table.starts.get((run, rows[0].reactor))
    date = "" if start is None else f", to {start + timedelta(hours=last_h):%Y-%m-%d}"
    says = f"{run} ({len(rows)} samples, to day {last_h / 24.0:.3g}{date})"
    return Reading(says=says, options=("--run", run), entry={"run": run})


def _as_vessels(table: Table) -> tuple[Reading, ...]:
    """Return the reading that a column of runs names vessels that all go on now, if there is such a column."""
    header = next((header for header, meaning in table.columns.items() if meaning == "run"), None)
    if header is None or any(row.reactor for row in table.rows):
        return ()
    return (column_reading("all of them: each is a vessel that goes on now", header, "reactor"),)
