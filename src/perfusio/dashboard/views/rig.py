"""The rig: one tile per vessel, the most urgent first."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from perfusio.dashboard.runs.followed import FollowedRun
from perfusio.dashboard.views.alarms import alarms, open_ones
from perfusio.dashboard.views.due import as_text, due_at, is_out_of_date, sampled_at
from perfusio.dashboard.views.hindsight import latest
from perfusio.dashboard.views.numbers import tidied, tidy
from perfusio.dashboard.views.quantities import described
from perfusio.events import Json
from perfusio.objective import in_words
from perfusio.report.columns import shown
from perfusio.twin.state.hold import hold_on

SPARK_AHEAD = 7
"""Forecast points on a tile."""


def head(run: FollowedRun) -> Json:
    """Return where a run stands, shortly."""
    fault = run.fault or (run.why_unusable if run.has_begun else "")
    started = run.has_begun and not run.why_unusable
    return {
        "name": run.name, "run": run.state.run_id if started else "", "folder": run.run_dir.name,
        "state": "ended" if run.has_ended else "stale" if run.is_stale else "running", "fault": fault,
        "last_seq": run.last_seq, "last_record": run.rows[-1].ts if run.rows else None,
        "n_vessels": len(run.vessels) if started else 0, "turn": run.state.today.turn if started else 0,
        "n_turns": run.config.n_turns if started else 0,
    }  # fmt: skip


def rig(run: FollowedRun, now: datetime) -> Json:
    """Return the tiles of a run.

    Args:
        run: The run.
        now: Wall time, for ages.
    """
    found = alarms(run)
    tiles = [tile(run, vessel, found, now) for vessel in run.state.trajectories]
    tiles.sort(key=lambda t: (-t["urgency"], t["vessel"]))
    shared = hold_on([h for h in run.holds if h.is_for_all], run.vessels[0]) if run.vessels else None
    return {
        **head(run), **described(run), "vessels": tiles, "alarms": open_ones(found, ""),
        "n_alarms": len([a for a in found if a["status"] == "active"]),
        "n_advice": len([t for t in tiles if t["advice"] is not None and not t["advice"]["is_expired"]]),
        "objective": in_words(run.config.objectives), "is_all_held": shared is not None,
        "misnamed_holds": [h.name for h in run.holds if not h.is_understood],
    }  # fmt: skip


def tile(run: FollowedRun, vessel: str, found: list[Json], now: datetime) -> Json:
    """Return the tile of one vessel."""
    known = run.state
    states = known.trajectories[vessel].states
    last = states[-1] if states else None
    hold, said = hold_on(run.holds, vessel), known.said.get(vessel)
    mode = "hold" if hold is not None else str(known.noted[vessel].value)
    who = {"who": hold.word.who, "why": hold.word.why} if hold is not None else None
    if who is None and said is not None and said.mode == mode:
        who = {"who": said.who, "why": said.reason}
    own, sampled = open_ones(found, vessel), sampled_at(run, vessel)
    age_h = (now - datetime.fromisoformat(sampled)).total_seconds() / 3600.0 if sampled else None
    advice, wait = known.advised.get(vessel), known.waits.get(vessel)
    out = {
        "vessel": vessel, "has_left": vessel in known.left, "mode": mode, "said": who, "day": tidy(last.day) if last
        else None, "sampled": sampled, "age_h": tidy(age_h), "is_held_alone": hold is not None and not hold.is_for_all,
        "values": {n: tidy(getattr(last, n)) for n in shown(run.panel)} if last else {},
        "alarms": own, "is_writing": vessel in known.pending, "is_stuck": vessel in known.stuck,
        "is_source_failing": vessel in known.failing, "is_stale": run.is_stale,
        "waiting": None if wait is None else {"since": wait.since, "due": wait.due, "until": wait.until},
        "advice": None if advice is None else {
            "key": advice.key, "expires": as_text(due_at(run, vessel, (advice.turn or 0) + 1)),
            "is_expired": run.has_ended or is_out_of_date(run, vessel, advice.turn or 0, now),
        },
        "spark": _spark(run, vessel),
    }  # fmt: skip
    return {**out, "urgency": _urgency(out)}


def _urgency(tile: Json) -> int:
    """Return how soon a person should look: alarms by priority, then faults, advice that waits, a hold."""
    if tile["has_left"]:
        return -1
    active = [a["priority"] for a in tile["alarms"] if a["status"] == "active"]
    score = {1: 100, 2: 60, 3: 40}.get(min(active, default=9), 0)
    score += 30 * (tile["is_stuck"] or tile["is_source_failing"])
    advice = tile["advice"]
    score += 20 * (advice is not None and not advice["is_expired"])
    return int(score + 10 * (tile["mode"] == "hold") + 5 * bool(tile["alarms"]))


def _spark(run: FollowedRun, vessel: str) -> Json:
    """Return the course of the cells with the days to come."""
    cells = run.panel.the("cells")
    states = run.state.trajectories[vessel].states
    target = next((o.target for o in run.config.objectives if o.quantity == cells and o.target is not None), None)
    out: Json = {"day": tidied(s.day for s in states), "value": tidied(getattr(s, cells) for s in states)}
    out |= {"target": target, "ahead": None}
    if not run.has_ended and (last := latest(run, vessel)) is not None:
        place = run.panel.index(cells)
        band = last.chosen[:, :SPARK_AHEAD, place]
        low, mid, high = (tidied(row) for row in np.asarray(band))
        out["ahead"] = {"day": tidied(last.times_h[:SPARK_AHEAD] / 24.0), "low": low, "mid": mid, "high": high}
    return out
