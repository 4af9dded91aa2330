"""The column map that describes a file as it was read, written as a `mapping.toml` that people can edit."""

from __future__ import annotations

from pathlib import Path

from perfusio.errors import ConfigError
from perfusio.tables.cells.csv_files import replace_file
from perfusio.tables.columns.header_names import STAMP, TEXTS
from perfusio.tables.columns.typed_columns import ReadOptions
from perfusio.tables.table import Table

_HEAD = (
    "What the columns of files like {name} mean. Edit it, and read such files with it: perfusio import --mapping.\n"
    "Left of = stands a column as the file writes it, right of it a quantity, with a unit if the header has none."
)


def mapping_text(table: Table, options: ReadOptions, *, sheet: str = "") -> str:
    """Return a column map in TOML that reads a file as it was read; columns left unread stand in it as comments.

    Raises:
        ConfigError: no column map can say it, as the file was turned around or consists of signals.
    """
    import tomlkit

    if table.signals or {r.header for r in table.reads if r.meaning} != set(table.columns) or not table.reads:
        raise ConfigError(
            f"{table.name} ({table.profile or 'several sheets'}) has no table of columns that a map could describe. "
            "Leave --save-mapping away; the file is recognised as it is."
        )
    document = tomlkit.document()
    for line in _HEAD.format(name=table.name).split("\n"):
        document.add(tomlkit.comment(line))
    if sheet:
        document["sheet"] = sheet
    for read in table.reads:
        if read.meaning == STAMP and "time" not in {r.meaning for r in table.reads}:
            document["timestamp"] = read.header
    for name in ("encoding", "decimal", "date_order", "sample_pattern"):
        if value := getattr(options, name):
            document[name] = value
    columns = tomlkit.table()
    for read in table.reads:
        if read.meaning in ("", STAMP):
            continue
        columns[read.header] = read.meaning if read.meaning in TEXTS else f"{read.meaning} [{read.unit}]"
    for read in table.reads:
        if not read.meaning:
            columns.add(tomlkit.comment(f"unread: {read.header!r}"))
    document["columns"] = columns
    if options.vessels:
        document["vessels"] = dict(options.vessels)
    if options.inoculated:
        document["inoculated"] = dict(options.inoculated)
    return tomlkit.dumps(document)


def save_mapping(path: Path, text: str) -> None:
    """Write a column map.

    Raises:
        ConfigError: the place cannot be written, or a map is there already.
    """
    if path.exists():
        raise ConfigError(f"{path} is there already and may have been edited. Choose another name, or move it away.")
    try:
        replace_file(path, text.encode("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}. Choose another place.") from error
