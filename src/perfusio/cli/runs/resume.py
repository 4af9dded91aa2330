"""`perfusio resume`: go on with a run that was cut off. How its source was opened stands beside the record."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from perfusio.cli.echo import echo
from perfusio.cli.experiment_file.notification import NotifyOption
from perfusio.cli.operators.hold import RunFolder
from perfusio.errors import AuditError, ConfigError, PerfusioError
from perfusio.record.places import from_run, url_from_run, whole, whole_url

if TYPE_CHECKING:
    from perfusio.cli.experiment_file.experiment import Experiment
    from perfusio.cli.runs.told import PeopleFile, Telling
    from perfusio.events import Event
    from perfusio.twin.announce import Observer

FILE = "source.json"
PEOPLE = "people"
"""Entry of that file that says from which file people are told."""


def resume(
    run: RunFolder,
    source: Annotated[
        str | None,
        typer.Option(help="Where the same samples are now: the file or folder that was moved, or its URL."),
    ] = None,
    notify: NotifyOption = None,
) -> None:
    """Go on with an unfinished run: after a crash, a kill or a power cut.

    All orders, samples, decisions and writes stand in its record. A write that was cut short is settled by reading the
    vessel; days that have passed meanwhile are put on record as missed, and nothing is written for them. A source that
    was moved is named with --source; it must hold the samples that were read before. People are told by the file that
    named them before, read anew, or by the one of --notify. A fallback that holds the vessels meanwhile gives them
    back first.
    """
    import asyncio

    from perfusio.twin.fallback import take_back

    if asyncio.run(take_back(run)):
        echo("The fallback has given the vessels back.")
    go_on(run, source, notify)


def go_on(
    run_dir: Path, source: str | None, notify: Path | None, *, otherwise: PeopleFile | None = None,
    stands_in: bool = False,
) -> NoReturn:  # fmt: skip
    """Go on with an unfinished run to its end, then exit.

    Args:
        run_dir: Folder of the run.
        source: Where the same samples are now, if they were moved.
        notify: File of the people to be told; None = the one of before.
        otherwise: People to be told if the run has named nobody so far.
        stands_in: Whether this program holds the vessels in the place of the twin.

    Raises:
        PerfusioError: as `kept_source` and `run_watched`; the file of `notify` cannot be used.
    """
    from perfusio.cli.experiment_file.experiment import chosen, opened
    from perfusio.cli.runs.watched import exit_code, run_watched

    asked = kept_source(run_dir, source)
    told, telling = _telling(run_dir, notify, otherwise)
    whole = opened(asked)
    news = ({} if source is None else source_of(asked)) | ({} if told is None else {PEOPLE: told.kept(run_dir)})
    observers = (keeper(run_dir, {**_kept(run_dir), **news}),) if news else ()
    result = run_watched(
        chosen(asked, whole), asked.run, close=getattr(whole, "close", None), people=telling.notifier, goes_on=True,
        daily=telling.daily, first=telling.line, observers=observers, stands_in=stands_in,
    )  # fmt: skip
    raise typer.Exit(exit_code(result.outcome))


def _telling(run_dir: Path, notify: Path | None, otherwise: PeopleFile | None) -> tuple[PeopleFile | None, Telling]:
    """Return the people to be told from now on, if they are others than before, and how they are told."""
    from perfusio.cli.runs.told import PeopleFile, Telling, channels_down, nobody, people_of, told_before
    from perfusio.twin.resume import outline

    down, before, why = channels_down(outline(run_dir).run_state.alarms), None, None
    kept = _kept(run_dir).get(PEOPLE)
    try:
        before = None if kept is None else told_before(run_dir, kept)
    except PerfusioError as error:
        why = error
    if notify is not None:
        told = PeopleFile(file=notify, daily=None if before is None else before.daily)
        return told, people_of(told, down)
    if kept is None:
        return otherwise, Telling() if otherwise is None else people_of(otherwise, down)
    if before is not None:
        try:
            return None, people_of(before, down)
        except PerfusioError as error:  # the vessel comes first: the run goes on, and says so
            why = error
    assert why is not None
    return None, nobody(run_dir, why, down)


def is_to_go_on(run_dir: Path) -> bool:
    """Ask the person, if there is one, whether an unfinished run in a folder is to go on; nobody there means no."""
    from perfusio.twin.resume import outline

    if not is_somebody_there():
        return False
    try:
        known = outline(run_dir)
    except PerfusioError:  # nothing to go on with; what else is in the folder is judged when it is written to
        return False
    state = known.run_state
    echo(
        f"{run_dir} holds the unfinished run {state.run_id}: turn {state.today.turn}, {state.n_samples} samples. Going "
        "on with it takes its settings from its record, not from this command."
    )
    return typer.confirm("Go on with it?")


def is_somebody_there() -> bool:
    """Whether a question can be answered."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def keeper(run_dir: Path, entries: Mapping[str, Any]) -> Observer:
    """Return an observer that keeps entries beside the record, once the run has begun.

    Args:
        run_dir: Folder of the run.
        entries: All of `source.json`: those of `source_of`, and `PEOPLE`.
    """
    from perfusio.events import RunResumed, RunStarted

    def keep(event: Event) -> None:
        if isinstance(event, RunStarted | RunResumed):
            _keep(run_dir, entries)

    return keep


