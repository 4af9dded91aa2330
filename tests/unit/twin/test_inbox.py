"""Samples find the turn they belong to, whatever is late, early, missing or broken."""

from dataclasses import replace
from math import nan

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import NotConnected, SampleOverdue, UnreadableSource
from perfusio.state import Setpoints
from perfusio.testing import ScriptedConnector, make_state
from perfusio.twin.inbox import Arrival, Inbox, Trouble

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal


def inbox_of(*script, **others):
    connectors = {"R01": ScriptedConnector(script)}
    connectors |= {name: ScriptedConnector(steps) for name, steps in others.items()}
    return Inbox(connectors, 24.0)


def at(*hours):
    return [make_state(time_h=float(h)) for h in hours]


def told(things):
    """What arrived, in short: (hour, is it due), or the words of a trouble."""
    return [(t.sample.time_h, t.is_due) if isinstance(t, Arrival) else t.reason for t in things]


async def turns(inbox, n, reactor="R01"):
    return [told((await inbox.gather(turn)).get(reactor, ["over"])) for turn in range(n)]


async def test_daily_samples_are_due_one_by_one():
    assert await turns(inbox_of(*at(0, 24, 48)), 3) == [[(0, True)], [(24, True)], [(48, True)]]


async def test_expected_times_are_matched_within_half_an_interval():
    arrived = await turns(inbox_of(*at(0, 13, 59, 72 - 11.9, 96 + 11.9)), 5)
    assert arrived == [[(0, True)], [(13, True)], [(59, True)], [(60.1, True)], [(107.9, True)]]


async def test_the_first_sample_is_the_start_whatever_its_time():
    inbox = inbox_of(*at(75, 99, 123))
    assert await turns(inbox, 3) == [[(75, True)], [(99, True)], [(123, True)]]
    assert inbox.expected_h("R01", 4) == 75 + 96


async def test_a_missing_day_is_empty_and_its_follower_waits_for_its_own_turn():
    inbox = inbox_of(*at(0, 48))
    assert await turns(inbox, 2) == [[(0, True)], []]
    assert inbox.is_reading_ahead
    assert told((await inbox.gather(2))["R01"]) == [(48, True)]
    assert not inbox.is_reading_ahead


async def test_extra_samples_come_with_the_next_due_one():
    assert await turns(inbox_of(*at(0, 6, 10, 24, 30, 48)), 3) == [
        [(0, True)], [(6, False), (10, False), (24, True)], [(30, False), (48, True)],
    ]  # fmt: skip


async def test_twice_as_many_samples_are_one_extra_and_one_due():
    assert await turns(inbox_of(*at(0, 12, 24, 36, 48)), 3) == [
        [(0, True)], [(12, False), (24, True)], [(36, False), (48, True)],
    ]  # fmt: skip


async def test_a_late_value_completes_an_earlier_sample_and_is_never_due():
    late = make_state(day=0, titer=300.0)
    inbox = inbox_of(make_state(day=0, titer=nan), make_state(day=1), late, make_state(day=2))
    assert await turns(inbox, 3) == [[(0, True)], [(24, True)], [(0, False), (48, True)]]


async def test_a_value_for_the_sample_of_the_day_before_is_not_due_today():
    inbox = inbox_of(make_state(day=0), make_state(day=1), make_state(day=1))
    assert await turns(inbox, 3) == [[(0, True)], [(24, True)], [(24, False)]]


async def test_an_overdue_sample_is_missing_and_may_come_a_day_late():
    overdue = SampleOverdue("Nothing came.", connector="R01", operation="read_sample")
    inbox = inbox_of(make_state(day=0), overdue, make_state(day=1), make_state(day=2))
    assert await turns(inbox, 3) == [[(0, True)], [], [(24, False), (48, True)]]


async def test_a_broken_link_is_told_and_does_not_last_longer_than_it_does():
    inbox = inbox_of(make_state(day=0), NotConnected("The cable is out.", operation="read"), make_state(day=2))
    (await inbox.gather(0))
    assert (await inbox.gather(1))["R01"] == [Trouble(operation="read", reason="The cable is out.")]
    assert told((await inbox.gather(2))["R01"]) == [(48, True)]


async def test_what_came_before_the_link_broke_is_kept():
    inbox = inbox_of(make_state(day=0), make_state(time_h=6.0), NotConnected("Gone."))
    assert await turns(inbox, 2) == [[(0, True)], [(6, False), "Gone."]]


