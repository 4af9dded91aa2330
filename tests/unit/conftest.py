"""One example of every event type, built from its annotations, so that a new event is covered the day it is added."""

from dataclasses import fields
from math import nan

import pytest

from perfusio.events import EVENTS, Event
from perfusio.state import SETPOINTS, Setpoints
from perfusio.testing import make_state

SETPOINTS_EXAMPLE = Setpoints(**{name: 1.5 for name in SETPOINTS if name != "pyruvate_feed"})
BY_ANNOTATION = {
    "str": 'text with "quotes", µ and \n a line break',
    "int": 7,
    "float": 0.1,
    "bool": True,
    "Json": {"a": [1, 2.5, None], "b": {"c": "d"}},
    "tuple[str, ...]": ("one", "two"),
    "Mapping[str, str]": {"bleed_rate": "BadNotWritable"},
    "State": make_state(day=2, ammonium=nan),
    "Setpoints": SETPOINTS_EXAMPLE,
    "Setpoints | None": SETPOINTS_EXAMPLE,
}


def example_of(cls: type[Event]) -> Event:
    header = {f.name for f in fields(Event)}
    values = {f.name: BY_ANNOTATION[str(f.type)] for f in fields(cls) if f.name not in header}
    return cls(reactor="R01", turn=2, culture_day=2.5, reason="Because.", **values)


@pytest.fixture
def example_events() -> list[Event]:
    """One of each, in an order that a record allows: RunStarted first, RunEnded last."""
    names = list(EVENTS)
    assert (names[0], names[-1]) == ("RunStarted", "RunEnded")
    return [example_of(cls) for cls in EVENTS.values()]
