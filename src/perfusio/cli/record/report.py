"""`perfusio report`: a run as one page, for people who were not there."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.models.history import refuse_to_replace
from perfusio.cli.options import OverwriteOption
from perfusio.errors import ChainBroken, PerfusioError


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

    Exit code 0: written. 3: the record cannot be read. 4: the record is broken; the page shows the run up to there.
    """
    from perfusio.report.forecast_plot import plot_story
    from perfusio.report.page.content import verdict_on
    from perfusio.report.page.report import told_as_far_as_good, write_page
    from perfusio.texts import as_file_name

    record = run / "audit.jsonl" if run.is_dir() else run
    page = out or record.with_name("report.html")
    if out is not None:
        refuse_to_replace([page], overwrite=overwrite)
    story, verdict = told_as_far_as_good(record), verdict_on(record)
    write_page(story, verdict, page)
    echo(f"{page}: run {story.run_id}, {len(story.vessels)} vessel(s), record {verdict.words}")
    if figures is not None:
        places: dict[str | None, Path] = {None: figures / "forecast.png"}
        if len(story.vessels) > 1:
            places |= {name: figures / f"forecast-{as_file_name(name)}.png" for name in story.vessels}
        refuse_to_replace(list(places.values()), overwrite=overwrite)
        for name, place in places.items():
            if plot_story(story, place, reactor=name):
                echo(f"{place}")
    if notify is not None:
        _send(record, notify)
    if not verdict.is_intact:
        raise typer.Exit(ChainBroken.exit_code)


def _send(record: Path, notify: Path) -> None:
    """Send the morning's page now."""
    from perfusio.cli.experiment_file.notification import notifier
    from perfusio.report.page.morning import morning_page

    people = notifier(notify)
    assert people is not None
    page = morning_page(record, datetime.now().astimezone())
    people.send(page)
    people.close()
    for failure in people.failures:
        echo(f"Not delivered: {failure}", err=True)
    if people.failures:
        raise typer.Exit(PerfusioError.exit_code)
    echo(f"Sent: {page.subject}")
