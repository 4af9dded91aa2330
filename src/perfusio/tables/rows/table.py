"""Table: a file that passed every check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.tables.columns.column import ColumnRead
from perfusio.tables.columns.culture_times import Group
from perfusio.tables.instruments.ambr import Signals
from perfusio.tables.rows.samples import TableRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Use of the samples of one file and vessel when files were joined.

    Attributes:
        file: Its name.
        vessel: Run and reactor, as one text.
        n_joined: Samples that other files have too.
        alone: Culture days of those that no other file has.
    """

    file: str
    vessel: str
    n_joined: int
    alone: tuple[float, ...]

    def sentence(self) -> str:
        """Return it in words."""
        who = f" of {self.vessel}" if self.vessel else ""
        days = ", ".join(f"{day:.4g}" for day in self.alone[:12]) + (" ..." if len(self.alone) > 12 else "")
        rest = f"; without one in another file: day {days}" if self.alone else ""
        return f"{self.file}: {self.n_joined} of {self.n_joined + len(self.alone)} samples{who} joined{rest}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A file that passed every check.

    Attributes:
        name: File name.
        sha256: Of the bytes that were read.
        n_bytes: How many.
        columns: Reading of each header, e.g. ``{"Glc": "glucose [g/L]"}``.
        rows: Samples in the order of the file; each vessel's in order of time.
        clones: Cell line by run and reactor, where the file says.
        warnings: Conversions, joins, assumptions and omissions, in sentences.
        reads: Each column and its reading.
        starts: Date of culture time 0 by run and reactor, where the file has dates.
        assumed_starts: Those of `starts` that nobody declared: culture time counts from the first date of the file.
        is_by_day: Whether its dates have no time of day.
        signals: Records of a rig between samples, by run and reactor.
        joins: Where several files were joined: use of the samples of each.
        profile: The kind of file that was recognised, e.g. ``"Nova FLEX2"``; empty for people's own.
        decimal: Decimal mark of its numbers.
        has_open_vessels: Whether nobody said yet which vessel each sample is from; the reactor of a row is the name
            of its sample, and nothing but `perfusio import` takes such a table.
        has_fractions: Whether viabilities were written as fractions.
        truly_zero: Quantities of which somebody said that they were measured, and are 0 in all samples.
        lineage: The same for a growing file as long as rows are only added behind those that are there.
        media: The medium, by run and reactor, where the file names one of the media of the process.
        panel: The process whose quantities the rows hold.
    """

    name: str
    sha256: str
    n_bytes: int
    columns: Mapping[str, str]
    rows: Sequence[TableRow]
    clones: Mapping[Group, str]
    warnings: tuple[str, ...]
    reads: tuple[ColumnRead, ...] = ()
    starts: Mapping[Group, datetime] = field(default_factory=lambda: MappingProxyType({}))
    assumed_starts: frozenset[Group] = frozenset()
    is_by_day: bool = False
    joins: tuple[Join, ...] = ()
    profile: str = ""
    signals: Mapping[Group, Signals] = field(default_factory=lambda: MappingProxyType({}))
    decimal: str = "."
    has_open_vessels: bool = False
    has_fractions: bool = False
    truly_zero: frozenset[str] = frozenset()
    lineage: object = field(default_factory=object, compare=False)
    media: Mapping[Group, str] = field(default_factory=lambda: MappingProxyType({}))
    panel: Panel = CHO_PERFUSION

    @property
    def n_rows(self) -> int:
        """How many samples there are, of all vessels."""
        return len(self.rows)

    @property
    def has_feeds(self) -> bool:
        """Whether anything was fed."""
        return any(row.feed for row in self.rows)

    @property
    def groups(self) -> tuple[Group, ...]:
        """The pairs of run and reactor, in order of appearance."""
        return tuple(dict.fromkeys((row.run, row.reactor) for row in self.rows))


def empty_table(name: str, data: bytes, panel: Panel = CHO_PERFUSION) -> Table:
    """Return a file as such, without content."""
    nothing: Mapping[Any, Any] = MappingProxyType({})
    return Table(
        name=name, sha256=sha256(data).hexdigest(), n_bytes=len(data), columns=nothing, rows=(), clones=nothing,
        warnings=(), panel=panel,
    )  # fmt: skip
