"""What an event changes belongs to the turn that it carries, in whatever turn of the loop it comes."""

from dataclasses import replace

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import Mode, RunConfig
from perfusio.errors import AuditError
from perfusio.events import EVENTS, Event, SampleRead, Withheld, WriteIntended
from perfusio.record import apply_event
from perfusio.record.apply_event import after, begun, folded
from perfusio.record.run_state import RunState, culture_day
from perfusio.record.vessel_history import CHANGES as HISTORY
from perfusio.testing import make_state
from perfusio.twin.loop import first_records


def read(turn, **values):
    return SampleRead(reactor="R01", turn=turn, state=make_state(day=turn + 3, **values), in_force=SPACE.nominal)


@pytest.fixture
def second_day():
    config = RunConfig(duration_days=4)
    started = first_records.started(config, SPACE, {"R01": Mode.ADVISORY}, {"R01": {"kind": "hardware"}})
    return folded([started, read(0), read(1)], "run-1")


@pytest.mark.parametrize(
    "event",
    [
        WriteIntended(reactor="R01", turn=0, key="k", old=SPACE.nominal, new=SPACE.nominal),
        Withheld(reactor="R01", turn=0, action="hold", because=("Late.",)),
    ],
)
def test_a_turn_is_settled_by_its_own_events_only(second_day, event):
    assert after(second_day, event).today.settled == frozenset()
    assert after(second_day, replace(event, turn=1)).today.settled == {"R01"}


def test_the_culture_day_of_an_act_is_that_of_the_sample_it_is_about(second_day):
    early = after(second_day, SampleRead(reactor="R01", turn=2, state=make_state(day=4.9), in_force=SPACE.nominal))
    about = Withheld(reactor="R01", turn=2, action="advise", because=("Advisory.",))
    assert culture_day(early, about, 24.0) == pytest.approx(4.9)
    assert culture_day(replace(early, today=replace(early.today, turn=3)), about, 24.0) == pytest.approx(4.9)
    assert culture_day(early, replace(about, turn=3), 24.0) == 6.0  # not taken yet: as expected


def test_every_event_changes_what_is_known_or_is_named_as_one_that_does_not():
    changing, named = {*apply_event._CHANGES, *HISTORY}, set(apply_event.OF_NO_EFFECT)
    assert changing | named == set(EVENTS.values())
    assert not changing & named


@pytest.mark.parametrize("cls", apply_event.OF_NO_EFFECT, ids=lambda cls: cls.__name__)
def test_what_has_no_effect_changes_nothing_but_the_turn(second_day, cls):
    event = object.__new__(cls)
    for name, value in (("reactor", None), ("turn", 2)):
        object.__setattr__(event, name, value)
    assert after(second_day, event) == begun(second_day, 2)


def test_an_event_that_nothing_is_said_about_is_refused():
    class Invented(Event):
        """One of a newer version."""

    with pytest.raises(AuditError, match="Invented is none of the events whose effect is known"):
        after(RunState(run_id="x"), Invented())
