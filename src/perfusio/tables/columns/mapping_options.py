"""A column map and typed options beside it, as one: typed options count first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from perfusio.errors import ConfigError
from perfusio.tables.cells.missing_by_name import missing_of
from perfusio.tables.columns.column_map import RECOGNISED, ColumnMap
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.columns.header_names import STAMP, form_of


def is_addition(column_map: ColumnMap | None) -> bool:
    """Whether a map only adds answers, and the file is recognised like any other of its kind."""
    return column_map is not None and column_map.others == RECOGNISED


def as_options(column_map: ColumnMap, said: ReadOptions) -> ReadOptions:
    """Return the declarations of a map as options of a file that is recognised; typed ones go first.

    Raises:
        ConfigError: the map has entries that only a file described column by column can have.
    """
    described = (("total_cells", column_map.total_cells), ("feed_volumes", column_map.feed_volumes))
    for name, value in (*described, ("schedule", column_map.schedule)):
        if value:
            raise ConfigError(
                f"The column map has {name}, which needs a map of every column. `perfusio import` the file with it "
                "first, and read the table that it writes."
            )
    if column_map.header_rows != 1:
        raise ConfigError(
            "The column map has header_rows, which needs a map of every column. `perfusio import` the file with it "
            "first, and read the table that it writes."
        )
    columns = dict(column_map.columns) | ({column_map.timestamp: STAMP} if column_map.timestamp else {})
    return replace(
        said,
        columns=_joined(columns, said.columns),
        ignore=(*said.ignore, *(x for x in column_map.ignore if x not in said.ignore)),
        encoding=said.encoding or column_map.encoding or None,
        decimal=said.decimal or column_map.decimal or None,
        date_order=said.date_order or column_map.date_order or None,
        inoculated={**column_map.inoculated, **said.inoculated},
        sample_pattern=said.sample_pattern or column_map.sample_pattern,
        reactor=said.reactor or column_map.reactor,
        fill_down=said.fill_down or column_map.fill_down,
        vessels={**column_map.vessels, **said.vessels},
        keep={**column_map.keep, **said.keep},
        leave_out={**column_map.leave_out, **said.leave_out},
        set_missing=(*missing_of(column_map.set_missing), *said.set_missing),
        sheet=said.sheet or column_map.sheet,
        only_named=said.only_named or column_map.others != RECOGNISED,
    )


def with_options(column_map: ColumnMap, said: ReadOptions) -> ColumnMap:
    """Return a map of every column with the typed options."""
    unread = {form_of(text) for text in said.ignore}
    columns = {text: m for text, m in _joined(column_map.columns, said.columns).items() if form_of(text) not in unread}
    return replace(
        column_map,
        columns=columns,
        encoding=said.encoding or column_map.encoding,
        decimal=said.decimal or column_map.decimal,
        date_order=said.date_order or column_map.date_order,
        inoculated={**column_map.inoculated, **said.inoculated},
        sample_pattern=said.sample_pattern or column_map.sample_pattern,
        reactor=said.reactor or column_map.reactor,
        vessels={**column_map.vessels, **said.vessels},
        keep={**column_map.keep, **said.keep},
        leave_out={**column_map.leave_out, **said.leave_out},
        set_missing=(*column_map.set_missing, *map(str, said.set_missing)),
        sheet=said.sheet or column_map.sheet,
    )


def _joined(columns: Mapping[str, str], typed: Mapping[str, str]) -> dict[str, str]:
    forms = {form_of(text) for text in typed}
    return {**{text: m for text, m in columns.items() if form_of(text) not in forms}, **typed}
