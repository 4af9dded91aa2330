"""Newcomers: vessels that a source names after the run began. Nobody reads them, so somebody must know."""

from __future__ import annotations

from perfusio.errors import ConnectorError
from perfusio.events import ConnectorFailed
from perfusio.protocols import NamedByRows, able
from perfusio.twin.state.logbook import Logbook


class Newcomers:
    """Tells, once each, which vessels are in a source and not in the run.

    Those that were there when the run began were left out by whoever chose the others.

    Args:
        book: What is known, and the record.
    """

    def __init__(self, book: Logbook) -> None:
        self._book = book
        self._known: dict[str, set[str]] = {}  # by source

    async def look(self, turn: int) -> None:
        """Look at the sources of all vessels; one that cannot be read now is looked at in the next turn."""
        sources: dict[str, NamedByRows] = {}
        for vessel in self._book.vessels.values():
            if (named := able(vessel.connector, NamedByRows)) is not None:
                sources.setdefault(named.name, named)
        for name, source in sources.items():
            try:
                found = set(await source.reactors())
            except ConnectorError:
                continue
            known = self._known.setdefault(name, found)
            for reactor in sorted(found - known - set(self._book.vessels)):
                words = (
                    f"{name} names {reactor}, which is not in this run: nothing of it is read, decided or written. "
                    "Begin a run of its own for it, in another folder."
                )
                self._book.append(ConnectorFailed(turn=turn, operation="vessels", reason=words))
            self._known[name] = known | found
