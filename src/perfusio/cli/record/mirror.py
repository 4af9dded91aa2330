"""`perfusio mirror`: the record of a run as tables of a database."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.record.place import record_in
from perfusio.errors import AuditError, ChainBroken, NotConnected, UnreadableSource

if TYPE_CHECKING:
    from perfusio.connectors.database.record_index import SqlRecord

LOOK_SECONDS = 2.0


def mirror(
    path: Annotated[Path, typer.Argument(help="The record of a run, or its folder.", metavar="RUN")],
    to: Annotated[
        str,
        typer.Option(help="SQLite file, made if need be, or postgresql://user@host/database.", show_default=False),
    ],
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Make that run anew instead of adding to it.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Keep up with a run that is going on, to its end.")] = False,
    board: Annotated[
        Path | None, typer.Option(help="Also write a Grafana board over these tables, to be imported there.")
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Copy the record of a run into a database, for questions in SQL.

    The record is verified on the way and stays the truth: the copy can be made anew at any time, to equal content. What
    the database has already is passed over. With --follow a database that goes away is waited for; the run does not
    notice.
    """
    from perfusio.connectors.database.record_index import SqlRecord
    from perfusio.record.mirror import copy_record

    file = record_in(path)
    content = b"" if board is None else _board(file, to, board)
    index = SqlRecord(to)
    try:
        n_added = copy_record(file, index, rebuild=rebuild)
        if follow:
            n_added += _followed(file, index)
    except ChainBroken:
        raise
    except AuditError as error:
        echo(str(error), err=True)
        raise typer.Exit(UnreadableSource.exit_code) from None
    if board is not None:
        _write_board(content, board)
    if json_output:
        echo(json.dumps({"path": str(file), "database": index.shown, "n_added": n_added}))
    else:
        echo(f"{file}: {n_added} records added to {index.shown}")


def _followed(file: Path, index: SqlRecord) -> int:
    """Look for further lines until the record is closed; return how many came."""
    from perfusio.record.mirror import Mirror

    mirror, trouble = Mirror(file, index), ""
    mirror.catch_up()
    while not mirror.is_finished:
        time.sleep(LOOK_SECONDS)
        try:
            mirror.catch_up()
            trouble = ""
        except NotConnected as error:
            if not trouble:
                echo(f"{error} Trying again until it is back.", err=True)
            trouble = str(error)
    return mirror.n_added


def _board(record: Path, to: str, board: Path) -> bytes:
    """Return the board of the process of a run, for the kind of database that it is copied to.

    Raises:
        ConfigError: another file stands in its place.
    """
    from perfusio.errors import ConfigError
    from perfusio.record.verification.verify import read_records
    from perfusio.record.vessel_history import process_of
    from perfusio.report.out.grafana_board import grafana_board

    config = next(iter(read_records(record))).payload["config"]
    kind = "postgres" if to.startswith("postgres") else "frser-sqlite-datasource"
    text = json.dumps(grafana_board(process_of(config), kind=kind), indent=1, ensure_ascii=False) + "\n"
    content = text.encode("utf-8")
    if board.exists() and not (board.is_file() and board.read_bytes() == content):
        raise ConfigError(f"{board} would be replaced, and says something else. Choose another place, or move it away.")
    return content


def _write_board(content: bytes, board: Path) -> None:
    from perfusio.errors import ConfigError
    from perfusio.tables.cells.csv_files import replace_file

    try:
        board.parent.mkdir(parents=True, exist_ok=True)
        replace_file(board, content)
    except OSError as error:
        raise ConfigError(f"{board} cannot be written: {error.strerror}. Choose another place.") from error
    echo(f"Board: {board}", err=True)
