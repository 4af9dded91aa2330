"""Options of many commands, and a result as JSON."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from perfusio.cli.echo import echo

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace files of an earlier call.")]


def print_json(result: object) -> None:
    """Print plain data."""
    echo(json.dumps(result, indent=1, allow_nan=False))
