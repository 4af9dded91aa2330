"""`perfusio report`: a run as one page, for people who were not there."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.models.history import refuse_to_replace
from perfusio.cli.options import OverwriteOption
from perfusio.cli.record.place import record_in
from perfusio.errors import ChainBroken, PerfusioError

if TYPE_CHECKING:
    from perfusio.notify.notifier import Notifier
    from perfusio.report.page.morning import MorningPage
    from perfusio.report.story.run_story import RunStory


def report(
    run: Annotated[Path, typer.Argument(help="The folder of a run, or its audit.jsonl.", metavar="RUN")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The page; default report.html beside the record.")
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Also draw forecast.png, and one of each vessel, into this folder.")
    ] = None,
    notify: Annotated[
        Path | None,
        typer.Option(help="Send it as the morning's page by the channels of this file, or of an experiment.toml."),
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Write a run, finished or not, as one page that needs no network and can be printed or mailed.

    It holds the verdict on the record with its head, each vessel against the aim, its samples, forecasts and setpoints,
    decisions with their reasons, alarms, who did what, and how good the forecasts were.

    Exit code 0: written. 1: the mail was not delivered. 3: the record cannot be read. 4: the record is broken; the page
    shows the run up to there.
    """
    from perfusio.cli.experiment_file.notification import notifier
    from perfusio.report.lines import counted
    from perfusio.report.page.report import told_with_verdict, write_page

    record = record_in(run)
    page = out or record.with_name("report.html")
    people = notifier(notify)
    if out is not None:
        refuse_to_replace([page], overwrite=overwrite)
    story, verdict = told_with_verdict(record)
    places = {} if figures is None else _places(story, figures)
    refuse_to_replace(list(places.values()), overwrite=overwrite)
    write_page(story, verdict, page)
    echo(f"{page}: run {story.run_id}, {counted(len(story.vessels), 'vessel')}, record {verdict.words}")
    if figures is not None:
        _draw(story, places)
    if people is not None:
        from perfusio.report.page.morning import page_of_morning

        _send(page_of_morning(story, verdict, datetime.now().astimezone()), people)
    if not verdict.is_intact:
        raise typer.Exit(ChainBroken.exit_code)


def _places(story: RunStory, folder: Path) -> dict[str | None, Path]:
    """Return the files of the figures: that of the run, and one of each vessel where there are several."""
    from perfusio.texts import as_file_name

    places: dict[str | None, Path] = {None: folder / "forecast.png"}
    if len(story.vessels) > 1:
        places |= {name: folder / f"forecast-{as_file_name(name)}.png" for name in story.vessels}
    return places


def _draw(story: RunStory, places: dict[str | None, Path]) -> None:
    from perfusio.report.forecast_plot import plot_story

    blank = list[str]()
    for name, place in places.items():
        if plot_story(story, place, reactor=name):
            echo(f"{place}")
        elif name is not None:
            blank.append(name)
    if not any(vessel.kept for vessel in story.vessels.values()):
        echo("No figure: no forecast is on record yet.", err=True)
    elif blank:
        echo(f"No figure of {', '.join(blank)}: no forecast of it is on record yet.", err=True)


def _send(page: MorningPage, people: Notifier) -> None:
    """Send the morning's page now."""
    people.send(page)
    people.close()
    for failure in people.failures:
        echo(f"Not delivered: {failure}", err=True)
    if people.failures:
        raise typer.Exit(PerfusioError.exit_code)
    echo(f"Sent: {page.subject}")
