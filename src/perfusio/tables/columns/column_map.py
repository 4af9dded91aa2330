"""The column map: the meaning of the columns of somebody's files, in Python or as ``mapping.toml``.

`perfusio import --save-mapping` writes such a file, and people edit it. It has the same names as the
fields here; a name that perfusio does not know is refused.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from perfusio.errors import ConfigError
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.process.roles import share_alive
from perfusio.quantities import closest
from perfusio.state import Setpoints
from perfusio.tables.cells.missing_by_name import missing_of
from perfusio.tables.columns.declared_options import pattern_of
from perfusio.tables.columns.header_names import SAMPLE, names_of
from perfusio.tables.columns.header_questions.double_columns import KEYS
from perfusio.tables.columns.pumps.pump_schedule import PumpSchedule
from perfusio.tables.columns.timestamps import ORDERS

_NOTHING: Mapping[str, str] = MappingProxyType({})
UNREAD, RECOGNISED = "unread", "recognised"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSheet:
    """The sheet with the composition of each feed.

    Attributes:
        sheet: Its name.
        feed: Label of the names of feeds.
        columns: Label -> the quantity that is fed, as in `ColumnMap.columns`; ``"run"`` where the feeds of each run
            are listed apart.
        turned: Each feed is a column and the labels stand in the first column; False: each feed is a row.
        empty_means_none: An empty cell says that the feed holds none of it; False: it is refused.
        panel: The process whose species the feeds hold; not part of the file.
    """

    sheet: str
    feed: str
    columns: Mapping[str, str]
    turned: bool = True
    empty_means_none: bool = False
    panel: Panel = CHO_PERFUSION

    def __post_init__(self) -> None:
        """Refuse a map that gives one thing twice."""
        _refuse_double(self.columns, "feed_sheet.columns", self.panel)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMap:
    """Meaning of the columns of a file or sheet; columns that are not named stay unread.

    A label is the name of a column, or ``"Group / Name"`` where two header rows are needed to tell columns apart. Its
    unit is read from the label, e.g. ``"Glucose (mM)"``, unless the meaning says one, e.g. ``"glucose [mmol/L]"``.
    Volumes may be in any unit of volume.

    Attributes:
        sheet: Name of the sheet with one row per sample; empty for files that have none, or only one.
        header_rows: How many rows at its top are header.
        timestamp: Label of the column of dates with times; culture time counts from a run's first sample. Leave it
            away where a column of `columns` is ``"day"`` or ``"time [h]"``.
        columns: Label -> a quantity or setpoint, ``"day"``, ``"time [h]"``, ``"run"``, ``"reactor"``, ``"clone"`` or
            ``"sample"``.
        encoding: Of a text file, if it is not UTF-8.
        decimal: Decimal mark of a text file that leaves it open.
        date_order: ``"dmy"``, ``"mdy"`` or ``"ymd"``, for dates like 05/06/2024.
        inoculated: Date with time of culture time 0, by vessel; ``""`` is for all vessels.
        sample_pattern: Regular expression with groups ``reactor``, ``run`` or ``day``, for the names of samples.
        fill_down: Whether an empty run, reactor or clone is that of the row above.
        vessels: Names of vessels in the file -> names to use.
        total_cells: Label of the density of all cells, from which viability = viable / total, where no column
            states it.
        start_volume: Label of the volume of the culture before the first sample.
        sample_volume: Label of the volume that was taken with each sample.
        feed_volumes: Label -> name of the feed of which this volume was given right after the sample.
        feed_sheet: Composition of the feeds.
        schedule: Sheet of pump rates, from which feeds and changes of setpoints follow.
        setpoints: In force all along where no column says so; a culture without perfusion has a perfusion rate of 0.
        others: Treatment of columns that are not named: ``"unread"``; or ``"recognised"``: the file is read like any
            other of its kind, and the map only adds answers to questions about it.
        ignore: Columns to leave unread, where others are recognised.
        reactor: The vessel that all samples are from, where the file does not say it.
        keep: Rows to read as samples: values by column, or lines by ``"line"``.
        leave_out: Rows to leave out, in the same way.
        set_missing: Single values that do not count, e.g. ``"line 12: glucose"``.
        panel: The process whose quantities the columns hold; not part of the file.
    """

    columns: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    sheet: str = ""
    header_rows: int = 1
    timestamp: str = ""
    total_cells: str = ""
    start_volume: str = ""
    sample_volume: str = ""
    feed_volumes: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    feed_sheet: FeedSheet | None = None
    schedule: PumpSchedule | None = None
    setpoints: Setpoints = field(default_factory=Setpoints)
    encoding: str = ""
    decimal: str = ""
    date_order: str = ""
    inoculated: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    sample_pattern: str = ""
    fill_down: bool = False
    vessels: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    others: str = UNREAD
    ignore: Sequence[str] = ()
    reactor: str = ""
    keep: Mapping[str, Sequence[str]] = field(default_factory=lambda: MappingProxyType({}))
    leave_out: Mapping[str, Sequence[str]] = field(default_factory=lambda: MappingProxyType({}))
    set_missing: Sequence[str] = ()
    panel: Panel = CHO_PERFUSION

    def meaning(self, text: str) -> str | None:
        """Return the quantity or text that the right side of an entry means, None if it is none."""
        names = names_of(self.panel)
        return names.meaning_of(names.split(text)[0])

    def within(self, panel: Panel) -> ColumnMap:
        """Return the map for files of a process.

        Raises:
            ConfigError: it names a quantity that the process does not have.
        """
        feed_sheet = None if self.feed_sheet is None else replace(self.feed_sheet, panel=panel)
        return replace(self, panel=panel, feed_sheet=feed_sheet)

    def __post_init__(self) -> None:
        """Refuse a map that cannot be followed.

        Raises:
            ConfigError: something is given twice, not at all, or needs something else.
        """
        _refuse_double(self.columns, "columns", self.panel)
        if self.setpoints.panel != self.panel:  # nothing but known ones may be said, so none is lost
            known = {n: v for n, v in self.setpoints.by_name().items() if v == v}
            object.__setattr__(self, "setpoints", Setpoints.of_values(self.panel, known))
        if self.others not in (UNREAD, RECOGNISED):
            raise ConfigError(f"The column map gives others = {self.others!r}, expected {UNREAD!r} or {RECOGNISED!r}.")
        meanings = {self.meaning(m) for m in self.columns.values()}
        cells, alive = self.panel.the("cells"), share_alive(self.panel)
        names_its_days = SAMPLE in meanings and not self.timestamp
        if self.others == UNREAD and ("time" in meanings) == bool(self.timestamp) and not names_its_days:
            found = "both a timestamp and a time" if self.timestamp else "no time"
            raise ConfigError(
                f'The column map gives {found}, expected one: timestamp = "..." for a column of dates, or a column '
                "that means 'day' or 'time [h]'."
            )
        if self.total_cells and alive is None:
            raise ConfigError(
                f"The column map gives total_cells, from which viability follows; {self.panel.name} measures none. "
                "Leave it away."
            )
        if self.total_cells and (absent := {cells} - meanings or {alive} & meanings):
            need = f"a column that means {cells!r}" if absent == {cells} else f"no other column that means {alive!r}"
            raise ConfigError(f"The column map gives total_cells, which needs {need}. Mend columns, or leave it away.")
        if self.feed_volumes and not (self.start_volume and self.feed_sheet):
            raise ConfigError(
                "The column map gives feed_volumes, which need start_volume (a feed counts as a share of the culture) "
                "and feed_sheet (what it holds). Add both."
            )
        if self.header_rows < 1:
            raise ConfigError(f"The column map gives header_rows = {self.header_rows}, expected 1 or more.")
        if self.date_order not in ("", *ORDERS):
            raise ConfigError(f"The column map gives date_order = {self.date_order!r}, expected {' or '.join(ORDERS)}.")
        pattern_of(self.sample_pattern, "The column map gives sample_pattern =")
        missing_of(self.set_missing, "The column map gives set_missing =")
        for setpoint in self.panel.setpoints:
            setpoint.check(getattr(self.setpoints, setpoint.name))


def read_column_map(path: str | Path, panel: Panel = CHO_PERFUSION) -> ColumnMap:
    """Read a column map from a TOML file.

    Args:
        path: Of the file.
        panel: The process whose quantities the columns hold.

    Raises:
        ConfigError: it is not there, no TOML, or has entries that perfusio does not know; the message names them.
    """
    try:
        return column_map_of(tomllib.loads(Path(path).read_text(encoding="utf-8")), panel)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as a column map: {error}. Expected a TOML file in UTF-8.") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def column_map_of(data: Mapping[str, Any], panel: Panel = CHO_PERFUSION) -> ColumnMap:
    """Build a column map from the content of a TOML file.

    Args:
        data: Of the file.
        panel: The process whose quantities the columns hold.

    Raises:
        ConfigError: an entry is unknown, missing, or of another type than expected.
    """
    values = _entries(_needed(ColumnMap), data, "")
    if "feed_sheet" in values:
        about = _entries(_needed(FeedSheet), values["feed_sheet"], "feed_sheet.")
        values["feed_sheet"] = FeedSheet(**about, panel=panel)
    if "schedule" in values:
        values["schedule"] = PumpSchedule.of(values["schedule"], panel)
    if "setpoints" in values:
        names = dict.fromkeys(panel.setpoint_names, False)
        stated = _entries(names, values["setpoints"], "setpoints.", dict.fromkeys(names, _NUMBER))
        values["setpoints"] = Setpoints.of_values(panel, {name: float(value) for name, value in stated.items()})
    if "inoculated" in values:
        values["inoculated"] = {name: _date(name, date) for name, date in values["inoculated"].items()}
    return ColumnMap(**values, panel=panel)


def _date(name: str, date: object) -> datetime:
    if not isinstance(date, datetime):
        raise ConfigError(f"inoculated.{name} = {date!r}, expected a date with time, e.g. 2024-05-31T16:30:00.")
    return date.astimezone(UTC).replace(tzinfo=None) if date.tzinfo else date


_TEXT, _NUMBER, _TRUTH = ("a text", str), ("a number", (int, float)), ("true or false", bool)
_TEXTS, _TABLE = ("a table of texts", dict), ("a table", dict)
_EXPECTED: Mapping[str, tuple[str, Any]] = {
    "header_rows": ("a whole number", int),
    "columns": _TEXTS,
    "feed_volumes": _TEXTS,
    "feed_sheet": _TABLE,
    "schedule": _TABLE,
    "setpoints": _TABLE,
    "inoculated": _TABLE,
    "vessels": _TEXTS,
    "fill_down": _TRUTH,
    "turned": _TRUTH,
    "empty_means_none": _TRUTH,
    "ignore": ("a list of texts", list),
    "set_missing": ("a list of texts", list),
    "keep": ("a table of lists of texts", dict),
    "leave_out": ("a table of lists of texts", dict),
}
"""Words and type of each entry; all others are texts."""


def _needed(cls: type[Any]) -> dict[str, bool]:
    """Return the names of entries, and whether each must be there."""
    return {f.name: f.default is MISSING and f.default_factory is MISSING for f in fields(cls) if f.name != "panel"}


def _entries(
    known: Mapping[str, bool], data: Mapping[str, Any], where: str, expect: Mapping[str, tuple[str, Any]] | None = None
) -> dict[str, Any]:
    """Return the entries of one table, each known and of the expected type."""
    for name, value in data.items():
        if name not in known:
            hint = closest(name, tuple(known))
            raise ConfigError(f"{where}{name} is no entry of a column map.{hint}\n  Known: {', '.join(known)}.")
        words, expected = (expect or _EXPECTED).get(name, _TEXT)
        fits = isinstance(value, expected) and isinstance(value, bool) == (expected is bool)
        if not fits or ((words, expected) == _TEXTS and not all(isinstance(v, str) for v in value.values())):
            raise ConfigError(f"{where}{name} = {value!r}, expected {words}.")
    if absent := [name for name, is_needed in known.items() if is_needed and name not in data]:
        raise ConfigError(f"{', '.join(where + name for name in absent)}: not there, expected in every column map.")
    return dict(data)


def _refuse_double(columns: Mapping[str, str], where: str, panel: Panel) -> None:
    names, labels = names_of(panel), dict[str, str]()
    for label, meaning in columns.items():
        known = names.meaning_of(names.split(meaning)[0]) or meaning
        if known in labels and known not in KEYS:
            raise ConfigError(f"{where}: {labels[known]!r} and {label!r} both mean {known}, expected one. Drop one.")
        labels[known] = label
