"""`docs/reference/cli.md` is what the commands say of themselves. Run this file as a script to write it anew."""

import os
import sys
from pathlib import Path

from typer.main import get_command
from typer.testing import CliRunner

from perfusio.cli.app import app

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"
HEAD = """\
# The `perfusio` command

Written by `python tests/docs/test_cli_reference.py` from what the commands say of themselves; a test compares.

Exit codes, everywhere: 0 ok, 1 failure, 2 usage, configuration or a question, 3 data refused or unreadable, 4 record
broken, 130
stopped with Ctrl-C. An error is a paragraph on the standard error; `PERFUSIO_TRACEBACK=1` shows where an unforeseen one
came from. On a terminal there are colors and a progress bar; `NO_COLOR=1` switches colors off.
"""


def said(*arguments):
    """Help text as on a terminal of 80 columns without colors."""
    env = {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}
    result = CliRunner().invoke(app, [*arguments, "--help"], prog_name="perfusio", env=env)
    assert result.exit_code == 0
    return result.stdout.rstrip()


def reference():
    commands = get_command(app).commands
    paths = [
        (name, *below) for name, c in commands.items() for below in ((), *((n,) for n in getattr(c, "commands", ())))
    ]
    parts = [f"## `perfusio {' '.join(path)}`\n\n```text\n{said(*path)}\n```\n" for path in paths]
    return "\n".join([HEAD, f"```text\n{said()}\n```\n", *parts])


def test_every_command_is_documented_as_it_is():
    assert PAGE.read_text(encoding="utf-8") == reference(), f"write it anew: python {os.path.relpath(__file__)}"


def test_the_commands_are_those_of_the_design():
    assert set(get_command(app).commands) >= {"demo", "run", "verify", "simulate", "design"}


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
    sys.exit(0)
