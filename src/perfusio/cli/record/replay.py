"""`perfusio replay`: make every decision of a run again, from its record, and compare."""

from __future__ import annotations

from typing import Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.operators.hold import RunFolder
from perfusio.cli.record.place import record_in
from perfusio.errors import PerfusioError


def replay(
    run: RunFolder,
    tolerance: Annotated[
        float,
        typer.Option(
            help="Share by which setpoints and scores may differ, e.g. 1e-6 on another machine.", min=0.0, max=1.0
        ),
    ] = 0.0,
) -> None:
    """Make every decision of a run again, from its record and the models saved beside it, and compare.

    On the same version of perfusio and its libraries, and the same kind of machine, they are equal to the last bit.
    Exit code 0: all are equal. 1: the first that differs is named.
    """
    from perfusio.twin.replay import Replay

    n = 0
    for one in Replay(record_in(run).parent, tolerance=tolerance).compared():
        if one.difference:
            echo(f"Record {one.seq}, {one.reactor}, turn {one.turn}: {one.difference}.")
            echo(f"{n} decisions before it are equal. With other versions than on record this may be rounding.")
            raise typer.Exit(PerfusioError.exit_code)
        n += 1
        echo(f"turn {one.turn:>3}  {one.reactor}  equal", err=True)
    how = f"within {tolerance:g}" if tolerance else "to the last bit"
    echo(f"{n} decisions made again: all equal {how}.")
