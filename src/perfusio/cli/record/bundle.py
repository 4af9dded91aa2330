"""`perfusio bundle`: a finished run in one file that can be checked elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.record.place import record_in


def bundle(
    run: Annotated[Path, typer.Argument(help="Folder of the run.", metavar="RUN")] = Path(),
    out: Annotated[Path | None, typer.Option(help="The zip file; default: bundle-<run>.zip in the folder.")] = None,
) -> None:
    """Pack a finished run into one zip: record, heads, key, inputs, setpoints, configuration, packages, a verifier.

    It can be checked without perfusio: unzip it, then `sha256sum -c SHA256SUMS` and
    `python verify_alone.py audit.jsonl audit.heads site.pub`.
    """
    from perfusio.record.bundle import check_bundle, write_bundle

    place = write_bundle(record_in(run).parent, out)
    echo(f"{place}: {check_bundle(place)} files")
