"""Decisions as cards: setpoints now and proposed, limits, expected effect, alternatives, fate, expiry."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from perfusio.dashboard.runs.followed import FollowedRun
from perfusio.dashboard.runs.indexed import Row
from perfusio.dashboard.views.due import as_text, due_at, is_out_of_date, sampled_at
from perfusio.dashboard.views.numbers import tidy
from perfusio.events import Json
from perfusio.report.columns import shown

AHEAD = (1, 3, 7)
"""Intervals after which a card says the expected effect."""
ENDS = {
    "SetpointsWritten": "written", "WriteRefused": "not written", "WritePartial": "written in part",
    "WriteRestored": "put back", "WriteUnknown": "unknown", "OverrideDetected": "not written: changed by hand",
    "WriteIntended": "being written",
}  # fmt: skip
PEOPLE = {"approve": "approved", "reject": "rejected", "modify": "approved with changes"}


def cards(run: FollowedRun, now: datetime, *, vessel: str = "", is_open: bool = False, most: int = 30) -> list[Json]:
    """Return the latest decisions, those that wait for a person first.

    Args:
        run: The run.
        now: Wall time.
        vessel: Only of this one; empty = of all.
        is_open: Only those that wait for a person.
        most: Number of cards.
    """
    waiting = {d.key for d in run.state.advised.values()}
    rows = [r for r in reversed(run.rows) if r.event == "Decided" and vessel in ("", r.reactor)]
    first = [r for r in rows if run.index.decisions and _key(run, r) in waiting]
    rest = [] if is_open else [r for r in rows if r not in first][: max(0, most - len(first))]
    return [card(run, row, now) for row in (*first, *rest)]


def _key(run: FollowedRun, row: Row) -> str:
    return next((k for k in (f"{run.state.run_id}:{row.reactor}:{row.turn}:{n}" for n in range(10))
                 if run.index.decisions.get(k) == row.seq), "")  # fmt: skip


def card(run: FollowedRun, row: Row, now: datetime) -> Json:
    """Return the card of the decision in this record."""
    payload = run.record(row)["payload"]
    key, vessel = payload["key"], row.reactor
    known, space = run.state, run.space(vessel)
    advised = known.advised.get(vessel)
    is_open = advised is not None and advised.key == key and not run.has_ended
    is_late = is_open and is_out_of_date(run, vessel, row.turn, now)
    before = _before(run, row)
    why, proposed = payload["why"], payload["setpoints"]
    rows = []
    for setpoint in run.panel.setpoints:
        bounds, old, new = space.bounds[setpoint.name], before.get(setpoint.name), proposed[setpoint.name]
        rows.append({
            "name": setpoint.name, "label": setpoint.label, "unit": setpoint.unit, "now": tidy(old),
            "proposed": tidy(new), "low": bounds.low, "high": bounds.high, "max_step": bounds.max_step,
            "is_moved": old is not None and abs(new - old) > 1e-9 * max(1.0, abs(new)),
        })  # fmt: skip
    return {
        "seq": row.seq, "key": key, "vessel": vessel, "turn": row.turn, "day": tidy(row.day), "ts": row.ts,
        "reason": row.reason, "setpoints": rows, "effects": _effects(run, payload),
        "limiting": why.get("limiting"), "limiting_probability": tidy(why.get("limiting_probability")),
        "is_feasible": why.get("feasible"), "support": tidy(why.get("support")), "score": tidy(payload["score"]),
        "margin_cost": tidy(why.get("margin_cost")), "exploration": tidy(why.get("exploration")),
        "acquisition": payload["acquisition"], "model_id": payload["model_id"], "is_open": is_open,
        "is_expired": is_late, "expires": as_text(due_at(run, vessel, row.turn + 1)), "sampled":
        sampled_at(run, vessel) if is_open else None, "alternatives": why.get("rejected", []),
        "front": why.get("front", []), "negotiated": why.get("negotiated"),
        "objectives": [str(o) for o in run.config.objectives], "fate": _fate(run, row, key, is_open),
        "plan": payload.get("plan", {}), "mode": known.noted[vessel].value if vessel in known.noted else "",
    }  # fmt: skip


def _before(run: FollowedRun, row: Row) -> dict[str, Any]:
    """Return the setpoints in force when it was decided."""
    one = run.state.trajectories[row.reactor]
    if row.day is None:
        return {}
    times = [s.time_h for s in one.states]
    place = next((i for i, t in enumerate(times) if abs(t - 24.0 * row.day) < 1e-6), None)
    if place is None or place == 0:
        found = one.setpoints[0] if one.setpoints else run.state.in_force[row.reactor]
        intended = _intended(run, row)
        return intended or found.by_name()
    return _intended(run, row) or one.setpoints[place - 1].by_name()


def _intended(run: FollowedRun, row: Row) -> dict[str, Any]:
    """Return the old setpoints of the write that followed, if one did."""
    for later in _later(run, row):
        if later.event == "WriteIntended" and later.reactor == row.reactor:
            old: dict[str, Any] = run.record(later)["payload"]["old"]
            return old
        if later.event == "Decided" and later.reactor == row.reactor:
            break
    advised = run.state.advised.get(row.reactor)
    return run.state.in_force[row.reactor].by_name() if advised and advised.turn == row.turn else {}


def _later(run: FollowedRun, row: Row) -> list[Row]:
    place = row.seq - run.rows[0].seq + 1
    return run.rows[place : place + 2000]


def _fate(run: FollowedRun, row: Row, key: str, is_open: bool) -> Json:
    """Return how a decision ended: written, shown only, approved or rejected by whom, or not used."""
    out: Json = {"status": "waits for a person" if is_open else "decided", "who": "", "words": ""}
    for later in _later(run, row):
        if later.event == "Decided" and later.reactor == row.reactor:
            break
        if later.reactor != row.reactor:
            continue
        if later.event in ENDS:
            out["status"] = ENDS[later.event]
        elif later.event == "Withheld" and not is_open:
            out |= {"status": "advice, not followed" if "advis" in later.reason.lower() else "held back",
                    "words": later.reason}  # fmt: skip
        elif later.event == "OperatorActed":
            payload = run.record(later)["payload"]
            act = payload["act"].split(" ")[0]
            if act in PEOPLE and payload["key"] == key and payload["is_done"]:
                status = out["status"] if out["status"] in ENDS.values() else PEOPLE[act]
                out |= {"status": status if act != "reject" else "rejected", "who": later.who,
                        "words": f"{PEOPLE[act]}: {later.reason}"}  # fmt: skip
    return out


def _effects(run: FollowedRun, payload: Json) -> list[Json]:
    """Return the expected course of the quantities that tiles show, with 80 % intervals, beside unchanged setpoints."""
    chosen, unchanged = payload["chosen"], payload["hold"]
    out = []
    for name in shown(run.panel):
        if name not in chosen["mean"]:
            continue
        quantity = run.panel[name]
        steps = [n for n in AHEAD if n <= len(chosen["times_h"])]
        out.append({
            "name": name, "label": quantity.label, "unit": quantity.unit,
            "ahead": [{
                "intervals": n, "day": tidy(chosen["times_h"][n - 1] / 24.0),
                "chosen": [tidy(chosen[q][name][n - 1]) for q in ("q10", "mean", "q90")],
                "unchanged": [tidy(unchanged[q][name][n - 1]) for q in ("q10", "mean", "q90")],
            } for n in steps],
        })  # fmt: skip
    return out
