"""What an event changes belongs to the turn that it carries, in whatever turn of the loop it comes."""

from dataclasses import replace

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import Mode, RunConfig
from perfusio.events import SampleRead, Withheld, WriteIntended
from perfusio.record.apply_event import after, folded
from perfusio.record.run_state import culture_day
from perfusio.testing import make_state
from perfusio.twin import first_records


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
