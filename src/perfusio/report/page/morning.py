"""The morning's page: what a person wants to know before the first coffee, as a mail with pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from perfusio.report.drawing.figures import png_bytes
from perfusio.report.forecast_plot import run_figure
from perfusio.report.lines import counted
from perfusio.report.page import content
from perfusio.report.page.report import page_of, rendered, state_in_words, told_with_verdict
from perfusio.report.story.run_story import RunStory

MOST_PICTURES = 4
"""The run, and up to three vessels with an active alarm."""
DPI, MOST_COLUMNS = 80, 3
"""As wide as the page: a mail program shrinks a wider picture until nobody can read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MorningPage:
    """The page as a mail carries it.

    Attributes:
        subject: One line, with the date.
        text: All that matters, as text.
        html: The same as HTML; pictures are named ``cid:NAME``.
        pictures: PNG files by name.
        attachments: The whole report, by name.
    """

    subject: str
    text: str
    html: str
    pictures: Sequence[tuple[str, bytes]]
    attachments: Sequence[tuple[str, bytes]]


def heading(day: str) -> str:
    """Return how the subject of the page of a day begins; by it a page that was sent is known in the record."""
    return f"[perfusio] morning page {day}"


def morning_page(record: Path, now: datetime) -> MorningPage:
    """Return the page of a run as it stands.

    Args:
        record: Its `audit.jsonl`.
        now: Wall time, with its zone.

    Raises:
        AuditError: the record cannot be read.
        ChainBroken: not even its first line is good.
    """
    return page_of_morning(*told_with_verdict(record), now)


def page_of_morning(story: RunStory, verdict: content.RecordVerdict, now: datetime) -> MorningPage:
    """Return the page of a run whose record was verified; see `morning_page`."""
    active = [a for a in story.alarms if not a.ended]
    pictures = list(_pictures(story, [a.place.reactor for a in active if a.place.reactor]))
    alarms = counted(len(active), "active alarm") if active else "no active alarm"
    summary = content.summary(story)
    html = rendered(
        "morning.html.j2", story=story, verdict=verdict, state=state_in_words(story), aim=content.aim_words(story),
        summary=summary, active=active, pictures=[name for name, _ in pictures], alarms=alarms,
    )  # fmt: skip
    return MorningPage(
        subject=f"{heading(now.strftime('%Y-%m-%d'))}: run {story.run_id}, {alarms}",
        text="\n".join(_text(story, verdict, summary)),
        html=html,
        pictures=pictures,
        attachments=[(f"report-{story.run_id}.html", page_of(story, verdict, now=now).encode("utf-8"))],
    )


def _pictures(story: RunStory, alarmed: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    wanted: list[str | None] = [None]
    if len(story.vessels) > 1:
        wanted += list(dict.fromkeys(alarmed))[: MOST_PICTURES - 1]
    for number, name in enumerate(wanted, start=1):
        figure = run_figure(story, reactor=name, most_columns=MOST_COLUMNS)
        if figure is not None:
            yield f"figure{number}.png", png_bytes(figure, dpi=DPI)


def _text(story: RunStory, verdict: content.RecordVerdict, summary: content.ReportTable) -> Iterator[str]:
    yield f"Run {story.run_id}. {state_in_words(story)}"
    yield f"Aim: {content.aim_words(story)}."
    yield f"Record: {verdict.words}; head {verdict.head}."
    yield ""
    for row in summary.rows:
        cells = dict(zip(summary.head, row, strict=True))
        yield (
            f"{cells['vessel']} day {cells['culture day']}, {cells['mode']}: {cells['aim']}: latest {cells['latest']}, "
            f"mean of the last days {cells[summary.head[6]]}."
        )
    active = [a for a in story.alarms if not a.ended]
    yield ""
    yield "Active alarms:" if active else "No active alarm."
    for alarm in active:
        yield f"  {alarm.place.reactor or 'run'} {alarm.name}: {alarm.text} {alarm.response}".rstrip()
    yield ""
    yield "The whole report is attached; the same page comes from: perfusio report RUN."
