"""The samples of one vessel of a database, which vessel being found out with its first row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection

from perfusio.connectors.database.column_units import ColumnUnits
from perfusio.connectors.database.database import Database
from perfusio.connectors.database.moment import Moment
from perfusio.connectors.database.samples import (
    RawRow,
    SqlSample,
    Totals,
    groups_of,
    raw_rows_of,
    reactors_of,
    samples_in,
    totals_of,
    values_of,
)
from perfusio.errors import UnreadableSource
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.quantities import closest

NO_UNITS: Mapping[str, str] = MappingProxyType({})
RECENT = 50
"""Rows that are read at each look, with every value; those before are looked at by the totals of chapters."""
CHAPTER = 1000
"""Rows whose totals are made at one look, so a look costs the same however long the history is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """Settled rows, looked at by their totals.

    Attributes:
        after: Time of the last row before them [h].
        until: Time of the last of them [h].
        n: How many they are.
        totals: Of them.
    """

    after: float
    until: float
    n: int
    totals: Totals


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """Result of a look.

    Attributes:
        rows: All samples of the vessel, in order of time.
        n_same: So many of the first are as the look before found them.
        chapters: The settled ones, which come first.
        recent: The others, as they stand in the database.
    """

    rows: Sequence[SqlSample]
    n_same: int
    chapters: tuple[Chapter, ...]
    recent: Sequence[RawRow]

    @property
    def n_settled(self) -> int:
        """Rows that are looked at by their totals from now on."""
        return sum(chapter.n for chapter in self.chapters)

    @property
    def settled_until(self) -> float:
        """Time of the last of these, one before all of them if there is none [h]."""
        return self.chapters[-1].until if self.chapters else -1.0


