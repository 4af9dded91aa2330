"""`perfusio export`: samples, of files or of a recorded run, as CSV, Excel or Parquet for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.experiment_file.processes import ProcessOption, panel_in
from perfusio.cli.models.history import MappingOption, refuse_to_replace
from perfusio.cli.options import OverwriteOption
from perfusio.cli.record.place import record_in

if TYPE_CHECKING:
    from perfusio.process.panel import Panel
    from perfusio.tables.rows.table import Table


def export(
    source: Annotated[
        Path, typer.Argument(help="A table (CSV, Excel, Parquet), or a run: its folder or its audit.jsonl.")
    ],
    out: Annotated[Path, typer.Option(help="What to write; its ending, .csv, .xlsx, .parquet or .nc, says how.")],
    layout: Annotated[str, typer.Option(help="wide: one row per sample; long: one per value.")] = "wide",
    mapping: MappingOption = None,
    process: ProcessOption = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Write the samples and setpoints of a table, or of a recorded run, in canonical units.

    `perfusio import` reads such a file back without a change. A record says its process itself.
    """
    from perfusio.errors import ConfigError
    from perfusio.report.lines import counted
    from perfusio.report.out.downloads import SAMPLES
    from perfusio.tables.exporting import write_table

    if out.suffix.lower() not in SAMPLES:
        raise ConfigError(f"{out.name}: the ending says what to write, expected one of {', '.join(SAMPLES)}.")
    refuse_to_replace([out], overwrite=overwrite)
    if out.suffix.lower() == ".nc":
        echo(f"{counted(_write_netcdf(source, out), 'vessel')}: {out}")
        return
    table = _table(source, mapping, panel_in(process))
    write_table(out, table, layout=layout)
    echo(f"{counted(len(table.rows), 'sample')} of {counted(len(table.groups), 'vessel')}: {out}")


def _table(source: Path, mapping: Path | None, panel: Panel) -> Table:
    from perfusio.tables.columns.column_map import read_column_map
    from perfusio.tables.columns.grid import ReadOptions
    from perfusio.tables.merging import merged
    from perfusio.tables.read_any import read_any

    if source.is_dir() or source.suffix == ".jsonl":
        return recorded(record_in(source))
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
    from perfusio.record.apply_event import folded
    from perfusio.record.verification.verify import read_records
    from perfusio.report.out.downloads import table_of

    run_state = folded((record.to_event() for record in read_records(path)), "")
    return table_of(run_state, path.name, path.read_bytes())


def _write_netcdf(source: Path, out: Path) -> int:
    """Write the samples of a recorded run over vessel and culture day; return the number of vessels."""
    from perfusio.errors import ConfigError
    from perfusio.record.apply_event import folded
    from perfusio.record.verification.verify import read_records
    from perfusio.report.out.downloads import netcdf_file
    from perfusio.tables.cells.csv_files import replace_file

    if not source.is_dir() and source.suffix != ".jsonl":
        raise ConfigError(
            f"{source} is a table, expected a run for NetCDF: its folder or its audit.jsonl. In Python every "
            "trajectory of read_runs has to_xarray()."
        )
    run_state = folded((one.to_event() for one in read_records(record_in(source))), "")
    content = netcdf_file(run_state)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        replace_file(out, content)
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error.strerror}. Choose another place.") from error
    return len(run_state.trajectories)
