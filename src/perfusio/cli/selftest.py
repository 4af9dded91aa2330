"""`perfusio selftest`: try on this machine what perfusio promises about safety and record."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from perfusio.errors import PerfusioError


def selftest(
    full: Annotated[bool, typer.Option("--full/--quick", help="All points (many minutes), or a few.")] = False,
) -> None:
    """Try what perfusio promises on this machine, and print the table of promises.

    Nothing outside a temporary folder is touched. The last line is one JSON object. Exit code 0: every promise was
    kept. 1: one was broken.
    """
    from perfusio.selftest.clock_jumps import clock_jumps
    from perfusio.selftest.cutting_off import kill_loop, planted_in_lives, system_calls
    from perfusio.selftest.gate import gate
    from perfusio.selftest.model_faults import model_faults
    from perfusio.selftest.planted import planted_bugs
    from perfusio.selftest.power_loss import power_loss
    from perfusio.selftest.promises import table, timed
    from perfusio.selftest.soak import soak
    from perfusio.selftest.tampering import tampering

    rows = []
    promises = (
        tampering, system_calls, power_loss, kill_loop, gate, model_faults, clock_jumps, soak, planted_bugs,
        planted_in_lives,
    )  # fmt: skip
    for promise in promises:
        typer.echo(f"{promise.__name__.replace('_', ' ')} ...", err=True)
        rows.append(timed(promise, is_full=full))
    typer.echo(table(rows))
    typer.echo(json.dumps({"is_full": full, "promises": [asdict(row) for row in rows]}))
    if not all(row.is_kept for row in rows):
        raise typer.Exit(PerfusioError.exit_code)
