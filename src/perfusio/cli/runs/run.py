"""`perfusio run`: the twin on an experiment.toml, or on a file of samples."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfusio.cli.echo import echo
from perfusio.cli.experiment_file import past_runs, processes
from perfusio.cli.experiment_file.notification import NotifyOption
from perfusio.cli.experiment_file.processes import ProcessOption, VolumeOption
from perfusio.cli.options import SetMissingOption
from perfusio.cli.runs.aim import AcquisitionOption, MaximizeOption, MinimizeOption, TrackOption, aim
from perfusio.cli.runs.reading import (
    ColumnOption,
    DateOrderOption,
    DecimalOption,
    EncodingOption,
    HistoryMappingOption,
    HistoryOption,
    IgnoreOption,
    InoculatedOption,
    InstrumentOption,
    KeepOption,
    LeaveOutOption,
    MappingFileOption,
    PatternOption,
    ReactorOption,
    RunNameOption,
    flags,
    reading,
)
from perfusio.errors import ConfigError, UnreadableSource

if TYPE_CHECKING:
    from perfusio.cli.experiment_file.settings import Key, Setting
    from perfusio.process.panel import Panel
    from perfusio.twin.vessels import Vessel

OPTIONS = (
    "On the command line: --ignore HEADER, --column HEADER=QUANTITY, --decimal MARK, --encoding NAME, "
    "--date-order ORDER, --run NAME or --reactor NAME. What your process has more is declared in a process.toml: "
    "--process FILE (perfusio process new)."
)


def run(
    context: typer.Context,
    experiment: Annotated[
        Path | None, typer.Argument(help="Settings in a file; flags win over it.", metavar="[EXPERIMENT.TOML]")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--csv", help="A file with one row per sample, or a folder of them.", metavar="FILE"),
    ] = None,
    days: Annotated[int | None, typer.Option(help="Length of the run [day].", min=1, max=365)] = None,
    track: TrackOption = None,
    maximize: MaximizeOption = None,
    minimize: MinimizeOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results; default: here, the setpoints beside the file.")
    ] = None,
    interval_hours: Annotated[float, typer.Option(help="Time between samples [h].")] = 24.0,
    retrain_every: Annotated[int, typer.Option(help="Refit the model after this many samples.", min=1)] = 3,
    acquisition: AcquisitionOption = "LogEI",
    search: Annotated[
        str, typer.Option(help="cross-entropy, or gradient (slower, extra botorch).", metavar="NAME")
    ] = "cross-entropy",
    plan_pieces: Annotated[int, typer.Option(help="Destinations that a plan heads for in turn.", min=1, max=4)] = 1,
    seed: Annotated[int, typer.Option(help="Seed of every random draw; recorded.", min=0)] = 0,
    run_name: RunNameOption = None,
    reactor: ReactorOption = None,
    ignore: IgnoreOption = None,
    column: ColumnOption = None,
    decimal: DecimalOption = None,
    encoding: EncodingOption = None,
    date_order: DateOrderOption = None,
    instrument: InstrumentOption = "",
    mapping: MappingFileOption = None,
    vessel_pattern: PatternOption = "",
    inoculated: InoculatedOption = None,
    keep: KeepOption = None,
    leave_out: LeaveOutOption = None,
    set_missing: SetMissingOption = None,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for new rows of a growing file.")] = False,
    notify: NotifyOption = None,
    process: ProcessOption = None,
    working_volume: VolumeOption = None,
    history: HistoryOption = None,
    history_mapping: HistoryMappingOption = None,
    serve: Annotated[bool, typer.Option("--serve", help="Show the run in a browser, as perfusio serve does.")] = False,
    port: Annotated[int, typer.Option(help="Port of that page; 0 = any free one.", min=0, max=65535)] = 8765,
    fresh: Annotated[bool, typer.Option("--fresh", help="Move an unfinished record in the folder aside.")] = False,
) -> None:
    """Run the digital twin: forecast, decide, write setpoints, keep a record.

    The run is described in an experiment.toml, or by the options: a finished file is replayed; with --follow the run
    waits for new rows. A flag wins over a variable PERFUSIO_*, that over the file, that over the default (see
    `perfusio config show`). On a terminal you are asked whether an unfinished run in the folder is to go on. The folder
    then holds audit.jsonl (the record), forecast.png, report.html and, for files, FILE.setpoints.csv.
    """
    from perfusio.cli.experiment_file.experiment import chosen, load, opened
    from perfusio.cli.experiment_file.policy import policy_of
    from perfusio.cli.page.beside import page_beside
    from perfusio.cli.runs import history_model
    from perfusio.cli.runs.resume import PEOPLE, go_on, is_to_go_on, keeper, source_of
    from perfusio.cli.runs.told import PeopleFile, Telling, people_of
    from perfusio.cli.runs.watched import exit_code, run_watched, wait_for_names
    from perfusio.tables.columns.questions import together
    from perfusio.twin.vessels import aboard, clones_of

    given: dict[Key, tuple[str, Any]] = {
        processes.FILE: ("process", process),
        ("run", "duration_days"): ("days", days),
        ("run", "sampling_interval_hours"): ("interval_hours", interval_hours),
        ("run", "retrain_every"): ("retrain_every", retrain_every),
        ("run", "acquisition"): ("acquisition", acquisition),
        ("run", "search"): ("search", search),
        ("run", "plan_pieces"): ("plan_pieces", plan_pieces),
        ("run", "seed"): ("seed", seed),
        ("run", "run_dir"): ("out", out),
        ("run", "fresh"): ("fresh", fresh),
        ("connector", "path"): ("source", source),
        ("connector", "follow"): ("follow", follow),
        **reading(
            run_name=run_name, reactor=reactor, ignore=ignore, column=column, decimal=decimal, encoding=encoding,
            date_order=date_order, instrument=instrument, mapping=mapping, vessel_pattern=vessel_pattern,
            inoculated=inoculated, keep=keep, leave_out=leave_out, set_missing=set_missing,
            working_volume=working_volume,
        ),
    }  # fmt: skip
    is_aimed = bool(track or maximize or minimize)

    def typed_aim(panel: Panel) -> Setting:
        from perfusio.cli.experiment_file.settings import Setting

        return Setting(aim(track, maximize, minimize, panel), "--track, --maximize, --minimize")

    asked = load(experiment, flags(context, given), aim=typed_aim if is_aimed else None)
    told = None
    if notify is not None:
        told = PeopleFile(file=notify, daily=asked.daily)
    elif experiment is not None and asked.people is not None:
        told = PeopleFile(file=experiment)
    if not asked.run.fresh and is_to_go_on(asked.run.run_dir):
        go_on(asked.run.run_dir, None, notify, otherwise=told)
    if asked.daily is not None and told is None:
        raise ConfigError(
            "[report] daily asks for a page each morning and nobody is named who gets it: add [notify.email] (or "
            "[notify.log], [notify.webhook]) to the file, or --notify FILE."
        )
    telling = Telling() if told is None else people_of(told)
    kept = source_of(asked) | ({} if told is None else {PEOPLE: told.kept(asked.run.run_dir)})
    try:
        whole = opened(asked)
        wait_for_names(whole)
        sources = aboard(chosen(asked, whole))
        policy = policy_of(asked.policy, sources, asked.run.process)
        past = past_runs.typed(history, history_mapping, asked.history, encoding=encoding)
        model = history_model.model_of(asked.model, past, clones_of(sources), asked.run.process, seed=asked.run.seed)
        with page_beside(asked.run.run_dir, port) if serve else nullcontext():
            result = run_watched(
                sources, asked.run, design_space=asked.design_space, close=getattr(whole, "close", None),
                model=model, policy=policy, observers=(keeper(asked.run.run_dir, kept),), people=telling.notifier,
                daily=telling.daily, first="\n".join(_granted(sources)),
            )  # fmt: skip
    except UnreadableSource as error:
        if "FilesystemStore(" in str(error) and history_model.ANSWERED not in error.problems:
            raise together([error], OPTIONS, connector=error.connector) from error
        raise
    for path in _advice(sources):
        echo(f"{'Advice:':8}{path}")
    raise typer.Exit(exit_code(result.outcome))


def _granted(vessels: Mapping[str, Vessel]) -> list[str]:
    """Return what was taken for granted when files were read, as lines; the record holds the same."""
    from perfusio.protocols import Described, able
    from perfusio.tables.taken_for_granted import page, together

    described = [able(vessel.connector, Described) for vessel in vessels.values()]
    return page(together(one.describe().get("taken_for_granted", {}) for one in described if one is not None))


def _advice(vessels: Mapping[str, Vessel]) -> list[Path]:
    """Return the files into which setpoints were written."""
    each = [v.connector for v in vessels.values()]
    paths = dict.fromkeys(path for s in each if (path := getattr(s, "setpoints_path", None)) is not None)
    return [path for path in paths if path.exists()]
