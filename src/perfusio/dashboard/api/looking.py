"""Routes that show: runs, vessels, decisions, alarms, the model, the record, samples, comparisons."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query

from perfusio.dashboard.api.access import ERRORS, TheRun, TheShelf, TheSite, Viewer, vessel_named
from perfusio.dashboard.views import alarms as alarm_view
from perfusio.dashboard.views import compare, decisions, model, overnight, record, rig, samples, vessel
from perfusio.errors import ConfigError

router = APIRouter(prefix="/api/v1/runs", tags=["looking"], responses=ERRORS)
Json = dict[str, Any]
Word = Annotated[str, Query(max_length=200)]
Seq = Annotated[int, Query(ge=0, le=10**12)]


def _now() -> datetime:
    return datetime.now(UTC)


@router.get("")
def runs(_: Viewer, shelf: TheShelf) -> list[Json]:
    """List the runs."""
    found = []
    for run in shelf.runs.values():
        with run.lock:
            found.append(rig.head(run))
    return found


@router.get("/{run}")
def rig_of_run(_: Viewer, run: TheRun) -> Json:
    """Tiles of all vessels, the most urgent first."""
    with run.lock:
        return rig.rig(run, _now())


@router.get("/{run}/vessels/{vessel_name:path}")
def vessel_of_run(_: Viewer, run: TheRun, vessel_name: str) -> Json:
    """One vessel: measurements, setpoints, forecasts, earlier forecasts against what came, events."""
    with run.lock:
        return vessel.vessel_page(run, vessel_named(run, vessel_name), _now())


@router.get("/{run}/decisions")
def decisions_of_run(
    _: Viewer, run: TheRun, vessel: Word = "", is_open: bool = False, most: Annotated[int, Query(ge=1, le=200)] = 20
) -> list[Json]:
    """Cards of decisions, those that wait for a person first, then the latest."""
    with run.lock:
        name = vessel_named(run, vessel) if vessel else ""
        return decisions.cards(run, _now(), vessel=name, is_open=is_open, most=most)


@router.get("/{run}/alarms")
def alarms_of_run(_: Viewer, run: TheRun) -> list[Json]:
    """Every alarm that was raised, the gravest that are not over first."""
    with run.lock:
        return alarm_view.alarms(run)


@router.get("/{run}/model")
def model_of_run(_: Viewer, run: TheRun) -> Json:
    """Refits, how often forecasts held, support, parameters."""
    with run.lock:
        return model.model(run)


@router.get("/{run}/record")
def record_of_run(
    _: Viewer, run: TheRun, who: Word = "", event: Word = "", vessel: Word = "", text: Word = "", since: Word = "",
    until: Word = "", before: Seq = 0, most: Annotated[int, Query(ge=1, le=record.MOST_ROWS)] = 100,
) -> Json:  # fmt: skip
    """Records that fit all filters, the newest first."""
    with run.lock:
        return record.lines(
            run, who=who, event=event, vessel=vessel, text=text, since=since, until=until, before=before, most=most
        )


@router.get("/{run}/record/{seq}")
def line_of_run(_: Viewer, run: TheRun, seq: int) -> Json:
    """One record in full."""
    row = run.row(seq)
    if row is None:
        raise HTTPException(404, f"There is no record {seq}; the last one is {run.last_seq}.")
    return run.record(row)


@router.get("/{run}/verify")
def verify_run(_: Viewer, run: TheRun) -> Json:
    """Whether the record is intact."""
    return record.verified(run)


@router.get("/{run}/overnight")
def overnight_of_run(caller: Viewer, run: TheRun, site: TheSite, since: Annotated[int, Query(ge=-1)] = -1) -> Json:
    """Changes since the caller last looked, or since a record."""
    seq, at = site.looked_at(caller.user, run.state.run_id)
    if since >= 0:
        row = run.row(since)
        seq, at = since, row.ts if row else ""
    with run.lock:
        return overnight.overnight(run, seq, at)


@router.get("/{run}/samples")
def samples_of_run(_: Viewer, run: TheRun, vessel: Word = "") -> Json:
    """Samples with their remarks, the quarantined ones, corrections."""
    with run.lock:
        return samples.samples(run, vessel_named(run, vessel) if vessel else "")


@router.get("/{run}/compare")
def compare_vessels(_: Viewer, run: TheRun, quantity: Word = "") -> Json:
    """One quantity in all vessels."""
    with run.lock:
        try:
            return compare.compare(run, quantity)
        except ConfigError as error:
            raise HTTPException(404, str(error)) from error
