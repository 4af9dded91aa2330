"""SqlRecord: the lines of `audit.jsonl` as tables, for questions in SQL. The file is the truth, this is an index of it.

Every table that is filled here depends on nothing but the lines and their order, so it can be made anew from the file,
to equal content, at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import select

from perfusio.connectors.database.database import Database
from perfusio.connectors.database.filling import add_lines, forget
from perfusio.connectors.database.histories import Histories, lines_of
from perfusio.connectors.database.schema import events
from perfusio.record.mirror import Line


class SqlRecord:
    """Runs in the tables `events`, `decisions`, `samples` and `setpoints` and the view `forecasts` of one database."""

    def __init__(self, where: str | Path) -> None:
        """Refer to a database; an SQLite file is made with the first line.

        Args:
            where: Path of an SQLite file, or a URL.

        Raises:
            ConfigError: no such kind of database.
        """
        self._database = Database(where, create=True)
        self._histories = Histories()

    @property
    def shown(self) -> str:
        """Where it is, without a password."""
        return self._database.shown

    def last(self, run: str) -> tuple[int, str]:
        """Return number and hash of the last record of a run that is here; (0, "") if there is none.

        Raises:
            NotConnected: the database cannot be reached.
            UnreadableSource: it is refused.
        """
        query = select(events.c.seq, events.c.hash).where(events.c.run == run).order_by(events.c.seq.desc()).limit(1)
        with self._database.reading("mirror") as connection:
            row = connection.execute(query).one_or_none()
            return (0, "") if row is None else (row.seq, row.hash)

    def add(self, lines: Sequence[Line]) -> int:
        """Add lines of one record in their order, all or none; those that are here already are passed over.

        Args:
            lines: Each record with its line, without the line break.

        Returns:
            How many were new.

        Raises:
            NotConnected: the database cannot be reached; whether the lines are kept shows in `last`.
            UnreadableSource: a line does not follow from the last one here: the database holds another record.
        """
        with self._database.writing("mirror") as connection:
            return add_lines(connection, lines, self._histories, self._database.name)

    def forget(self, run: str) -> None:
        """Take away everything that was copied from the record of one run; samples of the lab are left alone.

        Raises:
            NotConnected: the database cannot be reached.
        """
        with self._database.writing("mirror") as connection:
            forget(connection, run)

    def lines(self, run: str) -> Iterator[str]:
        """Yield the lines of a run as they stand in its `audit.jsonl`, without their line breaks."""
        with self._database.reading("mirror") as connection:
            yield from lines_of(connection, run)