def source_of(experiment: Experiment) -> dict[str, Any]:
    """Return how the source of an experiment is opened, as it is kept: without secrets, places as seen from the run."""
    from perfusio.cli.experiment_file.connections import kind_named, without_secret

    run_dir = experiment.run.run_dir
    kind = str(experiment.settings["connector", "kind"].value)
    settings: dict[str, Any] = experiment.connector.model_dump(mode="json")
    for name in kind_named(kind).paths:
        if settings.get(name) is not None:
            settings[name] = from_run(run_dir, settings[name])
    for name in {"url", "endpoint"} & settings.keys():
        settings[name] = without_secret(settings[name])
    if "url" in settings:
        settings["url"] = url_from_run(run_dir, settings["url"])
    vessels = [v.model_dump(mode="json") for v in experiment.vessels]
    has_own_place = experiment.settings["run", "run_dir"].origin != "default"
    return {"kind": kind, "connector": settings, "vessels": vessels, "has_own_place": has_own_place}


def _keep(run_dir: Path, entries: Mapping[str, Any]) -> None:
    """Write all entries in one step."""
    draft = run_dir / f".{FILE}.{os.getpid()}"
    try:
        draft.write_text(json.dumps(entries, indent=1))
        draft.replace(run_dir / FILE)
    except OSError as error:
        raise AuditError(
            f"{run_dir / FILE} cannot be written: {error.strerror}. Without it the run could not be gone on with after "
            "a crash. Mend the disk, then start again."
        ) from error


def _kept(run_dir: Path) -> dict[str, Any]:
    """Return all entries.

    Raises:
        ConfigError: they cannot be read.
    """
    try:
        return dict(json.loads((run_dir / FILE).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(_unknown(run_dir, error)) from error


def _unknown(run_dir: Path, error: Exception) -> str:
    return (
        f"{run_dir / FILE} does not say how the vessels are reached ({type(error).__name__}: {error}). Runs that "
        "were begun in Python go on in Python: DigitalTwin.resume(run_dir, connector=...)."
    )


def kept_source(run_dir: Path, source: str | None = None) -> Experiment:
    """Return the experiment of an unfinished run: settings from its record, source as it was opened before.

    Args:
        run_dir: Folder of the run.
        source: Where the same samples are now, if they were moved.

    Raises:
        AuditError: there is no unfinished run.
        ConfigError: how its source is opened is not known, or it cannot be opened again.
    """
    from perfusio.cli.experiment_file.connections import kind_named
    from perfusio.cli.experiment_file.experiment import Experiment, vessel_settings
    from perfusio.cli.experiment_file.policy import PolicySettings
    from perfusio.cli.experiment_file.settings import DEFAULT, Setting
    from perfusio.twin.resume import outline

    known = outline(run_dir)
    kept = _kept(run_dir)
    try:
        kind, settings = str(kept["kind"]), dict(kept["connector"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(_unknown(run_dir, error)) from error
    if kind == "simulated":
        raise ConfigError("The vessels of this run were simulated and ended with the program: nothing to go on with.")
    for name in kind_named(kind).paths:
        if settings.get(name) is not None:  # older runs kept whole paths, which stay what they are
            settings[name] = str(whole(run_dir, settings[name]))
    if "url" in settings:
        settings["url"] = whole_url(run_dir, settings["url"])
    if source is not None:
        place = next((name for name in ("path", "url", "endpoint") if name in settings), None)
        if place is None:
            raise ConfigError(f"--source {source}: vessels of kind {kind} have no place that could have moved.")
        settings[place] = os.path.abspath(Path(source).expanduser()) if place == "path" else source
    elif "url" in settings and (url := os.environ.get("PERFUSIO_CONNECTOR_URL")):
        settings["url"] = url  # it may hold a password, which is not kept
    origin = FILE if kept.get("has_own_place") else DEFAULT
    return Experiment(
        run=known.config,
        design_space=known.design_space,
        connector=kind_named(kind).settings(**settings),
        policy=PolicySettings(),
        vessels=tuple(vessel_settings(v, known.config.process) for v in kept["vessels"]),
        settings={("run", "run_dir"): Setting(str(run_dir), origin), ("connector", "kind"): Setting(kind, FILE)},
    )
