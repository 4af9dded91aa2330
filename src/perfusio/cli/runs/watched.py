"""A run with a person watching: told while it runs, stopped with Ctrl-C, drawn and verified at its end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from threading import current_thread, main_thread
from typing import TYPE_CHECKING

from perfusio.cli.echo import echo
from perfusio.errors import ChainBroken, PerfusioError, RecordInUse, VesselTaken

if TYPE_CHECKING:
    from datetime import time

    from perfusio.config import DesignSpace, RunConfig
    from perfusio.notify.notifier import Notifier
    from perfusio.protocols import Model, Policy
    from perfusio.twin.announce import Observer
    from perfusio.twin.digital_twin import DigitalTwin
    from perfusio.twin.outcome import Outcome, RunResult
    from perfusio.twin.vessels import Source


class Stopped(PerfusioError):
    """The program was stopped with Ctrl-C; the exit code follows the convention of shells."""

    exit_code = 130


class Terminated(PerfusioError):
    """The program was told to end (SIGTERM); the exit code follows the convention of shells."""

    exit_code = 143


def run_watched(
    connector: Source,
    config: RunConfig,
    *,
    design_space: DesignSpace | None = None,
    observers: tuple[Observer, ...] = (),
    close: Callable[[], Awaitable[None]] | None = None,
    people: Notifier | None = None,
    daily: time | None = None,
    first: str = "",
    goes_on: bool = False,
    stands_in: bool = False,
    model: Model | None = None,
    policy: Policy | None = None,
) -> RunResult:
    """Run a twin and tell it; `forecast.png` and `report.html` go beside the record.

    Args:
        connector: The vessels.
        config: Settings of the run.
        design_space: Allowed setpoints; None = those of the process.
        observers: Told of every event, beside the person.
        close: Ends the connection to the source, however the run ended; None = there is none to end.
        people: Who tells people that are not here; undelivered alarms are listed at the end.
        daily: Local hour at which `people` get the morning's page; None = never.
        first: Lines before all others; empty = none.
        model: Belief at the start of a new run; None = the mechanistic prior.
        goes_on: Whether to resume the unfinished run in `config.run_dir`.
        stands_in: Whether to do that in the place of the twin, by the model-free MPC.
        policy: Chooses setpoints; None = BEDPolicy.

    Raises:
        PerfusioError: as `DigitalTwin.run`.
        Stopped: by Ctrl-C.
        Terminated: by SIGTERM.
    """
    from perfusio.cli.runs.daily_page import DailyPage
    from perfusio.cli.runs.live import Live
    from perfusio.config import DesignSpace
    from perfusio.report.lines import Line
    from perfusio.twin.digital_twin import DigitalTwin
    from perfusio.twin.fallback import standing_in
    from perfusio.twin.loop.ending import GivenBack

    record = config.run_dir.resolve() / "audit.jsonl"
    pages = DailyPage(record, daily, people) if daily is not None and people is not None else None
    try:
        with Live(config.n_turns, config.run_dir) as live:
            if first:
                live.say(Line(first))
            beside = [one for one in (people, pages) if one is not None]
            told = (live, *observers, *beside)
            if stands_in:
                twin = standing_in(config.run_dir, connector=connector, observers=told)
            elif goes_on:
                twin = DigitalTwin.resume(config.run_dir, connector=connector, policy=policy, observers=told)
            else:
                twin = DigitalTwin(
                    connector=connector,
                    design_space=design_space or DesignSpace.of(config.process),
                    run_config=config,
                    model=model,
                    policy=policy,
                    observers=told,
                )
            result = asyncio.run(_run_and_close(twin, close))
    except (KeyboardInterrupt, asyncio.CancelledError) as end:
        stopped: type[PerfusioError] = Stopped if isinstance(end, KeyboardInterrupt) else Terminated
        by = "Stopped by Ctrl-C" if stopped is Stopped else "Stopped by a signal"
        if not record.exists():
            raise stopped(f"{by} before the run began: nothing was written.") from None
        raise stopped(
            f"{by}: nothing more is written to any vessel. The run is not over: perfusio resume {config.run_dir} goes "
            f"on with it, perfusio stop {config.run_dir} ends it."
        ) from None
    except Exception as error:
        is_in_good_hands = isinstance(error, GivenBack | RecordInUse | VesselTaken)
        if people is not None and record.exists() and not is_in_good_hands:
            people.say("the run has died", f"{error} Nothing is written to any vessel. To go on: perfusio resume.")
        raise
    finally:
        if pages is not None:
            pages.close()
        if people is not None:
            people.close()
            for failure in dict.fromkeys(people.failures):
                echo(f"Not delivered: {failure}", err=True)
    _finish(record)
    return result


def wait_for_names(source: Source) -> None:
    """Wait for the first row of a source whose rows name its vessels: models, limits and files are chosen by name.

    Raises:
        ConnectorError: the source cannot be used.
        Stopped: by Ctrl-C.
    """
    from perfusio.cli.runs.live import Live
    from perfusio.clock import SystemClock
    from perfusio.protocols import NamedByRows, able
    from perfusio.twin.loop.first_rows import first_rows

    named = able(source, NamedByRows)
    if named is None:
        return
    try:
        with Live(0) as live:
            asyncio.run(first_rows(named, SystemClock(), live))
    except KeyboardInterrupt:
        raise Stopped("Stopped by Ctrl-C before the run began: nothing was written.") from None


async def _run_and_close(twin: DigitalTwin, close: Callable[[], Awaitable[None]] | None) -> RunResult:
    run = asyncio.ensure_future(twin.run())
    if current_thread() is main_thread():  # signals come to no other
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, run.cancel)
    try:
        return await run
    finally:
        run.cancel()
        if close is not None:
            await close()


def exit_code(outcome: Outcome) -> int:
    """Return 0 for a run that ended as it should: at its planned length, with its source, or by a person's word."""
    return 0 if outcome.name in ("COMPLETED", "SOURCE_EXHAUSTED", "STOPPED") else PerfusioError.exit_code


def _finish(record: Path) -> None:
    """Verify the record, draw it, write the report, say where they are; pack a run that has ended (`bundle-*.zip`).

    Raises:
        AuditError: the record cannot be read.
        ChainBroken: it was changed; all that is good was drawn and told.
    """
    from perfusio.record.bundle import write_bundle
    from perfusio.report.forecast_plot import plot_story
    from perfusio.report.page.report import told_with_verdict, write_page

    story, verdict = told_with_verdict(record)
    state = verdict.words if verdict.is_intact else f"BROKEN: {verdict.problems[0]}"
    echo(f"{'Record:':8}{record} ({state})")
    echo(f"{'':8}Check it any time: perfusio verify {record}")
    picture = record.with_name("forecast.png")
    if plot_story(story, picture):
        echo(f"{'Figure:':8}{picture}")
    page = record.with_name("report.html")
    try:
        write_page(story, verdict, page)
    except PerfusioError as error:
        echo(f"There is no report: {error} Later: perfusio report {record.parent}", err=True)
    else:
        echo(f"{'Report:':8}{page}")
    if verdict.is_intact and story.ended is not None:
        try:
            write_bundle(record.parent)
        except PerfusioError as error:
            echo(f"The run is not packed: {error} Later: perfusio bundle {record.parent}", err=True)
    if not verdict.is_intact:
        words = f"{record} was changed: {verdict.problems[0]}. perfusio verify {record} lists all that is wrong."
        raise ChainBroken(words, line=verdict.broken_at)
