"""Status: where a run stands, as plain data: from the fold of its record and a look at its holds."""

from __future__ import annotations

import json
from datetime import datetime

from perfusio.decision import Decider
from perfusio.events import Decided, Forecasted, Json, RunStarted, WriteIntended, plain
from perfusio.objective import Objective, of_record
from perfusio.record.line import Record
from perfusio.state import Setpoints
from perfusio.twin.run_view import RECORD, RunView
from perfusio.twin.state.hold import Hold, hold_on, holds


def status(seen: RunView, now: datetime) -> Json:
    """Return where a run stands.

    Args:
        seen: The run.
        now: Wall time, for ages.
    """
    known = seen.run_state
    held = holds(seen.run_dir, seen.vessels) if seen.ended is None else ()
    sampled = {s.reactor: s.ts for s in seen.records.samples if not s.is_extra}
    last = seen.records.last.ts
    state = "running" if seen.writer is not None else "stopped" if seen.ended is None else "ended"
    return {
        "run": known.run_id,
        "folder": str(seen.run_dir),
        "state": state,
        "process": seen.writer or None,
        "outcome": seen.ended.outcome if seen.ended is not None else None,
        "learnt_from": learnt_from(seen),
        "turn": known.today.turn,
        "n_turns": seen.config.n_turns,
        "last_record": last,
        "last_record_age_h": _age_h(last, now),
        "vessels": {name: _vessel(seen, name, sampled.get(name), now, held) for name in known.trajectories},
        "alarms": _alarms(seen, ""),
        "misnamed_holds": [hold.name for hold in held if not hold.is_understood],
    }


def _vessel(seen: RunView, name: str, sampled: str | None, now: datetime, held: tuple[Hold, ...]) -> Json:
    known = seen.run_state
    states = known.trajectories[name].states
    hold, said, advice = hold_on(held, name), known.said.get(name), known.advised.get(name)
    mode = "hold" if hold is not None else str(known.noted[name].value)
    who = {"who": hold.word.who, "why": hold.word.why} if hold is not None else None
    if who is None and said is not None and said.mode == mode:
        who = {"who": said.who, "why": said.reason}
    wait = known.waits.get(name)
    return {
        "has_left": name in known.left,
        "mode": mode,
        "said": who,
        "decider": _decider(seen, name),
        "culture_day": states[-1].day if states else None,
        "sampled": sampled,
        "sample_age_h": _age_h(sampled, now),
        "sample": plain(states[-1].measured()) if states else {},
        "in_force": plain(known.in_force[name]),
        "is_write_under_way": name in known.pending,
        "advice": None if advice is None else {
            "key": advice.key, "turn": advice.turn, "culture_day": advice.culture_day,
            "setpoints": plain(advice.setpoints),
        },
        "decision": _decision(known.forecasts.get(name)),
        "assumed": list(known.assumed.get(name, ())),
        "alarms": _alarms(seen, name),
        "waiting": None if wait is None else {"since": wait.since, "due": wait.due, "until": wait.until},
        "is_source_failing": name in known.failing,
    }  # fmt: skip


def _decider(seen: RunView, name: str) -> Json:
    """Return who decides for a vessel; since when and why where that has ever changed."""
    last = seen.run_state.deciders.get(name)
    if last is None:
        return {"name": Decider.TWIN.value, "culture_day": None, "who": "", "why": ""}
    return {"name": last.decider, "culture_day": last.culture_day, "who": last.who, "why": last.reason}


def _decision(latest: Decided | Forecasted | None) -> Json | None:
    """Return the latest decision with its reason as text and as data; None where nothing was decided since."""
    if not isinstance(latest, Decided):
        return None
    return {
        "key": latest.key, "turn": latest.turn, "culture_day": latest.culture_day, "model_id": latest.model_id,
        "setpoints": plain(latest.setpoints), "reason": latest.reason, "why": latest.why,
    }  # fmt: skip


def learnt_from(seen: RunView) -> str | None:
    """Return the past runs behind the model at the start of a run in words; None where that is not on record."""
    started = seen.records.first.to_event()
    said = started.config.get("learnt_from") if isinstance(started, RunStarted) else None
    return said if isinstance(said, str) else None


def objectives_of(seen: RunView, reactor: str) -> tuple[Objective, ...]:
    """Return the objectives of a vessel as the run began with them."""
    started = seen.records.first.to_event()
    own = started.config.get("vessels", {}).get(reactor, {}) if isinstance(started, RunStarted) else {}
    return of_record(own["objective"], seen.config.process) if "objective" in own else seen.config.objectives


def before(seen: RunView, decided: Decided) -> Setpoints:
    """Return the setpoints in force when something was decided: those before its write, if it was written."""
    name = str(decided.reactor)
    known = seen.run_state
    if known.done.get(name) is None:
        return known.in_force[name]
    for line in reversed((seen.run_dir / RECORD).read_bytes()[: seen.records.n_bytes].splitlines()):
        if b'"WriteIntended"' in line:
            event = Record.of_fields(json.loads(line)).of_process(known.process).to_event()
            if isinstance(event, WriteIntended) and event.key == decided.key:
                return event.old
    return known.in_force[name]


def _alarms(seen: RunView, reactor: str) -> list[str]:
    return sorted(f"{quantity}:{level}" for of, quantity, level in seen.run_state.alarms if of == reactor)


def _age_h(ts: str | None, now: datetime) -> float | None:
    return None if ts is None else (now - datetime.fromisoformat(ts)).total_seconds() / 3600.0
