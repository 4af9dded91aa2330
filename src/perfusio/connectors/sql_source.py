"""The samples of one vessel of a database, which vessel being found out with its first row."""

from __future__ import annotations

from perfusio.connectors.sql_database import Database
from perfusio.connectors.sql_samples import Look, SqlSample, groups_of, look_at, rows_of
from perfusio.errors import UnreadableSource
from perfusio.quantities import closest


class VesselSource:
    """Reads the rows of the one vessel that is meant.

    Attributes:
        database: Where they are; several vessels share it.
        grows: Whether rows may still come.
    """

    def __init__(self, database: Database, run: str | None, reactor: str | None, *, grows: bool) -> None:
        """Choose a run and a reactor; None where there is only one."""
        self.database, self.grows = database, grows
        self._run, self._reactor = run, reactor
        self._found: tuple[str, str] | None = None

    @property
    def group(self) -> tuple[str, str]:
        """Run and reactor, as far as they are known."""
        return self._found or (self._run or "", self._reactor or "")

    @property
    def named(self) -> tuple[str, str]:
        """Run and reactor as they were chosen, empty where there is only one; the first row changes nothing here."""
        return self._run or "", self._reactor or ""

    def vessels(self) -> dict[str, VesselSource]:
        """Return one source per vessel.

        Raises:
            UnreadableSource: no row names a reactor, or the database is refused.
            NotConnected: it cannot be reached.
        """
        with self.database.reading() as connection:
            names = dict.fromkeys(reactor for _, reactor in groups_of(connection, self._run) if reactor)
        if not names:
            raise self._refused(
                "has no samples that name a reactor, so its vessels are not known. Put in the first row of each, or "
                "use the store itself as the connector of its one vessel."
            )
        return {name: VesselSource(self.database, self._run, name, grows=self.grows) for name in names}

    def find(self) -> None:
        """Find out which vessel is meant, as far as there are rows.

        Raises:
            UnreadableSource: as `read`.
            NotConnected: as `read`.
        """
        if self._found is None:
            with self.database.reading("read_setpoints") as connection:
                self._found = self._chosen(groups_of(connection, None))

    def read(self) -> list[SqlSample]:
        """Return all rows in order of time.

        Raises:
            UnreadableSource: no vessel or several fit, or the database is refused.
            NotConnected: it cannot be reached.
        """
        look = self.news(None)
        return look[1] if look else []

    def news(self, seen: Look | None) -> tuple[Look, list[SqlSample]] | None:
        """Return all rows if anything about them has changed since `seen`, with what to compare the next time.

        Raises:
            UnreadableSource: as `read`.
            NotConnected: as `read`.
        """
        with self.database.reading("read_sample") as connection:
            if self._found is None:
                self._found = self._chosen(groups_of(connection, None))
            look = look_at(connection, *self.group)
            return None if look == seen else (look, rows_of(connection, *self.group, self.database.name))

    def _chosen(self, groups: list[tuple[str, str]]) -> tuple[str, str] | None:
        """Return the run and reactor that are meant; None while there is no row that fits and one may come."""
        fitting = [g for g in groups if self._run in (None, g[0]) and self._reactor in (None, g[1])]
        if len(fitting) > 1:
            told = "; ".join(f"run={run!r}, reactor={reactor!r}" for run, reactor in fitting[:6])
            raise self._refused(
                f"holds {len(fitting)} vessels: {told}. Choose one: SqlStore(..., run=..., reactor=...), or hand all "
                "of them to the twin: SqlStore(...).vessels()."
            )
        if fitting:
            return fitting[0]
        if self.grows:
            return None
        if not groups:
            raise self._refused("has no samples yet, expected one row per sample. Put them in, or wait: follow=True.")
        wanted = self._run if self._run not in (None, *(g[0] for g in groups)) else self._reactor
        there = tuple(dict.fromkeys(text for g in groups for text in g if text))
        holds = f"It holds {', '.join(there)}." if there else "Its rows name no run and no reactor."
        raise self._refused(f"has no samples of {wanted!r}.{closest(str(wanted), there)} {holds}")

    def _refused(self, words: str) -> UnreadableSource:
        return UnreadableSource((f"{self.database.name} {words}",), connector=self.database.name)
