"""Message: the text for a person. Many alarms of one kind become one message. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perfusio.events import AlarmChanged, AlarmRaised, ConnectorFailed, Event, RunEnded

FOLD_AT = 4
"""Vessels from which on the same alarm is told once for all of them."""
N_NAMED = 6
LONGEST = 200
DELIVERY = "delivery"
"""First word of the alarm of a failed channel; the second is its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message to a person.

    Attributes:
        kind: Subject, e.g. ``"viability act"``; equal kinds of several vessels are told as one.
        reactor: Vessel; empty = the experiment.
        text: The event.
        response: Response; may be empty.
        is_urgent: Whether somebody must look now.
    """

    kind: str
    reactor: str
    text: str
    response: str = ""
    is_urgent: bool = False


def message_of(event: Event) -> Message | None:
    """Return the message of an event, None for most."""
    reactor = event.reactor or ""
    if isinstance(event, AlarmRaised | AlarmChanged) and is_about_delivery(event):
        return None  # the notifier tells of it itself, on the channels that work
    if isinstance(event, AlarmRaised):
        kind = f"{event.quantity} {event.level}"
        is_urgent = event.level in ("act", "escalated")
        return Message(
            kind=kind, reactor=reactor, text=event.reason or kind, response=event.response, is_urgent=is_urgent
        )
    if isinstance(event, AlarmChanged) and event.status == "cleared":
        return Message(kind=f"{event.alarm.replace(':', ' ')} cleared", reactor=reactor, text="This alarm is over.")
    if isinstance(event, ConnectorFailed):
        return Message(kind=f"link failed ({event.operation})", reactor=reactor, text=event.reason)
    if isinstance(event, RunEnded):
        text = f"The run ended: {event.reason}"
        return Message(kind="run ended", reactor="", text=text, is_urgent=event.outcome == "FAILED")
    return None


def is_about_delivery(event: AlarmRaised | AlarmChanged) -> bool:
    """Whether an alarm is about a channel by which people are told."""
    name = event.quantity if isinstance(event, AlarmRaised) else event.alarm
    return name.startswith(f"{DELIVERY} ")


def folded(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return the messages with repeats left out, and those that are alike over many vessels as one; urgent ones first.

    Args:
        messages: In order of time.
    """
    by_kind: dict[str, dict[str, Message]] = {}
    for message in messages:
        by_kind.setdefault(message.kind, {})[message.reactor] = message  # the latest word counts
    out: list[Message] = []
    for kind, of_vessel in by_kind.items():
        if len(of_vessel) < FOLD_AT:
            out += of_vessel.values()
            continue
        last = list(of_vessel.values())[-1]
        named, more = sorted(of_vessel)[:N_NAMED], len(of_vessel) - N_NAMED
        which = ", ".join(named) + (f" and {more} more" if more > 0 else "")
        is_urgent = any(m.is_urgent for m in of_vessel.values())
        text = f"{len(of_vessel)} vessels ({which}); the latest: {last.text}"
        out.append(Message(kind=kind, reactor="", text=text, response=last.response, is_urgent=is_urgent))
    return tuple(sorted(out, key=lambda m: not m.is_urgent))


def subject(messages: Sequence[Message]) -> str:
    """Return one line for several messages."""
    first = messages[0]
    where = f"{first.reactor}: " if first.reactor else ""
    more = f" (+{len(messages) - 1})" if len(messages) > 1 else ""
    return plain(f"[perfusio]{' URGENT' if first.is_urgent else ''} {where}{first.kind}{more}")


def body(messages: Sequence[Message]) -> str:
    """Return several messages as text, one paragraph each."""
    return "\n\n".join(
        plain(" ".join(filter(None, (f"{m.reactor}:" if m.reactor else "", f"{m.kind}.", m.text, m.response))), None)
        for m in messages
    )


def plain(text: str, longest: int | None = LONGEST) -> str:
    """Return text on one line without control characters: it can forge no header and no line of a log."""
    return "".join(c if c.isprintable() else " " for c in text)[:longest]
