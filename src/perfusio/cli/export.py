"""`perfusio export`: samples, of files or of a recorded run, as CSV or Excel for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.cli.history import MappingOption, OverwriteOption, refuse_to_replace

if TYPE_CHECKING:
    from perfusio.connectors.tables import Table

RECORD = "audit.jsonl"


def export(
    source: Annotated[
        Path, typer.Argument(help="A table (CSV, Excel, Parquet), or a run: its folder or its audit.jsonl.")
    ],
    out: Annotated[Path, typer.Option(help="What to write; its ending, .csv or .xlsx, says how.")],
    layout: Annotated[str, typer.Option(help="wide: one row per sample; long: one per value.")] = "wide",
    mapping: MappingOption = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Write the samples and setpoints of a table, or of a recorded run, in canonical units.

    `perfusio import` reads such a file back without a change.
    """
    from perfusio.connectors.exporting import write_table

    refuse_to_replace([out], overwrite=overwrite)
    table = _table(source, mapping)
    write_table(out, table, layout=layout)
    typer.echo(f"{len(table.rows)} samples of {len(table.groups)} vessel(s): {out}")


def _table(source: Path, mapping: Path | None) -> Table:
    from perfusio.connectors.column_map import read_column_map
    from perfusio.connectors.grids import ReadOptions
    from perfusio.connectors.merging import merged
    from perfusio.connectors.readers import read_any

    record = source / RECORD if source.is_dir() else source
    if record.suffix == ".jsonl":
        return recorded(record)
    column_map = None if mapping is None else read_column_map(mapping)
    table = merged([read_any(source, ReadOptions(is_part=True), column_map=column_map)])
    for remark in table.warnings:
        typer.echo(f"Note: {remark}", err=True)
    return table


def recorded(path: Path) -> Table:
    """Return the samples of a recorded run, each with the setpoints in force from it to the next.

    Raises:
        PerfusioError: the record cannot be read, or is broken.
    """
    from dataclasses import replace
    from types import MappingProxyType

    from perfusio.connectors.samples import TableRow
    from perfusio.connectors.tables import empty_table
    from perfusio.events import RunStarted, SampleRead
    from perfusio.state import Setpoints
    from perfusio.trajectory import Trajectory
    from perfusio.twin.day import RunState, in_force, observe, with_vessel
    from perfusio.twin.verify import read_records

    run, clones = RunState(), dict[tuple[str, str], str]()
    for event in (record.to_event() for record in read_records(path)):
        if isinstance(event, RunStarted):
            clones = {("", r): clone for r, about in event.sources.items() if (clone := about.get("clone"))}
        if isinstance(event, SampleRead) and event.reactor is not None:
            if event.reactor not in run.trajectories:
                run = with_vessel(run, Trajectory(reactor_id=event.reactor), Setpoints())
            run = observe(in_force(run, event.reactor, event.in_force), event.reactor, event.state)
    rows = tuple(
        TableRow(line=0, run="", reactor=reactor, state=state, setpoints=setpoints)
        for reactor, known in run.trajectories.items()
        for state, setpoints in zip(known.states, (*known.setpoints, Setpoints()), strict=True)
    )
    table = empty_table(path.name, path.read_bytes())
    return replace(table, rows=rows, clones=MappingProxyType(clones))
