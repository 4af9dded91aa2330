"""`perfusio import`: files of instruments and people into one clean table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfusio.cli.echo import echo
from perfusio.cli.experiment_file.processes import ProcessOption, VolumeOption, panel_in
from perfusio.cli.models.history import refuse_to_replace
from perfusio.cli.options import (
    INOCULATED,
    KEEP,
    LEAVE_OUT,
    VESSEL_PATTERN,
    ColumnOption,
    IgnoreOption,
    JsonOption,
    OverwriteOption,
    SetMissingOption,
    pair,
    print_json,
)
from perfusio.errors import ConfigError, UnreadableSource

if TYPE_CHECKING:
    from perfusio.process.panel import Panel
    from perfusio.tables.columns.column import ColumnRead
    from perfusio.tables.columns.grid import ReadOptions
    from perfusio.tables.rows.table import Table

OPTIONS = (
    "On the command line: --ignore HEADER, --column HEADER=QUANTITY, --decimal MARK, --encoding NAME, "
    "--date-order ORDER; or a column map: --mapping mapping.toml (docs/how-to/read-an-excel-workbook.md)."
)
DEFAULT_OUT = Path("runs.csv")


def import_(
    files: Annotated[list[Path], typer.Argument(help="CSV, Excel or Parquet; several are joined by vessel and time.")],
    out: Annotated[Path, typer.Option(help="Where the table goes: .csv or .xlsx.")] = DEFAULT_OUT,
    into: Annotated[
        Path | None, typer.Option(help="A table to add to, instead of a new one: late titers, further samples.")
    ] = None,
    layout: Annotated[str, typer.Option(help="wide: one row per sample; long: one per value.")] = "wide",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show how each column is read; write nothing.")] = False,
    mapping: Annotated[Path | None, typer.Option(help="What the columns mean: a mapping.toml.")] = None,
    save_mapping: Annotated[
        Path | None, typer.Option(help="Write how the (only) file was read, to edit and to use with --mapping.")
    ] = None,
    sheet: Annotated[str, typer.Option(help="Sheet of a workbook, where several hold samples.")] = "",
    column: ColumnOption = None,
    ignore: IgnoreOption = None,
    decimal: Annotated[str | None, typer.Option(help="Decimal mark, if a file leaves it open.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding, if it is not UTF-8.")] = None,
    date_order: Annotated[str | None, typer.Option(help="dmy, mdy or ymd, if dates leave it open.")] = None,
    instrument: Annotated[
        str, typer.Option(help="Reader of another package for this instrument: perfusio extensions.", metavar="NAME")
    ] = "",
    vessel: Annotated[
        list[str] | None, typer.Option(help="Another name for a vessel, e.g. HT1=R01; repeatable.", metavar="OLD=NEW")
    ] = None,
    vessel_pattern: Annotated[str, typer.Option(help=VESSEL_PATTERN, metavar="REGEX")] = "",
    reactor: Annotated[str, typer.Option(help="The vessel that all samples are from, if no file says it.")] = "",
    inoculated: Annotated[
        list[str] | None,
        typer.Option(help=INOCULATED, metavar="[VESSEL=]DATE"),
    ] = None,
    keep: Annotated[list[str] | None, typer.Option(help=KEEP, metavar="HEADER=VALUE")] = None,
    leave_out: Annotated[list[str] | None, typer.Option(help=LEAVE_OUT, metavar="HEADER=VALUE")] = None,
    set_missing: SetMissingOption = None,
    same_sample: Annotated[
        float | None,
        typer.Option(help="Files that differ by less mean the same sample [min]; default 30.", min=0.0, max=1440.0),
    ] = None,
    correct: Annotated[
        bool, typer.Option("--correct", help="Where files disagree the later one is right; each correction is told.")
    ] = False,
    sampled_at: Annotated[
        str | None, typer.Option(help="When all samples of a file without any time were taken.", metavar="DATE")
    ] = None,
    process: ProcessOption = None,
    working_volume: VolumeOption = None,
    overwrite: OverwriteOption = False,
    json_output: JsonOption = False,
) -> None:
    """Read files of any known kind, check them, join them, and write one clean table.

    Recognised by their header: Nova FLEX2, Vi-CELL BLU and XR, Cedex HiRes and Bio HT, DataHow's layout,
    Lucullus, ambr workbooks, long tags; all others by the names of their columns. A file that cannot be read without
    guessing is refused, with every problem at once.
    """
    from dataclasses import replace

    from perfusio.tables.cells.missing_by_name import missing_of
    from perfusio.tables.columns.declared_options import dates_of, pattern_of, rows_of
    from perfusio.tables.exporting import write_table
    from perfusio.tables.mapping_file import draft_text, mapping_text
    from perfusio.tables.mapping_file import save_mapping as save
    from perfusio.tables.merging import SAME_SAMPLE_MINUTES, merged
    from perfusio.tables.taken_for_granted import granted, page

    options = replace(
        _options(column, ignore, decimal, encoding, date_order, vessel, panel_in(process, working_volume)),
        sample_pattern=pattern_of(vessel_pattern),
        reactor=reactor,
        instrument=instrument,
        inoculated=dates_of(inoculated),
        may_stay_open=len(files) == 1 and into is None,
        keep=rows_of(keep),
        leave_out=rows_of(leave_out, "--leave-out"),
        set_missing=missing_of(set_missing),
        sheet=sheet,
        sampled_at=None if sampled_at is None else dates_of([sampled_at], "--sampled-at").get(""),
    )
    target = into or out
    if not (dry_run or into):
        refuse_to_replace([target], overwrite=overwrite)
    if save_mapping is not None and len(files) != 1:
        raise ConfigError(f"--save-mapping describes one file, found {len(files)}. Import them one by one.")
    try:
        tables = _read(files, options, mapping)
    except UnreadableSource as error:
        if save_mapping is not None and error.questions:
            save(save_mapping, draft_text(files[0].name, error, options, sheet=sheet))
            echo(f"Mapping: {save_mapping}, with what is open as comments", err=True)
        if dry_run and error.understood:
            _show_columns(files[0].name if len(files) == 1 else "understood", error.understood)
        raise
    result = merged(
        [*([_earlier(into, options.panel)] if into else []), *tables],
        same_sample_minutes=SAME_SAMPLE_MINUTES if same_sample is None else same_sample,
        later_wins=correct,
        keep_times=True,
        are_clocks_told=same_sample is not None,
    )
    found = granted(tables, result)
    if not json_output:
        for remark in result.warnings:
            echo(f"Note: {remark}", err=True)
        for line in page(found):
            echo(line, err=True)
    if save_mapping is not None:
        save(save_mapping, mapping_text(tables[0], options, sheet=sheet))
    if not dry_run:
        write_table(target, result, layout=layout)
    if json_output:
        print_json(_as_json(tables, result, found, None if dry_run else target))
        return
    if dry_run:
        for table in tables:
            _show(table)
    _summary(result, dry_run, target, save_mapping)


def _options(
    column: list[str] | None, ignore: list[str] | None, decimal: str | None, encoding: str | None,
    date_order: str | None, vessel: list[str] | None, panel: Panel,
) -> ReadOptions:  # fmt: skip
    from perfusio.tables.columns.declared_options import refuse_format
    from perfusio.tables.columns.grid import ReadOptions

    refuse_format(decimal, date_order)
    return ReadOptions(
        columns=dict(pair(text, "--column Glu=glutamate") for text in column or ()),
        ignore=tuple(ignore or ()),
        decimal=decimal,
        encoding=encoding,
        date_order=date_order,
        vessels=dict(pair(text, "--vessel HT1=R01") for text in vessel or ()),
        is_part=True,
        panel=panel,
    )


def _read(files: list[Path], options: ReadOptions, mapping: Path | None) -> list[Table]:
    """Read all files; the problems of all of them are told together."""
    from perfusio.tables.cells.missing_by_name import missing_in, missing_of
    from perfusio.tables.columns.column_map import read_column_map
    from perfusio.tables.columns.questions import together
    from perfusio.tables.read_any import read_any

    column_map = None if mapping is None else read_column_map(mapping, options.panel)
    of_map = () if column_map is None else missing_of(column_map.set_missing)
    missing_in((*options.set_missing, *of_map), [file.name for file in files])
    tables, refused = [], list[UnreadableSource]()
    for file in files:
        try:
            tables.append(read_any(file, options, column_map=column_map))
        except UnreadableSource as error:
            refused.append(error)
    if refused:
        hint = (OPTIONS,) if any("FilesystemStore(" in p for error in refused for p in error.problems) else ()
        raise together(refused, *hint, connector=str(files[0]))
    return tables


def _earlier(path: Path, panel: Panel) -> Table:
    from perfusio.tables.columns.grid import ReadOptions
    from perfusio.tables.read_any import read_any

    return read_any(path, ReadOptions(is_part=True, panel=panel))


def _show(table: Table) -> None:
    """Print column -> quantity, unit, rows, first value."""
    echo(f"{table.name}{f' ({table.profile})' if table.profile else ''}")
    if not table.reads:
        echo("  signals of a rig: what was in force between samples follows from them")
        return
    _columns_shown(table.reads)


def _show_columns(name: str, reads: Sequence[ColumnRead]) -> None:
    echo(name)
    _columns_shown(reads)


def _columns_shown(reads: Sequence[ColumnRead]) -> None:
    width = min(max(len(read.header) for read in reads), 40)
    echo(f"  {'column':{width}}  {'quantity':17} {'unit':13} {'rows':>6}  first value")
    for read in reads:
        name = read.header if len(read.header) <= width else read.header[: width - 3] + "..."
        first = read.first if len(read.first) <= 24 else read.first[:21] + "..."
        echo(f"  {name:{width}}  {read.meaning or '(unread)':17} {read.unit:13} {read.n_values:>6}  {first}")


def _summary(result: Table, dry_run: bool, target: Path, saved: Path | None) -> None:
    rows = result.rows
    last = max((row.state.day for row in rows), default=0.0)
    n_vessels = len(result.groups)
    found = f"{len(rows)} samples of {n_vessels} {'vessel' if n_vessels == 1 else 'vessels'}, to day {last:.3g}"
    if result.has_open_vessels:
        found = f"{len(rows)} samples; which vessel each is from is open"
    if saved is not None:
        echo(f"Mapping: {saved}")
    echo(f"{found}. Nothing was written (--dry-run)." if dry_run else f"{found}: {target}")


def _as_json(
    tables: list[Table], result: Table, found: dict[str, Any], target: Path | None
) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "files": [
            {"name": t.name, "profile": t.profile, "sha256": t.sha256, "columns": [asdict(read) for read in t.reads]}
            for t in tables
        ],
        "samples": len(result.rows),
        "vessels": [v["vessel"] for v in found["vessels"]],
        "warnings": list(result.warnings),
        "written": None if target is None else str(target),
        "taken_for_granted": found,
    }
