"""How a file is read, from the arguments of its store: as users spell them, and a mapping that may say the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from perfusio.process.panel import Panel
from perfusio.tables.cells.missing_by_name import missing_in, missing_of
from perfusio.tables.columns.column_map import ColumnMap, read_column_map
from perfusio.tables.columns.declared_options import pattern_of, refuse_format
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.columns.mapping_options import as_options


def options_of(  # noqa: D417 - the other arguments are those of FilesystemStore
    *,
    columns: Mapping[str, str] | None,
    ignore: Iterable[str],
    encoding: str | None,
    decimal: str | None,
    date_order: str | None,
    instrument: str,
    mapping: str | Path | ColumnMap | None,
    sample_pattern: str,
    inoculated: Mapping[str, datetime] | None,
    keep: Mapping[str, Sequence[str]] | None,
    leave_out: Mapping[str, Sequence[str]] | None,
    set_missing: Iterable[str],
    reactor: str | None,
    panel: Panel,
    names: Sequence[str],
) -> ReadOptions:
    """Return the options of a read; the arguments are those of `FilesystemStore`.

    Args:
        names: Of the files that `set_missing` may mean; empty where they are not known yet.

    Raises:
        ConfigError: an argument cannot be understood, or the mapping contradicts it.
    """
    refuse_format(decimal, date_order, "decimal=", "date_order=")
    options = ReadOptions(
        columns=dict(columns or {}),
        ignore=(ignore,) if isinstance(ignore, str) else tuple(ignore),
        encoding=encoding,
        decimal=decimal,
        date_order=date_order,
        instrument=instrument,
        sample_pattern=pattern_of(sample_pattern, "sample_pattern ="),
        inoculated=dict(inoculated or {}),
        keep=dict(keep or {}),
        leave_out=dict(leave_out or {}),
        set_missing=missing_of([set_missing] if isinstance(set_missing, str) else list(set_missing)),
        only_vessel=reactor or "",
        panel=panel,
    )
    if mapping is not None:
        column_map = mapping.within(panel) if isinstance(mapping, ColumnMap) else read_column_map(mapping, panel)
        options = as_options(column_map, options)
    missing_in(options.set_missing, names)
    return options
