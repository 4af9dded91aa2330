"""Where the `perfusio` command starts: every error ends as a readable paragraph with its exit code."""

from __future__ import annotations

import os
import sys

STOPPED = 130
"""Exit code of a program that was stopped with Ctrl-C, by convention of shells."""


def main() -> None:
    """Run the command line and exit. No error shows a traceback, unless PERFUSIO_TRACEBACK=1 asks for it."""
    try:
        _run()
    except KeyboardInterrupt:  # before the command line was even read
        sys.exit(_told("Stopped by Ctrl-C.", STOPPED))


def _run() -> None:
    from perfusio.cli.app import app
    from perfusio.cli.asked_for import asked_for
    from perfusio.errors import PerfusioError

    try:
        asked_for(app, sys.argv[1:])(prog_name="perfusio")
    except PerfusioError as error:
        if os.environ.get("PERFUSIO_TRACEBACK"):
            raise
        sys.exit(_told(str(error), error.exit_code))
    except SystemExit as end:
        if end.code == STOPPED:  # typer turns Ctrl-C into this, without a word
            _told("Stopped by Ctrl-C.", STOPPED)
        raise
    except Exception as error:  # whatever it is, the person at the vessel gets a sentence
        if os.environ.get("PERFUSIO_TRACEBACK"):
            raise
        words = f"failed with {type(error).__name__}: {error}"
        sys.exit(_told(f"{words}\nThis was not foreseen. PERFUSIO_TRACEBACK=1 shows where; please report it.", 1))


def _told(text: str, exit_code: int) -> int:
    from perfusio.cli.echo import printable

    print(f"perfusio: {printable(text)}", file=sys.stderr)
    return exit_code
