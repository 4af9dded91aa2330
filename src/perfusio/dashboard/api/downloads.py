"""Routes that give files: what leaves the page leaves with its units."""

from __future__ import annotations

import csv
from collections.abc import Callable
from io import StringIO
from threading import Lock
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path
from fastapi.responses import Response

from perfusio.dashboard.api.access import ERRORS, TheRun, TheShelf, Viewer, vessel_named
from perfusio.dashboard.runs.followed import FollowedRun
from perfusio.errors import ConfigError, UnknownQuantity
from perfusio.record.line import Record
from perfusio.report.out.downloads import MEDIA, chart_file, samples_file
from perfusio.report.out.metrics import metrics_text
from perfusio.report.page.report import page_of, told_with_verdict
from perfusio.report.story.run_story import RunStory, StoryTeller

router = APIRouter(prefix="/api/v1/runs", tags=["downloads"], responses=ERRORS)
machines = APIRouter(tags=["downloads"], responses=ERRORS)
"""Routes at the place where other programs look for them."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@router.get(
    "/{run}/samples.csv", response_class=Response,
    responses={200: {"description": "A table.", "content": {"text/csv": {"schema": {"type": "string"}}}}},
)  # fmt: skip
def samples_csv(_: Viewer, run: TheRun) -> Response:
    """All samples as the twin knows them, each with the setpoints in force from it on, as CSV."""
    with run.lock:
        text = as_csv(run)
    name = f"{run.name}-samples.csv".encode("ascii", "replace").decode().replace('"', "_")
    return Response(text, media_type="text/csv", headers={"Content-Disposition": f'attachment; filename="{name}"'})


def as_csv(run: FollowedRun) -> str:
    """Return the samples of a run as a table that `perfusio import` reads."""
    panel, out = run.panel, StringIO()
    write = csv.writer(out).writerow
    write(["reactor", "time [h]", *(f"{q.name} [{q.unit}]" for q in (*panel.species, *panel.setpoints))])
    for vessel, one in run.state.trajectories.items():
        after = [*one.setpoints, run.state.in_force[vessel]][: len(one.states)]
        for state, setpoints in zip(one.states, after, strict=True):
            values = {s.name: getattr(state, s.name) for s in panel.species} | setpoints.by_name()
            shown = ["" if v != v else repr(panel[n].as_written(v)) for n, v in values.items()]
            write([_text(vessel), f"{state.time_h:.10g}", *shown])
    return out.getvalue()


def _text(text: str) -> str:
    """Return a text that no spreadsheet runs as a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _file_of(kinds: tuple[str, ...], about: str) -> dict[int | str, dict[str, object]]:
    """Return the answer of a route that gives a file, for the description of the interface."""
    content = {MEDIA[kind].partition(";")[0]: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    return {200: {"description": about, "content": content}}


@router.get(
    "/{run}/samples.{ending}", response_class=Response, responses=_file_of((".xlsx", ".parquet", ".nc"), "The samples.")
)
def samples_as(_: Viewer, run: TheRun, ending: Literal["xlsx", "parquet", "nc"]) -> Response:
    """All samples and the setpoints in force from each on, as Excel, Parquet or NetCDF."""
    return _given(run, "samples", f".{ending}", lambda: samples_file(story_of_followed(run), f".{ending}"))


@router.get(
    "/{run}/charts/{vessel}/{quantity}.{ending}", response_class=Response,
    responses=_file_of((".svg", ".png", ".csv", ".xlsx"), "The panel."),
)  # fmt: skip
def chart_as(
    _: Viewer, run: TheRun, vessel: str, quantity: Annotated[str, Path(max_length=80)],
    ending: Literal["svg", "png", "csv", "xlsx"],
) -> Response:  # fmt: skip
    """One panel of one vessel as a picture, or the numbers that are drawn in it."""
    name = vessel_named(run, vessel)
    kind = f".{ending}"
    return _given(run, f"{name}-{quantity}", kind, lambda: chart_file(story_of_followed(run), name, quantity, kind))


@router.get(
    "/{run}/report.html", response_class=Response,
    responses={200: {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}}},
)  # fmt: skip
def report_page(_: Viewer, run: TheRun) -> Response:
    """The report of the run as one page that needs no network, as a file."""
    page = page_of(*told_with_verdict(run.path))
    return _attached(page.encode("utf-8"), f"{run.name}-report.html", "text/html; charset=utf-8")


@machines.get(
    "/metrics", response_class=Response,
    responses={200: {"description": "Metrics.", "content": {"text/plain": {"schema": {"type": "string"}}}}},
)  # fmt: skip
def metrics(_: Viewer, shelf: TheShelf) -> Response:
    """Metrics of all runs for Prometheus; its scrape_config brings a token of a viewer."""
    stories = [story_of_followed(run) for run in shelf.runs.values() if run.has_begun and not run.fault]
    try:
        return Response(metrics_text(*stories), media_type=MEDIA[".prom"])
    except ConfigError as error:
        raise HTTPException(503, str(error)) from error


class _Told:
    """The story of one run so far, and how many of its rows it has taken in."""

    def __init__(self, first: str) -> None:
        self.first, self.n, self.teller = first, 0, StoryTeller()
        self.lock = Lock()


_TOLD: dict[str, _Told] = {}
_TELLING = Lock()


def story_of_followed(run: FollowedRun) -> RunStory:
    """Return the story of a followed run; only records that came since the last call are taken in."""
    with run.lock:
        rows, panel = list(run.rows), run.panel
    first = str(run.record(rows[0])["hash"])
    with _TELLING:
        told = _TOLD.get(str(run.path))
        if told is None or told.first != first or told.n > len(rows):
            told = _TOLD[str(run.path)] = _Told(first)
    with told.lock:
        for row in rows[told.n :]:
            told.teller.take(Record.of_fields(run.record(row)).of_process(panel))
            told.n += 1
        return told.teller.story()


def _given(run: FollowedRun, what: str, ending: str, make: Callable[[], bytes]) -> Response:
    try:
        content = make()
    except UnknownQuantity as error:
        raise HTTPException(404, str(error)) from error
    except ConfigError as error:
        raise HTTPException(503, str(error)) from error
    return _attached(content, f"{run.name}-{what}{ending}", MEDIA[ending])


def _attached(content: bytes, name: str, media: str) -> Response:
    plain = name.encode("ascii", "replace").decode().replace('"', "_")
    return Response(content, media_type=media, headers={"Content-Disposition": f'attachment; filename="{plain}"'})
