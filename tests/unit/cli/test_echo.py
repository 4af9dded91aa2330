"""Nothing that files, servers or people say gives a terminal orders."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import perfusio.cli
from perfusio.cli.echo import echo, printable
from perfusio.cli.runs.live import Live
from perfusio.report.lines import Line

ORDERS = ("\x1b[2J", "\r", "\u202e", "\a", "\x9b31m", "\x08", "\x00", "\u2028", "\ud800", "\x7f")


@pytest.mark.parametrize("order", ORDERS)
def test_orders_are_spelt_out_and_words_stay(order, capsys):
    words = f"Vessel Ü-1 37 °C\t{order}µ\n"
    assert order not in printable(words)
    assert printable(words).replace(ascii(order)[1:-1], "") == words.replace(order, "")
    echo(words, nl=False)
    echo(words, err=True)
    Live(1).say(Line(words))
    told = capsys.readouterr()
    assert order not in told.out + told.err
    assert told.out.count(ascii(order)[1:-1]) == 2


def test_text_without_orders_is_not_touched():
    for words in ("plain", "日本語", "R\u200d1", "a\n\tb", "café \u00a0 ½"):
        assert printable(words) == words


def test_commands_print_in_one_way():
    folder = Path(perfusio.cli.__file__).parent
    found = [
        (path.name, node.lineno)
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if path.name != "echo.py" and isinstance(node, ast.Attribute) and node.attr in ("echo", "secho")
    ]
    assert found == []


@pytest.mark.parametrize("name", ["\x1b[2J", "\u202e", "\a\r"])
def test_an_error_about_a_file_shows_what_it_is_called(tmp_path, name):
    done = subprocess.run(
        [sys.executable, "-m", "perfusio", "verify", tmp_path / f"{name}.jsonl"], capture_output=True, check=False
    )
    assert done.returncode == 3
    assert name.encode() not in done.stdout + done.stderr
    assert ascii(name)[1:-1].encode() in done.stderr
