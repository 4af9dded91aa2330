"""The rows of one vessel of a table, or the question which one is meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from perfusio.errors import UnreadableSource
from perfusio.quantities import closest
from perfusio.tables.rows.samples import TableRow
from perfusio.tables.rows.table import Table


def rows_of(table: Table, run: str | None, reactor: str | None, *, may_come: bool = False) -> list[TableRow]:
    """Return the rows of one vessel.

    Args:
        table: The file.
        run: Its run; None if there is only one.
        reactor: Its reactor; None if there is only one.
        may_come: A run or reactor that is not there may come later.

    Raises:
        UnreadableSource: several vessels fit, or none; the message lists the vessels.
    """
    fitting = [g for g in table.groups if run in (None, g[0]) and reactor in (None, g[1])]
    if len(fitting) > 1:
        raise UnreadableSource((_which(table.name, fitting),), connector=table.name)
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


def _which(name: str, groups: Sequence[tuple[str, str]]) -> str:
    runs, reactors = _names(run for run, _ in groups), _names(reactor for _, reactor in groups)
    if len(reactors) > 1 and len(reactors) >= len(runs):
        return (
            f"{name} holds {len(reactors)} vessels: {', '.join(reactors)}. Hand all of them to the twin, "
            f'FilesystemStore(...).vessels(), or choose one: FilesystemStore(..., reactor="{reactors[0]}").'
        )
    return f'{name} holds {len(runs)} runs: {", ".join(runs)}. Choose one: FilesystemStore(..., run="{runs[0]}").'
