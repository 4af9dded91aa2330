"""The how-to on databases does what it says: code, SQL and commands in order, printed output compared."""

import contextlib
import io
import re
import shlex
import sqlite3
from pathlib import Path

from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.connectors.database.schema import forecasts, metadata
from perfusio.state import QUANTITIES

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "use-a-database.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(python|sql|console|text)\n(.*?)```", PAGE, re.DOTALL)


def queried(statement):
    """As the `sqlite3` program prints it."""
    connection = sqlite3.connect("lab.sqlite", isolation_level=None)
    rows = connection.execute(statement).fetchall()
    connection.close()
    return "".join("|".join(map(str, row)) + "\n" for row in rows)


def test_the_page_prints_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, printed, n_compared = {"__name__": "__main__"}, "", 0
    for kind, block in BLOCKS:
        if kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as stdout:
                exec(compile(block, "<how-to>", "exec"), names)
            printed = stdout.getvalue()
        elif kind == "sql":
            printed = queried(block)
        elif kind == "console":
            result = CliRunner().invoke(app, shlex.split(block.removeprefix("$ perfusio ")))
            assert result.exit_code == 0, result.exception
        else:
            assert printed == block
            n_compared += 1
    assert n_compared == 5


def test_every_table_and_column_that_the_page_names_is_there():
    tables = [*metadata.tables.values(), forecasts]
    known = set(QUANTITIES) | {t.name for t in tables} | {c.name for t in tables for c in t.columns}
    for name in (
        "samples",
        "setpoints",
        "quantities",
        "events",
        "decisions",
        "forecasts",
        "origin",
        "others",
        "not_after",
    ):
        assert name in known
        assert f"`{name}`" in PAGE