class VesselSource:
    """Reads the rows of the one vessel that is meant.

    Attributes:
        database: Where they are; several vessels share it.
        grows: Whether rows may still come.
        panel: The process whose quantities they hold.
        units: Of the numbers in the rows, and which of them nobody told.
    """

    def __init__(
        self, database: Database, run: str | None, reactor: str | None, *, grows: bool, panel: Panel = CHO_PERFUSION,
        units: Mapping[str, str] = NO_UNITS,
    ) -> None:  # fmt: skip
        """Choose a run and a reactor; None where there is only one."""
        self.database, self.grows, self.panel = database, grows, panel
        self.units = ColumnUnits(panel, units)
        self._run, self._reactor = run, reactor
        self._found: tuple[str, str] | None = None
        self._n_looks = self._n_due = 0  # chapters that were not looked at in the moment below
        self._looked_at: tuple[Seen, Moment | None] | None = None

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
            names = dict.fromkeys(reactor for _, reactor in self._fitting(connection) if reactor)
        if not names and self._reactor and self.grows:
            names = dict.fromkeys([self._reactor])  # chosen before its first row
        if not names:
            raise self._refused(
                "has no samples that name a reactor, so its vessels are not known. Put in the first row of each, or "
                "use the store itself as the connector of its one vessel."
            )
        return {name: self.called(name) for name in names}

    def has_rows(self) -> bool:
        """Whether there is a sample of the run, or of any if none was chosen.

        Raises:
            UnreadableSource: the database is refused.
            NotConnected: it cannot be reached.
        """
        with self.database.reading("read_sample") as connection:
            return bool(self._fitting(connection))

    def reactors(self) -> set[str]:
        """Return the names of all vessels of the run that is read, of those too that were not chosen.

        Raises:
            UnreadableSource: the database is refused.
            NotConnected: it cannot be reached.
        """
        with self.database.reading("read_sample") as connection:
            return reactors_of(connection, self.group[0])

    def _fitting(self, connection: Connection) -> list[tuple[str, str]]:
        """Return the pairs of run and reactor that may be meant."""
        return [g for g in groups_of(connection, self._run) if self._reactor in (None, g[1])]

    def called(self, reactor: str) -> VesselSource:
        """Return the source of one vessel, whether a row of it has come or not."""
        return VesselSource(
            self.database, self._run, reactor, grows=self.grows, panel=self.panel, units=self.units.told
        )

    def find(self) -> None:
        """Find out which vessel is meant, as far as there are rows.

        Raises:
            UnreadableSource: as `read`.
            NotConnected: as `read`.
        """
        if self._found is None:
            with self.database.reading("read_setpoints") as connection:
                self.find_in(connection)

    def read(self) -> Sequence[SqlSample]:
        """Return all rows in order of time.

        Raises:
            UnreadableSource: no vessel or several fit, or the database is refused.
            NotConnected: it cannot be reached.
        """
        seen = self.news(None)
        return seen.rows if seen else ()

    def describe(self) -> dict[str, Any]:
        """Return what is there, as plain data for the record.

        Raises:
            UnreadableSource: as `read`.
            NotConnected: as `read`.
        """
        rows = self.read()
        content = json.dumps([values_of(row) for row in rows], sort_keys=True)
        return {
            "sha256": sha256(content.encode()).hexdigest(),
            "n_rows": len(rows),
            "run": self.group[0],
            "reactor": self.group[1],
            "clone": next((row.clone for row in rows if row.clone), ""),
            **({"units": self.units.told} if self.units.told else {}),
        }

    def news(self, seen: Seen | None) -> Seen | None:
        """Return the content if it has changed since `seen`; at the first look in any case.

        Nothing is read while the database says that nothing in it has changed. Otherwise recent rows are compared value
        by value, and one chapter of older ones by its totals: a change in them is found at the latest after as many
        looks as there are chapters.

        Raises:
            UnreadableSource: as `read`.
            NotConnected: as `read`.
        """
        moment = self.database.moment() if seen is not None else None
        if seen is not None and self._is_known(seen, moment):
            return None
        try:
            return self._changed_since(seen, moment)
        except BaseException:
            self._looked_at = None  # nothing was seen at this moment: the next look tries it again
            raise

    def _changed_since(self, seen: Seen | None, moment: Moment | None) -> Seen | None:
        with self.database.reading("read_sample") as connection:
            self.find_in(connection)
            moment = moment or self.database.moment(connection)
            if seen is not None and self._is_known(seen, moment):
                return None
            if seen is None or self._history_has_changed(connection, seen, moment):
                raw = raw_rows_of(connection, *self.group)
                return self._settled(connection, self._samples(connection, raw), raw, None)
            raw = raw_rows_of(connection, *self.group, after=seen.settled_until)
            if raw == seen.recent:
                return None
            if len(raw) > 2 * RECENT and seen.chapters and self._differs(connection, seen.chapters[-1]):
                return self.news(None)  # that chapter grows, and would take the change in unseen
            rows = [*seen.rows[: seen.n_settled], *self._samples(connection, raw)]
            return self._settled(connection, rows, raw, seen)

    def _is_known(self, seen: Seen, moment: Moment | None) -> bool:
        """Whether all of what was seen was looked at in this very moment of the database."""
        return self._looked_at == (seen, moment) and moment is not None and self._n_due == 0

    def _samples(self, connection: Connection, raw: Sequence[RawRow]) -> list[SqlSample]:
        return [*map(self.units.converted, samples_in(raw, connection, self.database.name, self.panel))]

    def _totals(self, connection: Connection, after: float, until: float) -> Totals:
        return totals_of(connection, *self.group, after=after, until=until, panel=self.panel)

    def find_in(self, connection: Connection) -> None:
        """Find out which vessel is meant, if that is not known yet.

        Raises:
            UnreadableSource: no vessel or several fit.
        """
        if self._found is None:
            self._found = self._chosen(groups_of(connection, None))

    def _history_has_changed(self, connection: Connection, seen: Seen, moment: Moment | None) -> bool:
        """Whether the chapter whose turn it is has changed."""
        if self._looked_at != (seen, moment):
            self._looked_at, self._n_due = (seen, moment), len(seen.chapters)
        if not seen.chapters:
            return False
        self._n_looks += 1
        self._n_due = max(self._n_due - 1, 0)
        return self._differs(connection, seen.chapters[self._n_looks % len(seen.chapters)])

    def _differs(self, connection: Connection, chapter: Chapter) -> bool:
        return self._totals(connection, chapter.after, chapter.until) != chapter.totals

    def _settled(
        self, connection: Connection, rows: Sequence[SqlSample], raw: Sequence[RawRow], before: Seen | None
    ) -> Seen:
        """Return what was seen; of many rows all but the recent ones are settled, in chapters."""
        chapters = list(before.chapters) if before else []
        n_same = before.n_settled if before else 0
        n_settled = len(rows) - RECENT if len(raw) > 2 * RECENT else n_same
        if n_settled > n_same and chapters and chapters[-1].n < CHAPTER:
            n_same -= chapters.pop().n
        while n_same < n_settled:
            n = min(CHAPTER, n_settled - n_same)
            after, until = _until(rows, n_same), _until(rows, n_same + n)
            chapters.append(Chapter(after=after, until=until, n=n, totals=self._totals(connection, after, until)))
            n_same += n
        return Seen(
            rows=rows, n_same=before.n_settled if before else 0, chapters=tuple(chapters),
            recent=raw[len(raw) - (len(rows) - n_same) :],
        )  # fmt: skip

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


def _until(rows: Sequence[SqlSample], n: int) -> float:
    """Return the time of the last of so many rows [h]; one before all of them if there is none."""
    return rows[n - 1].state.time_h if n else -1.0
