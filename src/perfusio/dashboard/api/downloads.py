"""Routes that give files: what leaves the page leaves with its units."""

from __future__ import annotations

import csv
from io import StringIO

from fastapi import APIRouter
from fastapi.responses import Response

from perfusio.dashboard.api.access import ERRORS, TheRun, Viewer
from perfusio.dashboard.runs.followed import FollowedRun

router = APIRouter(prefix="/api/v1/runs", tags=["downloads"], responses=ERRORS)
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
            values = [getattr(state, s.name) for s in panel.species] + [*setpoints.by_name().values()]
            write([_text(vessel), f"{state.time_h:.10g}", *("" if v != v else f"{v:.10g}" for v in values)])
    return out.getvalue()


def _text(text: str) -> str:
    """Return a text that no spreadsheet runs as a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
