"""The `perfusio` command: one line per subcommand, and every error as a readable paragraph with its exit code."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from perfusio.cli.demo import demo
from perfusio.cli.design import design
from perfusio.cli.run import run
from perfusio.cli.simulate import simulate
from perfusio.cli.verify import verify
from perfusio.cli.watched import STOPPED_EXIT
from perfusio.errors import PerfusioError

app = typer.Typer(
    name="perfusio",
    help="A digital twin that runs a perfusion bioreactor experiment by itself.",
    epilog="Exit codes: 0 ok, 1 failure, 2 usage or configuration, 3 data refused or unreadable, 4 record broken.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 100},
)
for command in (demo, run, verify, simulate, design):
    app.command()(command)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"perfusio {version('perfusio-twin')}")
        raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """A digital twin that runs a perfusion bioreactor experiment by itself."""


def main() -> None:
    """Run the command line and exit; no error ever shows a traceback (set PERFUSIO_TRACEBACK=1 to see one)."""
    if os.environ.get("PERFUSIO_TRACEBACK"):
        app()
    try:
        app()
    except PerfusioError as error:
        sys.exit(_told(str(error), error.exit_code))
    except KeyboardInterrupt:
        sys.exit(_told("Stopped by Ctrl-C.", STOPPED_EXIT))
    except Exception as error:  # noqa: BLE001 - whatever it is, the person at the vessel gets a sentence
        words = f"{type(error).__name__}: {error}"
        told = f"perfusio failed: {words}\nThis was not foreseen. PERFUSIO_TRACEBACK=1 shows where; please report it."
        sys.exit(_told(told, PerfusioError.exit_code))


def _told(text: str, exit_code: int) -> int:
    print(f"perfusio: {text}", file=sys.stderr)
    return exit_code
