"""The report of a run as one page: everything in it, nothing fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from perfusio.errors import AuditError, ChainBroken
from perfusio.installed import __version__
from perfusio.report.lines import counted
from perfusio.report.page import content
from perfusio.report.page.svg import LEGEND, STYLE, panel_svg
from perfusio.report.story.curves import Panels
from perfusio.report.story.run_story import RunStory, StoryTeller, VesselStory
from perfusio.tables.cells.csv_files import replace_file

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_IN_OVERVIEW = 99


def report_html(record: Path, *, now: datetime | None = None) -> str:
    """Return the report of a run, finished or not.

    A record that was changed is told up to the first line that was, and the page says so at its head.

    Args:
        record: Its `audit.jsonl`.
        now: Wall time of the report; default the clock of the machine.

    Raises:
        AuditError: the record cannot be read.
        ChainBroken: not even its first line is good.
    """
    return page_of(*told_with_verdict(record), now=now)


def write_page(story: RunStory, verdict: content.RecordVerdict, out: Path, *, now: datetime | None = None) -> None:
    """Write the page of a run whose record was verified, whole or not at all.

    Raises:
        AuditError: it cannot be written.
    """
    page = page_of(story, verdict, now=now)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        replace_file(out, page.encode("utf-8"))
    except OSError as error:
        raise AuditError(f"{out} cannot be written: {error.strerror}. Choose another place.") from error


def told_with_verdict(record: Path) -> tuple[RunStory, content.RecordVerdict]:
    """Return the run in a record up to the first line that was changed, and the verdict on it, from one reading.

    The record of a run that goes on grows between two readings; so the head on a page is that of its numbers.

    Raises:
        AuditError: the record cannot be read.
        ChainBroken: not even its first line is good.
    """
    teller = StoryTeller()
    verdict = content.verdict_on(record, take=teller.take)
    story = teller.story()
    if story.started is None:
        raise ChainBroken(
            f"{record}, {verdict.problems[0]}. No line before it tells a run; perfusio verify {record} lists all that "
            "is wrong.",
            line=verdict.broken_at,
        )
    return story, verdict


def page_of(story: RunStory, verdict: content.RecordVerdict, *, now: datetime | None = None) -> str:
    """Return the page of a run whose record was verified."""
    from markupsafe import Markup

    panels, many = Panels(story), len(story.vessels) > 1
    return rendered(
        "report.html.j2",
        story=story,
        verdict=verdict,
        state=state_in_words(story),
        aim=content.aim_words(story),
        n_vessels=counted(len(story.vessels), "vessel"),
        days=f"{story.days:g}",
        interval=f"{story.interval_h:g}",
        first=story.first_ts[:16].replace("T", " "),
        last=story.last_ts[:16].replace("T", " "),
        made=(now or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        version=__version__,
        style=Markup(STYLE),
        legend=LEGEND,
        many=many,
        overview=list(_overview(panels)) if many else [],
        charts=lambda vessel: list(_charts(panels, vessel)),
        summary=content.summary(story),
        limits=content.limits(story),
        alarms=content.alarms(story),
        acts=content.acts(story),
        forecasts=content.forecasts(story),
        models=content.models(story),
        troubles=content.troubles(story),
        vessels=[content.vessel_part(story, vessel) for vessel in story.vessels.values()],
        sources=content.sources(story),
    )


def rendered(template: str, **values: object) -> str:
    """Return a template of this folder with values in it; texts are escaped, drawings escape their own."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("perfusio.report.page", "."), autoescape=True, undefined=StrictUndefined,
        finalize=_printable,
    )  # fmt: skip
    return environment.get_template(template).render(**values)


def state_in_words(story: RunStory) -> str:
    """Return whether the run goes on, and how it ended."""
    days = [v.now_h / 24.0 for v in story.vessels.values() if v.known.states]
    day = f"culture day {max(days):g}" if days else "no sample yet"
    if story.ended is None:
        return f"The run has not ended ({day})."
    return f"{story.ended.reason} ({story.ended.outcome}, {day}.)"


def _overview(panels: Panels) -> Iterator[Markup]:
    """Yield a panel per vessel of the quantity that is aimed at, on one scale."""
    from dataclasses import replace

    from markupsafe import Markup

    from perfusio.report.forecast_plot import aimed

    name = aimed(panels.story)[0]
    curves = [panels.species(v, name) for v in panels.story.vessels.values() if v.known.states]
    if not curves:
        return
    ends = min(c.value_ends[0] for c in curves), max(c.value_ends[1] for c in curves)
    for one in curves[:MOST_IN_OVERVIEW]:
        shared = replace(one, value_ends=ends)
        yield Markup(panel_svg(shared, heading=f"{one.vessel}: {one.label}"))


def _charts(panels: Panels, vessel: VesselStory) -> Iterator[Markup]:
    from markupsafe import Markup

    if not vessel.known.states:
        return
    for name in (*vessel.panel.species_names, *panels.signals(vessel)):
        yield Markup(panel_svg(panels.species(vessel, name)))
    for name in vessel.panel.setpoint_names:
        yield Markup(panel_svg(panels.setpoint(vessel, name)))


def _printable(value: object) -> object:
    """Keep control characters, and marks that turn the direction of writing, out of the page."""
    if type(value) is not str:  # a Markup is one of our own
        return value
    return "".join(c if c.isprintable() else " " for c in value)