async def test_an_error_that_no_connector_may_raise_is_one_vessels_trouble_all_the_same():
    inbox = inbox_of(make_state(day=0), ZeroDivisionError("in a driver"), R02=at(0, 24))
    await inbox.gather(0)
    arrived = await inbox.gather(1)
    assert told(arrived["R01"]) == ["ZeroDivisionError: in a driver"]
    assert told(arrived["R02"]) == [(24, True)]


async def test_setpoints_that_cannot_be_read_are_unknown_and_the_sample_counts():
    connector = ScriptedConnector(at(0))
    connector.in_force = NotConnected("No answer.")
    (trouble, arrival) = (await Inbox({"R01": connector}, 24.0).gather(0))["R01"]
    assert trouble == Trouble(operation="read_setpoints", reason="No answer.")
    assert arrival.is_due
    assert arrival.setpoints.vector().tolist() == pytest.approx(Setpoints().vector().tolist(), nan_ok=True)


async def test_setpoints_come_with_each_sample():
    connector = ScriptedConnector(at(0, 24))
    inbox = Inbox({"R01": connector}, 24.0)
    assert (await inbox.gather(0))["R01"][0].setpoints == NOMINAL
    await connector.write_setpoints(replace(NOMINAL, bleed_rate=0.2))
    assert (await inbox.gather(1))["R01"][0].setpoints.bleed_rate == 0.2


@pytest.mark.parametrize("time_h", [nan, float("inf"), float("-inf")])
@pytest.mark.parametrize("position", [0, 1])
async def test_a_sample_without_a_time_is_handed_on_and_moves_no_expected_time(time_h, position):
    script = at(0, 24)
    script.insert(position, make_state(time_h=time_h))
    inbox = inbox_of(*script)
    due = [h for turn in range(2) for h, is_due in told((await inbox.gather(turn))["R01"]) if is_due]
    assert due == [0, 24]
    assert inbox.expected_h("R01", 2) == 48.0


async def test_the_end_of_one_source_is_not_the_end_of_all():
    inbox = inbox_of(*at(0), R02=at(0, 24))
    assert set(await inbox.gather(0)) == {"R01", "R02"}
    arrived = await inbox.gather(1)
    assert (told(arrived["R01"]), told(arrived["R02"])) == ([], [(24, True)])
    assert inbox.over == {"R01"}
    assert not inbox.is_over
    assert (await inbox.gather(2)) == {"R02": []}
    assert inbox.is_over
    assert await inbox.gather(3) == {}


async def test_samples_read_ahead_are_not_lost_at_the_end():
    inbox = inbox_of(*at(0, 72))
    assert await turns(inbox, 4) == [[(0, True)], [], [], [(72, True)]]


class TestFirstLook:
    async def test_reads_once_and_loses_nothing(self):
        inbox = inbox_of(*at(0, 24))
        await inbox.first_look()
        assert await turns(inbox, 2) == [[(0, True)], [(24, True)]]

    async def test_refuses_an_unusable_source(self):
        with pytest.raises(UnreadableSource):
            await inbox_of(UnreadableSource(("line 3: no number",))).first_look()

    async def test_an_overdue_first_sample_keeps_no_other_vessel_from_starting(self):
        inbox = inbox_of(SampleOverdue("Nothing came."), *at(24), R02=at(0, 24))
        await inbox.first_look()
        first, second = await inbox.gather(0), await inbox.gather(1)
        assert (told(first["R01"]), told(first["R02"])) == ([], [(0, True)])
        assert (told(second["R01"]), told(second["R02"])) == ([(24, True)], [(24, True)])


async def test_what_a_source_refuses_costs_no_sample_that_is_there():
    bad, again = UnreadableSource(("bad.csv: no number",)), UnreadableSource(("bad.csv: no number",))
    first, second = at(0, 24)
    assert await turns(inbox_of(first, bad, second), 2) == [[(0, True)], ["bad.csv: no number", (24, True)]]
    refused = await turns(inbox_of(first, bad, again, second), 3)
    assert refused[:2] == [[(0, True)], ["bad.csv: no number"]], "told once a turn, and not asked for ever"
    lost = await turns(inbox_of(first, NotConnected("no link"), second), 2)
    assert lost[1] == ["no link"], "a link that failed is tried in the next turn"
