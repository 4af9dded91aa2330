"""Samples find the turn they belong to, whatever is late, early, missing or broken."""

import asyncio
from dataclasses import replace
from math import nan

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import NotConnected, SampleOverdue, UnreadableSource
from perfusio.process import CHO_PERFUSION, Species
from perfusio.protocols import ConnectorKind
from perfusio.state import Setpoints, State
from perfusio.testing import ManualClock, ScriptedConnector, in_virtual_time, make_state
from perfusio.twin.samples.inbox import Inbox
from perfusio.twin.samples.sampling_schedule import SamplingSchedule
from perfusio.twin.timeouts import Patience

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal


def inbox_of(*script, **others):
    connectors = {"R01": ScriptedConnector(script)}
    connectors |= {name: ScriptedConnector(steps) for name, steps in others.items()}
    return Inbox(connectors, 24.0)


def at(*hours):
    return [make_state(time_h=float(h)) for h in hours]


def told(arrivals):
    """What arrived, in short: (hour, is it due)."""
    return [(a.sample.time_h, a.is_due) if a != "over" else "over" for a in arrivals]


class Troubles:
    """Notes how reading went."""

    def __init__(self):
        self.told = []

    def failed(self, reactor, operation, reason):
        self.told.append((reactor, operation, reason))

    def recovered(self, reactor, seconds):
        self.told.append((reactor, "recovered", seconds))


def read(connectors, n, *, samples_s=6 * 3600.0):
    """Read so many turns in virtual time; return what arrived for each vessel, the troubles, and the clock."""
    clock, troubles = ManualClock(), Troubles()
    inbox = Inbox(
        connectors, 24.0, Patience(samples_s=samples_s).on(clock), pace=SamplingSchedule(clock, 24.0), clock=clock,
        troubles=troubles,
    )  # fmt: skip

    async def main():
        return [{r: told(a) for r, a in (await inbox.gather(turn)).items()} for turn in range(n)]

    return in_virtual_time(main(), clock), troubles.told, clock


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


def test_a_read_that_fails_is_tried_again_until_the_sample_is_there():
    steps = [NotConnected("The cable is out.")] * 3
    arrived, troubles, clock = read({"R01": ScriptedConnector([*at(0), *steps, *at(24)])}, 2)
    assert arrived == [{"R01": [(0, True)]}, {"R01": [(24, True)]}]
    assert troubles == [("R01", "read_sample", "The cable is out."), ("R01", "recovered", 7.0)]
    assert clock.monotonic_ns() == 7 * 10**9, "after 1, 2 and 4 s"


def test_it_is_tried_at_least_every_minute():
    steps = [NotConnected("The cable is out.")] * 60
    _, troubles, _ = read({"R01": ScriptedConnector([*at(0), *steps, *at(24)])}, 2)
    assert troubles[-1] == ("R01", "recovered", 63.0 + 54 * 60.0)


@pytest.mark.parametrize("error", [ZeroDivisionError("in a driver"), OSError("too many files"), MemoryError("full")])
def test_an_error_that_no_connector_may_raise_is_one_vessels_trouble_all_the_same(error):
    connectors = {"R01": ScriptedConnector([*at(0), error, *at(24)]), "R02": ScriptedConnector(at(0, 24))}
    arrived, troubles, _ = read(connectors, 2)
    assert arrived[1] == {"R01": [(24, True)], "R02": [(24, True)]}
    assert troubles == [("R01", "read_sample", f"{type(error).__name__}: {error}"), ("R01", "recovered", 1.0)]


class Slow(ScriptedConnector):
    """Each sample after the first comes so many hours after the one before."""

    def __init__(self, clock, hours, **settings):
        super().__init__(at(*(24 * i for i in range(len(hours) + 1))), kind=ConnectorKind.HARDWARE, **settings)
        self.clock, self.hours = clock, iter([0, *hours])

    async def read_sample(self):
        await self.clock.sleep(3600.0 * next(self.hours, 0))
        return await super().read_sample()


@pytest.mark.parametrize(
    ("hours", "turns"),
    [
        ([24, 24], [[(0, True)], [(24, True)], [(48, True)]]),
        ([40, 8], [[(0, True)], [(24, True)], [(48, True)]]),  # late, and still in its turn
        ([49, 1], [[(0, True)], [], [(24, False), (48, True)]]),  # the next one was due
        ([80, 0], [[(0, True)], [], []]),
    ],
)
def test_the_turn_of_a_live_vessel_ends_with_its_sample_or_when_the_next_one_is_due(hours, turns):
    clock, troubles = ManualClock(), Troubles()
    pace = SamplingSchedule(clock, 24.0)
    inbox = Inbox({"R01": Slow(clock, hours)}, 24.0, pace=pace, clock=clock, troubles=troubles)

    async def main():
        found = []
        for turn in range(3):
            arrived = (await inbox.gather(turn))["R01"]
            for arrival in arrived:
                pace.begins("R01", turn, hour=arrival.sample.time_h)
            found.append(told(arrived))
        return found

    assert in_virtual_time(main(), clock) == turns
    assert troubles.told == []


