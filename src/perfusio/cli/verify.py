"""`perfusio verify`: is this record still what was written?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.errors import AuditError, ChainBroken, UnreadableSource

if TYPE_CHECKING:
    from perfusio.twin.verify import VerifyReport

N_SHOWN = 20
"""Problems listed one by one; a broken record can have one per line."""


def verify(
    path: Annotated[Path, typer.Argument(help="The record of a run.", show_default=True)] = Path("audit.jsonl"),
    json_output: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check that a record is complete in itself and unchanged.

    Exit code 0: intact. 3: cannot be read. 4: changed, cut or reordered; each problem is listed with its line.
    """
    from perfusio.twin import verify as verifier

    try:
        report = verifier.verify(path)
    except AuditError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(UnreadableSource.exit_code) from None
    if json_output:
        typer.echo(json.dumps({"path": str(path), "is_intact": report.is_intact, **asdict(report)}, indent=1))
    else:
        typer.echo("\n".join(_lines(path, report)))
    if not report.is_intact:
        raise typer.Exit(ChainBroken.exit_code)


def _lines(path: Path, report: VerifyReport) -> list[str]:
    if report.is_intact:
        verdict = f"{path}: intact, {report.n_records} records"
    else:
        verdict = f"{path}: BROKEN, {len(report.problems)} problem(s), {report.n_records} readable records"
    shown = [f"  {problem}" for problem in report.problems[:N_SHOWN]]
    n_more = len(report.problems) - len(shown)
    # A changed file may hold anything: ascii() keeps terminal commands in it from being obeyed.
    return [
        verdict,
        *shown,
        *([f"  and {n_more} more"] if n_more else []),
        f"  run      {report.run_id}",
        f"  from     {report.first_ts} to {report.last_ts}",
        f"  outcome  {ascii(report.outcome) if report.is_finished else 'unfinished: there is no RunEnded record'}",
        f"  head     {report.head}",
        "Checked: one spelling of each line, its fields and types, its hash, its tie to the line before, its number; "
        "the hashes of States and configuration; every event read back.",
        "Not checked, because a chain of hashes alone cannot see it:",
        *(f"  - {sentence}" for sentence in report.not_checked),
    ]
