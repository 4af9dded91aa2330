"""Options of many commands, and a result as JSON."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from perfusio.cli.echo import echo

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace files of an earlier call.")]
VESSEL_PATTERN = "How names of samples say vessel and day: a regular expression with groups reactor, run, day."
INOCULATED = "Date of culture time 0, for all vessels or R01=DATE; repeatable."
KEEP = "Rows to read as samples, e.g. 'Sample ID=Control' or line=4; repeatable."
LEAVE_OUT = "Rows that are no samples, in the same way."


def print_json(result: object) -> None:
    """Print plain data."""
    echo(json.dumps(result, indent=1, allow_nan=False))
