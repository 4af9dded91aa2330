"""Options of many commands, and a result as JSON."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.errors import ConfigError

LATEST_H = 8784.0
"""End of the longest run, as `trajectory.LONGEST_H`, which `perfusio --help` need not load [h]."""
LATEST_DAY = LATEST_H / 24.0
SET_MISSING = "A value that does not count: 'line 12: glucose', or 'r1.csv, line 12: glucose'; repeatable."
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace files of an earlier call.")]
IgnoreOption = Annotated[
    list[str] | None, typer.Option("--ignore", help="Header to leave unread; repeatable.", metavar="HEADER")
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option("--column", help="What a header means, e.g. Glu=glutamate; repeatable.", metavar="HEADER=NAME"),
]
SetMissingOption = Annotated[
    list[str] | None, typer.Option("--set-missing", help=SET_MISSING, metavar="PLACE")
]
VESSEL_PATTERN = "How names of samples say vessel and day: a regular expression with groups reactor, run, day."
INOCULATED = "Date of culture time 0, for all vessels or R01=DATE; repeatable."
KEEP = "Rows to read as samples, e.g. 'Sample ID=Control' or line=4; repeatable."
LEAVE_OUT = "Rows that are no samples, in the same way."


def print_json(result: object) -> None:
    """Print plain data."""
    echo(json.dumps(result, indent=1, allow_nan=False))


def pair(text: str, example: str) -> tuple[str, str]:
    """Split NAME=VALUE.

    Raises:
        ConfigError: one of the two is missing.
    """
    name, sign, value = (part.strip() for part in text.partition("="))
    if not (name and sign and value):
        option = example.split(" ")[0]
        raise ConfigError(f"{option} {text}: expected a name, = and a value, e.g. {example}.")
    return name, value
