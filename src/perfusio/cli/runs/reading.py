"""How a source of samples is read and the aim, as options of several commands; and typed options as settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfusio.cli.experiment_file.processes import VOLUME_KEY
from perfusio.cli.options import INOCULATED, KEEP, LEAVE_OUT, VESSEL_PATTERN

if TYPE_CHECKING:
    from perfusio.cli.experiment_file.settings import Key, Setting

RunNameOption = Annotated[str | None, typer.Option("--run", help="Which run, if the file holds several.")]
ReactorOption = Annotated[str | None, typer.Option(help="Which vessel, if the file holds several.")]
IgnoreOption = Annotated[
    list[str] | None, typer.Option(help="Header to leave unread; repeatable.", metavar="HEADER")
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option(help="What a header means, e.g. Glu=glutamate; repeatable.", metavar="HEADER=NAME"),
]
DecimalOption = Annotated[str | None, typer.Option(help="Decimal mark, if the file leaves it open.")]
EncodingOption = Annotated[str | None, typer.Option(help="Encoding of the file, if it is not UTF-8.")]
DateOrderOption = Annotated[str | None, typer.Option(help="dmy, mdy or ymd, if dates leave it open.")]
InstrumentOption = Annotated[
    str, typer.Option(help="Reader of another package for the file: perfusio extensions.", metavar="NAME")
]
MappingFileOption = Annotated[Path | None, typer.Option("--mapping", help="What the columns mean: a mapping.toml.")]
PatternOption = Annotated[str, typer.Option("--vessel-pattern", help=VESSEL_PATTERN, metavar="REGEX")]
InoculatedOption = Annotated[list[str] | None, typer.Option(help=INOCULATED, metavar="[VESSEL=]DATE")]
KeepOption = Annotated[list[str] | None, typer.Option(help=KEEP, metavar="HEADER=VALUE")]
LeaveOutOption = Annotated[list[str] | None, typer.Option(help=LEAVE_OUT, metavar="HEADER=VALUE")]
HistoryOption = Annotated[
    Path | None,
    typer.Option("--history", help="Past runs of any clones to start from: a file or a folder.", metavar="RUNS"),
]
HistoryMappingOption = Annotated[
    Path | None,
    typer.Option("--history-mapping", help="What the columns of the past runs mean: a mapping.toml."),
]


def reading(
    *, run_name: str | None, reactor: str | None, ignore: list[str] | None, column: list[str] | None,
    decimal: str | None, encoding: str | None, date_order: str | None, instrument: str, mapping: Path | None,
    vessel_pattern: str, inoculated: list[str] | None, keep: list[str] | None, leave_out: list[str] | None,
    set_missing: list[str] | None, working_volume: str | None,
) -> dict[Key, tuple[str, Any]]:  # fmt: skip
    """Return the options that say how a file is read: setting -> name of the option and its value.

    Raises:
        ConfigError: one of them is misspelt.
    """
    from perfusio.cli.options import pair
    from perfusio.tables.cells.missing_by_name import missing_of
    from perfusio.tables.columns.declared_options import dates_of, rows_of

    return {
        ("connector", "run"): ("run_name", run_name),
        ("connector", "reactor"): ("reactor", reactor),
        ("connector", "ignore"): ("ignore", tuple(ignore or ())),
        ("connector", "columns"): ("column", dict(pair(text, "--column Glu=glutamate") for text in column or ())),
        ("connector", "decimal"): ("decimal", decimal),
        ("connector", "encoding"): ("encoding", encoding),
        ("connector", "date_order"): ("date_order", date_order),
        ("connector", "mapping"): ("mapping", mapping),
        ("connector", "sample_pattern"): ("vessel_pattern", vessel_pattern),
        ("connector", "inoculated"): ("inoculated", dates_of(inoculated)),
        ("connector", "keep"): ("keep", rows_of(keep)),
        ("connector", "leave_out"): ("leave_out", rows_of(leave_out, "--leave-out")),
        ("connector", "set_missing"): ("set_missing", tuple(map(str, missing_of(set_missing)))),
        ("connector", "instrument"): ("instrument", instrument),
        VOLUME_KEY: ("working_volume", working_volume),
    }


def flags(context: typer.Context, given: Mapping[Key, tuple[str, Any]]) -> dict[Key, Setting]:
    """Return the typed options; defaults of options are no flags."""
    from perfusio.cli.experiment_file.settings import Setting

    said = {p.name: p.opts[0] for p in context.command.params if _is_typed(context, p.name)}
    return {key: Setting(value, said[name]) for key, (name, value) in given.items() if name in said}


def _is_typed(context: typer.Context, name: str | None) -> bool:
    source = context.get_parameter_source(name) if name else None
    return source is not None and source.name == "COMMANDLINE"
