"""History of each alarm of a run, by its record. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from perfusio.events import AlarmChanged, AlarmRaised, Event, RunStarted
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.record.vessel_history import process_of

PRIORITY: Mapping[str, int] = {"escalated": 1, "act": 1, "doubt": 2, "warn": 3}
"""By level: 1 = now, 2 = today, 3 = with the next round."""
CONSEQUENCE: Mapping[str, str] = {
    "decision": "Setpoints stay as they are, whatever the culture does.",
    "decider": "The density is held from counts alone; limits are watched, not weighed.",
    "write": "Nothing is written to this vessel until a person has looked.",
    "hold": "Setpoints of all vessels stay as they are, whatever the cultures do.",
    "sample": "Setpoints stay as they are, whatever the culture does.",
    "target": "The culture is not what the run is for.",
    "controller": "The vessel is not what decisions and forecasts count on.",
    "forecast": "Decisions rest on forecasts that do not come true.",
    "refused": "The twin decides without it, or not at all; if it was right, a culture in trouble is not seen.",
    "source": "Samples that are there are not seen, and nothing is decided.",
    "clock": "Nothing is written to this vessel until a person says that the clock is right.",
    "medium": "Forecasts and decisions count on what does not flow in.",
    "delivery": "People do not hear of alarms by this channel.",
}
"""Of alarms that are on no quantity; those on one are said by its process."""
OTHERWISE = "What is not used is not watched over."
CHANGES = ("acknowledged", "shelved", "cleared")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmState:
    """One alarm of one vessel.

    Attributes:
        reactor: Vessel.
        id: Quantity and level, e.g. ``"glucose:act"``.
        status: active, acknowledged, shelved or cleared.
        turn: Turn at which it was raised last.
        culture_day: The same in days since inoculation; None where it is of no vessel, or not known.
        n_times: How often it was raised.
        cause: The finding.
        consequence: Course of events if nobody acts.
        response: The response.
        priority: 1 = now, 2 = today, 3 = with the next round.
        who: Who acknowledged or shelved it.
    """

    reactor: str
    id: str
    status: str
    turn: int
    culture_day: float | None
    n_times: int
    cause: str
    consequence: str
    response: str
    priority: int
    who: str = ""

    @property
    def is_over(self) -> bool:
        """Whether it was cleared."""
        return self.status == "cleared"

    @property
    def since(self) -> str:
        """When it was raised last, in words."""
        return f"turn {self.turn}" if self.culture_day is None else f"culture day {self.culture_day:.3g}"


def alarm_states(events: Iterable[Event]) -> tuple[AlarmState, ...]:
    """Return every alarm that was ever raised, the gravest that are not over first.

    Args:
        events: Of a run, from the first on, which says its process.
    """
    panel = CHO_PERFUSION
    known: dict[tuple[str, str], AlarmState] = {}
    for event in events:
        if isinstance(event, RunStarted):
            panel = process_of(event.config)
        elif isinstance(event, AlarmRaised):
            state = _raised(event, panel)
            before = known.get((state.reactor, state.id))
            known[state.reactor, state.id] = replace(state, n_times=1 + (before.n_times if before else 0))
        elif isinstance(event, AlarmChanged):
            key = (event.reactor or "", event.alarm)
            if key in known and event.status in CHANGES:
                known[key] = replace(known[key], status=event.status, who=event.who)
    return tuple(sorted(known.values(), key=lambda a: (a.is_over, a.priority, a.id, a.reactor)))


def rolled_up(states: Sequence[AlarmState]) -> tuple[tuple[AlarmState, tuple[str, ...]], ...]:
    """Return alarms that are alike once, the one of most priority with the vessels that have it, in the same order."""
    vessels: dict[tuple[str, str], list[AlarmState]] = {}
    for state in states:
        vessels.setdefault((state.id, state.status), []).append(state)
    return tuple((alike[0], tuple(s.reactor for s in alike)) for alike in vessels.values())


def _raised(event: AlarmRaised, panel: Panel) -> AlarmState:
    quantity = event.quantity.partition(" ")[0]
    told = panel.alarms.get(quantity)
    return AlarmState(
        reactor=event.reactor or "", id=f"{event.quantity}:{event.level}", status="active", turn=event.turn or 0,
        culture_day=event.culture_day, n_times=1, cause=event.reason, response=event.response,
        consequence=told.consequence if told else CONSEQUENCE.get(quantity, OTHERWISE),
        priority=PRIORITY.get(event.level, 2),
    )  # fmt: skip
