"""`perfusio verify`: is this record unchanged?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.errors import AuditError, ChainBroken, PerfusioError, UnreadableSource

if TYPE_CHECKING:
    from perfusio.record.verification.verify import VerifyReport

N_SHOWN = 20
"""Problems listed one by one; a broken record can have one per line."""
N_AFTER_CAUSE = 3
"""Where one cause explains them, a few show its look."""


def verify(
    path: Annotated[Path, typer.Argument(help="The record of a run.", show_default=True)] = Path("audit.jsonl"),
    anchor: Annotated[
        Path | None, typer.Option(help="Its signed heads (audit.heads), as they were copied to a safe place.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Public key of the site that signed them (site.pub).")] = None,
    require_anchor: Annotated[bool, typer.Option(help="Fail (1) unless there are an anchor and a key.")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check that a record is complete in itself and unchanged.

    Without an anchor, the heads beside the record are used where there are any: they show an accident, not
    the act of somebody who could write both files.

    Exit code 0: intact. 1: intact as far as can be seen without the anchor that was required. 3: cannot be read.
    4: changed, cut or reordered; each problem is listed with its line.
    """
    from perfusio.record.verification import verify as verifier
    from perfusio.record.verification.signed_heads import heads_of, read_heads
    from perfusio.record.verification.site_key import PublicKey

    place = anchor or (heads_of(path) if heads_of(path).exists() else None)
    try:
        heads = read_heads(place) if place else ()
        report = verifier.verify(path, heads=heads, key=PublicKey.read(key) if key else None)
    except AuditError as error:
        echo(str(error), err=True)
        raise typer.Exit(UnreadableSource.exit_code) from None
    if json_output:
        echo(json.dumps({"path": str(path), "is_intact": report.is_intact, **asdict(report)}, indent=1))
    else:
        echo("\n".join(_lines(path, report, _about(place, report, is_kept=anchor is not None))))
    if not report.is_intact:
        raise typer.Exit(ChainBroken.exit_code)
    if require_anchor and not (anchor and key and heads):
        echo(f"{path} was not held against an anchor: give --anchor HEADS and --key SITE.PUB.", err=True)
        raise typer.Exit(PerfusioError.exit_code)


def _about(place: Path | None, report: VerifyReport, *, is_kept: bool) -> str:
    if place is None:
        return "none"
    where = "" if is_kept else ", which lie beside the record: keep a copy elsewhere"
    return f"{report.n_heads} of {place}{where}"


def _lines(path: Path, report: VerifyReport, heads: str) -> list[str]:
    if report.is_intact:
        verdict = f"{path}: intact, {report.n_records} records"
    else:
        verdict = f"{path}: BROKEN, {len(report.problems)} problem(s), {report.n_records} readable records"
    if report.cause:
        verdict = f"{verdict}\n  {report.cause}"
    shown = [f"  {problem}" for problem in report.problems[: N_AFTER_CAUSE if report.cause else N_SHOWN]]
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
        f"  heads    {heads}",
        "Checked: one spelling of each line, its fields and types, its hash, its tie to the line before, its number; "
        "the hashes of States and configuration; every event read back.",
        "Not checked, because it cannot be seen from this:",
        *(f"  - {sentence}" for sentence in report.not_checked),
    ]
