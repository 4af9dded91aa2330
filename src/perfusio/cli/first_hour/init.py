"""`perfusio init`: from a sheet and past runs to experiment.toml and process.toml, in one conversation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfusio.cli.echo import echo
from perfusio.cli.options import JsonOption, OverwriteOption, SetMissingOption, pair, print_json
from perfusio.cli.runs.aim import MaximizeOption, MinimizeOption, TrackOption
from perfusio.cli.runs.reading import (
    ColumnOption,
    DateOrderOption,
    DecimalOption,
    EncodingOption,
    HistoryMappingOption,
    HistoryOption,
    IgnoreOption,
    InoculatedOption,
    KeepOption,
    LeaveOutOption,
    MappingFileOption,
    PatternOption,
    ReactorOption,
    RunNameOption,
)
from perfusio.errors import ConfigError

if TYPE_CHECKING:
    from perfusio.cli.first_hour.person import Asked

OWN_PROCESS = Annotated[
    Path | None,
    typer.Option("--process", help="A process.toml that is there already: no question about it.", metavar="FILE"),
]


def init(
    sheet: Annotated[
        Path | None, typer.Argument(help="The samples: a file, or a folder of files.", metavar="[SHEET]")
    ] = None,
    history: HistoryOption = None,
    out: Annotated[Path, typer.Option(help="Folder of the files to write.")] = Path(),
    answers: Annotated[
        Path | None, typer.Option(help="Answers as a TOML file; options win over it.", metavar="FILE")
    ] = None,
    ask: Annotated[
        bool | None, typer.Option("--ask/--no-ask", help="Ask, or take defaults. Default: ask on a terminal.")
    ] = None,
    run_name: RunNameOption = None,
    reactor: ReactorOption = None,
    column: ColumnOption = None,
    ignore: IgnoreOption = None,
    decimal: DecimalOption = None,
    encoding: EncodingOption = None,
    date_order: DateOrderOption = None,
    mapping: MappingFileOption = None,
    history_mapping: HistoryMappingOption = None,
    vessel_pattern: PatternOption = "",
    inoculated: InoculatedOption = None,
    keep: KeepOption = None,
    leave_out: LeaveOutOption = None,
    set_missing: SetMissingOption = None,
    process: OWN_PROCESS = None,
    kind: Annotated[str, typer.Option(help="perfusion, fed-batch or batch.")] = "",
    setpoints: Annotated[str | None, typer.Option(help="Knobs of the rig, by name, separated by commas.")] = None,
    fixed: Annotated[
        list[str] | None, typer.Option(help="A condition that nobody moves; repeatable.", metavar="NAME=VALUE")
    ] = None,
    feed: Annotated[
        list[str] | None,
        typer.Option(help="A feed of a fed-batch: NAME=SPECIES 400 g/L, ...; repeatable.", metavar="NAME=CONTENT"),
    ] = None,
    medium: Annotated[
        list[str] | None, typer.Option(help="What flows in, e.g. 'glucose=6 g/L'; repeatable.", metavar="NAME=AMOUNT")
    ] = None,
    working_volume: Annotated[str, typer.Option(help="Of a vessel, e.g. 250mL.", metavar="VOLUME")] = "",
    bounds: Annotated[
        list[str] | None,
        typer.Option(help="Of a knob: least, largest, longest step; repeatable.", metavar="NAME=LOW:HIGH:STEP"),
    ] = None,
    limit: Annotated[
        list[str] | None, typer.Option(help="Of the culture, e.g. 'viability >= 90'; repeatable.", metavar="LIMIT")
    ] = None,
    track: TrackOption = None,
    maximize: MaximizeOption = None,
    minimize: MinimizeOption = None,
    days: Annotated[int | None, typer.Option(help="Length of the run [day].", min=1, max=365)] = None,
    interval_hours: Annotated[float | None, typer.Option(help="Time between samples [h].")] = None,
    mode: Annotated[str, typer.Option(help="advisory, automatic or manual.")] = "",
    log: Annotated[Path | None, typer.Option(help="A file that gets a line per alarm.")] = None,
    email: Annotated[list[str] | None, typer.Option(help="Address that is told of alarms; repeatable.")] = None,
    email_host: Annotated[str, typer.Option(help="Mail server.")] = "",
    email_sender: Annotated[str, typer.Option(help="Address from which mails come.")] = "",
    overwrite: OverwriteOption = False,
    json_output: JsonOption = False,
) -> None:
    """Set up an experiment: read the sheet, ask for the rest, show it, write experiment.toml and process.toml.

    Asked are the file, past runs, the process (knobs, medium), limits, aim and people; every question has an option,
    and a likely answer, which holds where nobody is asked: all of those are told. A file that can be read in two ways
    is asked about, without a terminal with exit code 2. Files that are there are replaced with --overwrite only.
    Afterwards: perfusio advise experiment.toml, perfusio run experiment.toml.
    """
    from perfusio.cli.first_hour.answers import Answers, answers_in
    from perfusio.cli.first_hour.conversation import talked
    from perfusio.cli.first_hour.person import Nobody, Person
    from perfusio.cli.first_hour.words import amounts, listed, three
    from perfusio.cli.runs.resume import is_somebody_there
    from perfusio.tables.cells.missing_by_name import missing_of
    from perfusio.tables.columns.declared_options import dates_of, rows_of

    given: dict[str, Any] = {
        "sheet": sheet, "history": history, "history_mapping": history_mapping, "run": run_name, "reactor": reactor,
        "columns": _pairs(column, "--column Glu=glutamate"), "ignore": tuple(ignore or ()), "decimal": decimal,
        "encoding": encoding, "date_order": date_order, "mapping": mapping, "sample_pattern": vessel_pattern,
        "inoculated": dates_of(inoculated), "keep": rows_of(keep), "leave_out": rows_of(leave_out, "--leave-out"),
        "set_missing": tuple(map(str, missing_of(set_missing))),
        "process": process, "kind": kind, "setpoints": None if setpoints is None else listed(setpoints),
        "fixed": _pairs(fixed, "--fixed temperature=37"),
        "feeds": {n: _read(amounts, text, "--feed") for n, text in _pairs(feed, "--feed F1=CONTENT").items()},
        "medium": _pairs(medium, "--medium 'glucose=6 g/L'"), "working_volume": working_volume,
        "bounds": {n: _read(three, text, "--bounds") for n, text in _pairs(bounds, "--bounds NAME=1:2:0.1").items()},
        "limits": tuple(limit or ()), "track": tuple(track or ()), "maximize": tuple(maximize or ()),
        "minimize": tuple(minimize or ()), "days": days, "interval_hours": interval_hours, "mode": mode, "log": log,
        "email": tuple(email or ()), "email_host": email_host, "email_sender": email_sender,
    }  # fmt: skip
    said = Answers() if answers is None else answers_in(answers)
    said = said.with_(**{name: value for name, value in given.items() if value not in (None, "", (), {})})
    is_asked = is_somebody_there() if ask is None else ask
    asked: Asked = Person() if is_asked and not json_output else Nobody()
    result = talked(said, asked, out, overwrite=overwrite, tell=_quiet if json_output else echo)
    if json_output:
        print_json(result)


def _pairs(texts: list[str] | None, example: str) -> dict[str, str]:
    return dict(pair(text, example) for text in texts or ())


def _read(read: Any, text: str, option: str) -> Any:
    try:
        return read(text)
    except ValueError as error:
        raise ConfigError(f"{option}: {error}") from None


def _quiet(text: str) -> None:
    del text