def test_the_first_sample_of_a_live_vessel_is_waited_for():
    clock = ManualClock()
    inbox = Inbox({"R01": Slow(clock, [])}, 24.0, clock=clock)
    inbox._readers["R01"].connector.hours = iter([200])

    async def main():
        return told((await inbox.gather(0))["R01"])

    assert in_virtual_time(main(), clock) == [(0, True)]


def test_a_live_vessel_that_says_overdue_is_waited_for_and_a_simulated_one_has_lost_its_sample():
    overdue = [SampleOverdue("Nothing came.")] * 5
    for kind, turns in ((ConnectorKind.HARDWARE, [(24, True)]), (ConnectorKind.SIMULATED, [])):
        arrived, troubles, _ = read({"R01": ScriptedConnector([*at(0), *overdue, *at(24)], kind=kind)}, 2)
        assert arrived[1]["R01"] == turns
        assert troubles == [], "it answers"


def test_in_a_fleet_the_others_go_on_after_their_patience():
    down = [NotConnected("No link.")] * 500
    connectors = {"R01": ScriptedConnector([*at(0), *down, *at(24)]), "R02": ScriptedConnector(at(0, 24, 48))}
    arrived, troubles, clock = read(connectors, 2, samples_s=3600.0)
    assert arrived[1] == {"R01": [], "R02": [(24, True)]}
    assert clock.monotonic_ns() == 3600 * 10**9
    assert troubles == [("R01", "read_sample", "No link.")], "told once"


async def test_what_is_waited_for_can_be_asked():
    clock = ManualClock()
    inbox = Inbox({"R01": Slow(clock, [24])}, 24.0, pace=SamplingSchedule(clock, 24.0), clock=clock)
    await inbox.gather(0)
    inbox._pace.begins("R01", 0, hour=0.0)
    waiting = asyncio.ensure_future(inbox.gather(1))
    await asyncio.sleep(0)
    (wait,) = inbox.waits().values()
    assert (wait.turn, wait.since_ns, wait.until_ns) == (1, 0, 48 * 3600 * 10**9)
    for _ in range(3):
        await asyncio.sleep(0)
    clock.advance(hours=24)
    await waiting
    assert inbox.waits() == {}


async def test_setpoints_that_cannot_be_read_are_unknown_and_the_sample_counts():
    connector = ScriptedConnector(at(0))
    connector.in_force = NotConnected("No answer.")
    troubles = Troubles()
    (arrival,) = (await Inbox({"R01": connector}, 24.0, troubles=troubles).gather(0))["R01"]
    assert troubles.told == [("R01", "read_setpoints", "No answer.")]
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


def test_what_a_source_refuses_costs_no_sample_that_is_there():
    bad = UnreadableSource(("bad.csv: no number",))
    arrived, troubles, _ = read({"R01": ScriptedConnector([*at(0), bad, bad, *at(24)])}, 2)
    assert arrived == [{"R01": [(0, True)]}, {"R01": [(24, True)]}]
    assert troubles == [("R01", "read_sample", "bad.csv: no number"), ("R01", "recovered", 3.0)]


async def test_a_signal_between_samples_is_taken_in_and_ends_no_turn():
    panel = CHO_PERFUSION.with_(Species("capacitance", unit="1e6 cells/mL", role="signal", measures="vcd"))

    def read(hour, **values):
        return State.of_values(panel, float(hour), values)

    script = [read(0, vcd=1.0), read(6, capacitance=1.2), read(13, capacitance=1.3), read(24, capacitance=1.8),
              read(24.5, vcd=2.0), read(30, capacitance=2.2)]  # fmt: skip
    inbox = Inbox({"R01": ScriptedConnector(script)}, 24.0, process=panel)
    assert told((await inbox.gather(0))["R01"]) == [(0.0, True)]
    assert told((await inbox.gather(1))["R01"]) == [(6.0, False), (13.0, False), (24.0, False), (24.5, True)]
    late = [*script[:4], read(37, capacitance=2.5), read(24.5, vcd=2.0), read(48, vcd=3.0)]
    inbox = Inbox({"R01": ScriptedConnector(late)}, 24.0, process=panel)
    await inbox.gather(0)
    assert told((await inbox.gather(1))["R01"])[-2:] == [(37.0, False), (24.5, True)], "the sample was only late"
    assert told((await inbox.gather(2))["R01"]) == [(48.0, True)]
    asked = Inbox({"R01": ScriptedConnector(script)}, 24.0, decides_on_signals=True, process=panel)
    await asked.gather(0)
    assert told((await asked.gather(1))["R01"]) == [(6.0, False), (13.0, True)]
