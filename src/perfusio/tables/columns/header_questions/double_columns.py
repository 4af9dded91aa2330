"""Several columns of one meaning: which of them counts is asked, or they are parts of one name."""

from __future__ import annotations

from collections.abc import Sequence

from perfusio.tables.columns.column import Column
from perfusio.tables.columns.header_names import STAMP, TIME, form_of
from perfusio.tables.columns.problems import Problems
from perfusio.tables.columns.questions import Reading, unread_reading

KEYS = ("run", "reactor")
"""Meanings of which several columns can be the parts: experiment, block and vessel."""


def refuse_duplicates(found: Sequence[Column], declared: Sequence[Column], problems: Problems, line: int) -> None:
    """Ask which of several columns gives a quantity; several that name a run together must be declared as that.

    Args:
        found: All columns that are read.
        declared: Those whose meaning the user says.
        problems: Collects the questions.
        line: Of the header.
    """
    for name in dict.fromkeys(c.name for c in found):
        same = [c for c in found if c.name == name]
        if name in KEYS and all(c in declared for c in same):
            continue  # each of them is a part of the name
        if len(same) > 1 and name != TIME.name:
            listed = " and ".join(f"{c.header!r} (column {c.index + 1})" for c in same)
            remedy = f'leave one unread: FilesystemStore(..., ignore=["{same[-1].header}"])'
            if len({form_of(c.header) for c in same}) == 1:
                remedy = "delete one of them"
            problems.line(
                line,
                f"columns {listed} all give {name}, expected one. Rename one, or {remedy}.",
                readings=(*_as_parts(same), *(_instead(c, same) for c in same)) if "ignore" in remedy else (),
            )


def _as_parts(same: Sequence[Column]) -> tuple[Reading, ...]:
    """Return the reading that several columns name a run, or a vessel, together; none for a quantity."""
    name = same[0].name
    if name not in KEYS:
        return ()
    typed = tuple(word for c in same for word in ("--column", f"{c.header}={name}"))
    entry = {"columns": {c.header: name for c in same}}
    return (Reading(says=f"together they name the {name}", options=typed, entry=entry),)


def _instead(column: Column, same: Sequence[Column]) -> Reading:
    """Return the reading that only this one of several columns gives the quantity."""
    return unread_reading(f"{column.header!r}", *(c.header for c in same if c is not column))


def drawn_first(found: Sequence[Column], remarks: list[str]) -> list[Column]:
    """Of the time of drawing and that of measuring the first is the time of the sample."""
    stamps = [c for c in found if c.name == STAMP]
    drawn = [c for c in stamps if any(w in form_of(c.header) for w in _DRAWN)]
    measured = [c for c in stamps if c not in drawn and any(w in form_of(c.header) for w in _MEASURED)]
    if len(drawn) != 1 or not measured or len(drawn) + len(measured) != len(stamps):
        return list(found)
    listed = " and ".join(repr(c.header) for c in measured)
    remarks.append(f"column {drawn[0].header!r} is when samples were drawn and counts; {listed} was left unread.")
    return [c for c in found if c not in measured]


_DRAWN = ("sampl", "drawn", "draw", "taken", "collect")
_MEASURED = ("analy", "measur", "assay", "run", "test", "result")
