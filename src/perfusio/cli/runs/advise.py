"""`perfusio advise`: one answer on the culture of a sheet, without a run."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfusio.cli.echo import echo
from perfusio.cli.experiment_file import past_runs, processes
from perfusio.cli.experiment_file.processes import ProcessOption, VolumeOption
from perfusio.cli.models.history import Steps
from perfusio.cli.options import JsonOption, SetMissingOption, print_json
from perfusio.cli.runs.aim import MaximizeOption, MinimizeOption, TrackOption, aim
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
from perfusio.errors import ConfigError, PerfusioError, UnreadableSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perfusio.cli.experiment_file.experiment import Experiment
    from perfusio.cli.experiment_file.settings import Key, Setting
    from perfusio.process.panel import Panel
    from perfusio.state import State
    from perfusio.twin.vessels import Vessel

DAYS = 28
"""Length of a run that is none: it bounds no advice."""
OPTIONS = (
    "On the command line: --ignore HEADER, --column HEADER=QUANTITY, --decimal MARK, --encoding NAME, "
    "--date-order ORDER, --run NAME or --reactor NAME. perfusio init SHEET asks for each, and keeps the answers."
)
ENDING = ("file", "sql")
"""Kinds of sources that hold samples and end, so that there is a latest one."""


class NoAdvice(PerfusioError):
    """No vessel got advice; the reasons were told."""


def advise(
    context: typer.Context,
    sheet: Annotated[
        Path, typer.Argument(help="A file of samples, a folder of them, or an experiment.toml.", metavar="SHEET")
    ],
    history: HistoryOption = None,
    track: TrackOption = None,
    maximize: MaximizeOption = None,
    minimize: MinimizeOption = None,
    process: ProcessOption = None,
    working_volume: VolumeOption = None,
    run_name: RunNameOption = None,
    reactor: ReactorOption = None,
    ignore: IgnoreOption = None,
    column: ColumnOption = None,
    decimal: DecimalOption = None,
    encoding: EncodingOption = None,
    date_order: DateOrderOption = None,
    instrument: InstrumentOption = "",
    mapping: MappingFileOption = None,
    history_mapping: HistoryMappingOption = None,
    vessel_pattern: PatternOption = "",
    inoculated: InoculatedOption = None,
    keep: KeepOption = None,
    leave_out: LeaveOutOption = None,
    set_missing: SetMissingOption = None,
    seed: Annotated[int, typer.Option(help="Seed of every random draw.", min=0)] = 0,
    json_output: JsonOption = False,
) -> None:
    """Advise the next setpoints from the latest sample of a sheet: one answer, no run, nothing is written.

    The samples pass the same checks as in a run, the advice the same guard. Told are the moves, the expected effect
    beside that of unchanged setpoints, the past runs and samples behind it, and all that was assumed. Exit code 1 if no
    vessel gets advice. An experiment.toml (perfusio init) says limits, process and past runs.
    """
    import asyncio

    from perfusio.cli.experiment_file.experiment import chosen, load, opened
    from perfusio.cli.experiment_file.policy import policy_of
    from perfusio.cli.experiment_file.settings import DEFAULT, Setting
    from perfusio.cli.runs import advice_told as told
    from perfusio.cli.runs import history_model
    from perfusio.clock import SystemClock
    from perfusio.tables.columns.questions import together
    from perfusio.twin import advice
    from perfusio.twin.vessels import aboard, clones_of

    given: dict[Key, tuple[str, Any]] = {
        processes.FILE: ("process", process),
        ("run", "seed"): ("seed", seed),
        **reading(
            run_name=run_name, reactor=reactor, ignore=ignore, column=column, decimal=decimal, encoding=encoding,
            date_order=date_order, instrument=instrument, mapping=mapping, vessel_pattern=vessel_pattern,
            inoculated=inoculated, keep=keep, leave_out=leave_out, set_missing=set_missing,
            working_volume=working_volume,
        ),
    }  # fmt: skip
    said = flags(context, given)
    is_experiment = sheet.suffix.lower() == ".toml"
    if not is_experiment:
        said["connector", "path"] = Setting(sheet, "SHEET")
        said["run", "duration_days"] = Setting(DAYS, DEFAULT)
    is_aimed = bool(track or maximize or minimize)

    def typed_aim(panel: Panel) -> Setting:
        return Setting(aim(track, maximize, minimize, panel), "--track, --maximize, --minimize")

    asked = _without_a_run(load(sheet if is_experiment else None, said, aim=typed_aim if is_aimed else None))
    try:
        vessels = _named(aboard(chosen(asked, opened(asked))))
        past = past_runs.typed(history, history_mapping, asked.history, encoding=encoding)
        now = {} if past is None else asyncio.run(cultures(_named(aboard(chosen(asked, opened(asked))))))
        clones = clones_of(vessels)
        notes: list[str] = []
        model = history_model.model_of(
            asked.model, past, clones, asked.run.process, seed=asked.run.seed, now=now, say=notes.append,
            note=notes.append,
        )  # fmt: skip
        policy = policy_of(asked.policy, vessels, asked.run.process)
        with Steps("Going through the samples, then deciding", None):
            answer = asyncio.run(advice.advise(vessels, asked.design_space, asked.run, model=model, policy=policy))
    except UnreadableSource as error:
        if "FilesystemStore(" in str(error) and history_model.ANSWERED not in error.problems:
            raise together([error], OPTIONS, connector=error.connector) from error
        raise
    about = told.About(
        answer=answer, vessels=vessels, config=asked.run, learnt_from=told.past_of(model), now=SystemClock().now(),
        notes=notes,
    )  # fmt: skip
    if json_output:
        print_json(told.plain_data(about))
    else:
        for line in told.lines(about):
            echo(line)
    if not any(one.is_given for one in answer.advice.values()):
        raise NoAdvice("No vessel gets advice; the reasons stand above. Nothing was written.")


def _without_a_run(asked: Experiment) -> Experiment:
    """Return an experiment whose source ends with its latest sample, and that makes no folder.

    Raises:
        ConfigError: its source has no latest sample before somebody takes one.
    """
    from perfusio.cli.experiment_file.settings import DEFAULT, Setting

    kind = str(asked.settings["connector", "kind"].value)
    if kind not in ENDING:
        raise ConfigError(
            f"The source is of kind {kind!r}, expected a file or a database that holds the samples so far. Advice from "
            'it needs a run: perfusio run EXPERIMENT with mode = "advisory" under [run], then perfusio status.'
        )
    ending = asked.connector.model_copy(update={"follow": False, "actuates": False})
    settings = {**asked.settings, ("run", "run_dir"): Setting(None, DEFAULT)}
    return dataclasses.replace(asked, connector=ending, settings=settings)


def _named(vessels: Mapping[str, Vessel]) -> dict[str, Vessel]:
    """Return the vessels; the only one of a sheet without a column of vessels is called like its run."""
    from perfusio.protocols import Described, able
    from perfusio.twin.vessels import UNNAMED

    if set(vessels) != {UNNAMED}:
        return dict(vessels)
    (vessel,) = vessels.values()
    described = able(vessel.connector, Described)
    about = {} if described is None else described.describe()
    return {str(about.get("reactor") or about.get("run") or UNNAMED): vessel}


async def cultures(vessels: Mapping[str, Vessel]) -> dict[str, list[State]]:
    """Return the samples of vessels as their source holds them, unchecked: to know the cultures among past runs."""
    from perfusio.errors import EndOfRun

    found: dict[str, list[State]] = {name: [] for name in vessels}
    for name, vessel in vessels.items():
        with suppress(EndOfRun):
            while True:
                found[name].append(await vessel.connector.read_sample())
    return found
