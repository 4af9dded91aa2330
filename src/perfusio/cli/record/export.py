"""`perfusio export`: samples, of files or of a recorded run, as CSV, Excel or Parquet for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.experiment_file.processes import ProcessOption, panel_in
from perfusio.cli.models.history import MappingOption, refuse_to_replace
from perfusio.cli.options import OverwriteOption

if TYPE_CHECKING:
    from perfusio.process.panel import Panel
    from perfusio.tables.rows.table import Table

RECORD = "audit.jsonl"


def export(
    source: Annotated[
        Path, typer.Argument(help="A table (CSV, Excel, Parquet), or a run: its folder or its audit.jsonl.")
    ],
    out: Annotated[Path, typer.Option(help="What to write; its ending, .csv, .xlsx or .parquet, says how.")],
    layout: Annotated[str, typer.Option(help="wide: one row per sample; long: one per value.")] = "wide",
    mapping: MappingOption = None,
    process: ProcessOption = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Write the samples and setpoints of a table, or of a recorded run, in canonical units.

    `perfusio import` reads such a file back without a change. A record says its process itself.
    """
    from perfusio.tables.exporting import write_table

    refuse_to_replace([out], overwrite=overwrite)
    table = _table(source, mapping, panel_in(process))
    write_table(out, table, layout=layout)
    echo(f"{len(table.rows)} samples of {len(table.groups)} vessel(s): {out}")


def _table(source: Path, mapping: Path | None, panel: Panel) -> Table:
    from perfusio.tables.columns.column_map import read_column_map
    from perfusio.tables.columns.grid import ReadOptions
    from perfusio.tables.merging import merged
    from perfusio.tables.read_any import read_any

    record = source / RECORD if source.is_dir() else source
    if record.suffix == ".jsonl":
        return recorded(record)
    column_map = None if mapping is None else read_column_map(mapping, panel)
    table = merged([read_any(source, ReadOptions(is_part=True, panel=panel), column_map=column_map)])
    for remark in table.warnings:
        echo(f"Note: {remark}", err=True)
    return table


def recorded(path: Path) -> Table:
    """Return the samples of a recorded run as the twin knows them, each with the setpoints in force from it on.

    Corrections and accepted samples count, quarantined ones do not.

    Raises:
        PerfusioError: the record cannot be read, or is broken.
    """
    from dataclasses import replace
    from types import MappingProxyType

    from perfusio.record.apply_event import folded
    from perfusio.record.verification.verify import read_records
    from perfusio.state import Setpoints
    from perfusio.tables.rows.samples import TableRow
    from perfusio.tables.rows.table import empty_table

    run_state = folded((record.to_event() for record in read_records(path)), "")
    known = run_state.trajectories
    rows = tuple(
        TableRow(line=0, run="", reactor=reactor, state=state, setpoints=setpoints)
        for reactor, one in known.items()
        for unknown in [[Setpoints(panel=one.panel)][: len(one.states)]]
        for state, setpoints in zip(one.states, (*one.setpoints, *unknown), strict=True)
    )
    clones = {("", reactor): one.clone for reactor, one in known.items() if one.clone}
    empty = empty_table(path.name, path.read_bytes(), run_state.process)
    return replace(empty, rows=rows, clones=MappingProxyType(clones))
