"""The column map that describes a file as it was read, written as a `mapping.toml` that people can edit.

Of a plain table it names every column. Of a file that was recognised, and of one that leaves something open, it holds
what was declared; the readings of each question stand in it as comments, to choose from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfusio.errors import ConfigError, UnreadableSource
from perfusio.tables.cells.csv_files import replace_file
from perfusio.tables.columns.column import ColumnRead
from perfusio.tables.columns.column_map import RECOGNISED
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.columns.header_names import NO_QUANTITIES, STAMP, TEXTS, TRULY_ZERO, form_of, says_truly_zero
from perfusio.tables.columns.questions import Question
from perfusio.tables.rows.table import Table

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import Table as TomlTable

_HEAD = (
    "What the columns of files like {name} mean. Edit it, and read such files with it: perfusio import --mapping.\n"
    "Left of = stands a column as the file writes it, right of it a quantity, with a unit if the header has none.\n"
    'Further columns are recognised by their names; others = "unread" leaves them unread.'
)
_ADDS = (
    "What was declared about files like {name}; all else is recognised. Edit it, and read such files with it: perfusio "
    "import --mapping."
)
_DECLARED = ("encoding", "decimal", "date_order", "sample_pattern", "reactor")
_TABLES = ("vessels", "inoculated", "keep", "leave_out")


def mapping_text(table: Table, options: ReadOptions, *, sheet: str = "") -> str:
    """Return a column map in TOML that reads a file as it was read; columns left unread stand in it as comments."""
    is_whole = {r.header for r in table.reads if r.meaning} == set(table.columns)
    if table.signals or not is_whole or not table.reads:
        return _declared_only(table.name, options, sheet)
    document = _begun(_HEAD.format(name=table.name), options, sheet)
    document["others"] = RECOGNISED
    if unread := [r.header for r in table.reads if not r.meaning and form_of(r.header) not in NO_QUANTITIES]:
        document["ignore"] = unread
    for read in table.reads:
        if read.meaning == STAMP and "time" not in {r.meaning for r in table.reads}:
            document["timestamp"] = read.header
    document["columns"] = _columns(table.reads, options.columns)
    return _finished(document, options)


def draft_text(name: str, error: UnreadableSource, options: ReadOptions, *, sheet: str = "") -> str:
    """Return the column map of a file that leaves something open, with the readings of each question as comments.

    Args:
        name: Of the file.
        error: The questions about it, and which columns were understood.
        options: What the user declared.
        sheet: Which sheet of a workbook.
    """
    document = _begun(_ADDS.format(name=name), options, sheet)
    document["others"] = RECOGNISED
    if options.ignore:
        document["ignore"] = list(options.ignore)
    for question in error.questions:
        _ask(document, question, lambda key: key != "columns")
    columns = _columns([], options.columns)
    for read in error.understood:
        unit = f" [{read.unit}]" if read.unit else ""
        said = f"understood: {read.header!r} is {read.meaning}{unit}" if read.meaning else f"unread: {read.header!r}"
        columns.add(_comment(said))
    for question in error.questions:
        _ask(columns, question, lambda key: key == "columns")
    document["columns"] = columns
    return _finished(document, options)


def _comment(text: str) -> Any:
    import tomlkit

    return tomlkit.comment(text)


def _declared_only(name: str, options: ReadOptions, sheet: str) -> str:
    document = _begun(_ADDS.format(name=name), options, sheet)
    document["others"] = RECOGNISED
    if options.ignore:
        document["ignore"] = list(options.ignore)
    document["columns"] = _columns([], options.columns)
    return _finished(document, options)


def _begun(head: str, options: ReadOptions, sheet: str) -> TOMLDocument:
    import tomlkit

    document = tomlkit.document()
    for line in head.split("\n"):
        document.add(tomlkit.comment(line))
    if sheet:
        document["sheet"] = sheet
    for name in _DECLARED:
        if value := getattr(options, name):
            document[name] = value
    if options.set_missing:
        document["set_missing"] = list(map(str, options.set_missing))
    return document


def _columns(reads: Sequence[ColumnRead], declared: Mapping[str, str] | None = None) -> TomlTable:
    import tomlkit

    columns = tomlkit.table()
    truly_zero = {form_of(header) for header, meaning in (declared or {}).items() if says_truly_zero(meaning)}
    for header, meaning in (declared or {}).items():
        columns[header] = meaning
    for read in reads:
        if read.meaning not in ("", STAMP):
            zero = TRULY_ZERO if form_of(read.header) in truly_zero else ""
            columns[read.header] = read.meaning if read.meaning in TEXTS else f"{read.meaning} [{read.unit}]{zero}"
    for read in reads:
        if not read.meaning:
            columns.add(tomlkit.comment(f"unread: {read.header!r}"))
    return columns


def _finished(document: TOMLDocument, options: ReadOptions) -> str:
    import tomlkit

    for name in _TABLES:
        if value := getattr(options, name):
            document[name] = {k: list(v) if isinstance(v, tuple) else v for k, v in value.items()}
    return tomlkit.dumps(document)


def _ask(place: TOMLDocument | TomlTable, question: Question, is_here: Any) -> None:
    """Write the readings of a question as comments, those whose entry belongs here."""
    import tomlkit

    entries = [(r.says, key, value) for r in question.readings for key, value in r.entry.items() if is_here(key)]
    if not entries:
        return
    for line in question.found.split("\n"):
        place.add(tomlkit.comment(f"open: {line.strip()}"))
    for says, key, value in entries:
        shown = value if key == "columns" else {key: value}
        for line in tomlkit.dumps(shown).strip().replace("\n", "; ").split("\n"):
            place.add(tomlkit.comment(f"  {line}    # {says}"))


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
