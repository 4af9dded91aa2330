"""A run goes on with the clock and the sources of before, or not without a person's word."""

import asyncio
import json

import pytest

from perfusio.bed.policy import BEDPolicy
from perfusio.config import Mode
from perfusio.errors import ConfigError, UnreadableSource
from perfusio.record.verification.verify import read_records
from perfusio.testing import ManualClock
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.operators.orders import Order, give

from .waiting import Waits


async def until_it_waits(twin, connector):
    run = asyncio.ensure_future(twin.run())
    waiting = asyncio.ensure_future(connector.is_waiting.wait())
    await asyncio.wait({run, waiting}, return_when=asyncio.FIRST_COMPLETED)
    assert not run.done(), run.result()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run


def resumed(tmp_path, connector, persistence, alternating, **settings):
    return DigitalTwin.resume(tmp_path, connector=connector, model=persistence, policy=alternating, **settings)


def events(tmp_path, name):
    return [r.to_event() for r in read_records(tmp_path / "audit.jsonl") if r.event == name]


@pytest.mark.parametrize("back_s", [3.0, 86_400.0])
async def test_a_clock_that_was_set_back_stops_the_writing_until_a_person_says_so(
    make_twin, persistence, alternating, tmp_path, back_s
):
    first, clock = Waits(2), ManualClock()
    await until_it_waits(make_twin(first, days=9, mode=Mode.AUTOMATIC, clock=clock), first)
    assert len(first.written) == 2
    clock.step(seconds=-back_s)
    second = Waits(3, setpoints=first.in_force)
    await until_it_waits(resumed(tmp_path, second, persistence, alternating, clock=clock), second)
    assert second.written == []
    (stepped,) = events(tmp_path, "ClockStepped")
    assert stepped.step_s == pytest.approx(-back_s)
    (alarm,) = [e for e in events(tmp_path, "AlarmRaised") if e.quantity == "clock"]
    assert "perfusio mode RUN REACTOR automatic" in alarm.response
    assert [(e.before, e.mode, e.who) for e in events(tmp_path, "ModeChanged")] == [
        ("automatic", "advisory", "perfusio"),
    ]  # fmt: skip
    give(tmp_path, Order(act="mode", reactor="R01", value="automatic", who="A. Smith", why="The clock is right now."))
    clock.step(seconds=back_s + 10.0)
    third = Waits(4, setpoints=first.in_force)
    await until_it_waits(resumed(tmp_path, third, persistence, alternating, clock=clock), third)
    assert len(third.written) == 1
    cleared = [e.alarm for e in events(tmp_path, "AlarmChanged") if e.status == "cleared"]
    assert cleared == ["clock:act"]


async def test_two_seconds_are_no_step(make_twin, persistence, alternating, tmp_path):
    first, clock = Waits(2), ManualClock()
    await until_it_waits(make_twin(first, days=9, mode=Mode.AUTOMATIC, clock=clock), first)
    clock.step(seconds=-1.5)
    second = Waits(3, setpoints=first.in_force)
    await until_it_waits(resumed(tmp_path, second, persistence, alternating, clock=clock), second)
    assert events(tmp_path, "ClockStepped") == []
    assert len(second.written) == 1


class Told(Waits):
    """A vessel that hears where the run stood, and may say that it is another one."""

    def __init__(self, n_samples, *, is_other=False):
        super().__init__(n_samples)
        self.standing, self.is_other = None, is_other

    def goes_on(self, standing):
        if self.is_other:
            raise UnreadableSource(("samples.csv is another file: its first row says 3.1, not 20.",))
        super().goes_on(standing)
        self.standing = standing


async def test_each_connector_is_told_where_the_run_stood_before_anything_is_asked(
    make_twin, persistence, alternating, tmp_path
):
    first = Told(2)
    await until_it_waits(make_twin(first, days=9, mode=Mode.AUTOMATIC), first)
    assert first.standing is None, "a new run stands nowhere"
    second = Told(2)
    twin = resumed(tmp_path, second, persistence, alternating)
    assert [s.time_h for s in second.standing.states] == [0.0, 24.0]
    assert second.standing.done == first.in_force
    assert (second.standing.refused, second.standing.source["kind"]) == ((), "hardware")
    twin._inbox.close()


async def test_a_source_that_is_another_one_is_refused_and_nothing_is_on_record(
    make_twin, persistence, alternating, tmp_path
):
    first = Told(2)
    await until_it_waits(make_twin(first, days=9), first)
    before = (tmp_path / "audit.jsonl").read_bytes()
    with pytest.raises(UnreadableSource, match="another file"):
        resumed(tmp_path, Told(2, is_other=True), persistence, alternating)
    assert (tmp_path / "audit.jsonl").read_bytes() == before


async def test_a_file_that_is_away_keeps_no_run_from_going_on(make_twin, persistence, alternating, tmp_path):
    class Away(Waits):
        def describe(self):
            raise UnreadableSource(("samples.csv is not there.",))

    first = Waits(1)
    await until_it_waits(make_twin(first, days=9), first)
    second = Away(2)
    await until_it_waits(resumed(tmp_path, second, persistence, alternating), second)
    (gone_on,) = events(tmp_path, "RunResumed")
    assert gone_on.sources["R01"]["unreadable"] == "samples.csv is not there."
    assert len(events(tmp_path, "SampleRead")) == 2


async def test_how_long_a_vessel_was_silent_is_counted_over_a_restart(make_twin, persistence, alternating, tmp_path):
    first, clock = Waits(2), ManualClock()
    await until_it_waits(make_twin(first, days=9, clock=clock), first)
    clock.advance(hours=60)
    second = Waits(2)
    await until_it_waits(resumed(tmp_path, second, persistence, alternating, clock=clock), second)
    levels = [e.level for e in events(tmp_path, "AlarmRaised") if e.quantity == "sample"]
    assert levels == ["escalated"]
    began = json.loads((tmp_path / "audit.jsonl").read_text().splitlines()[0])["ts"]
    assert f"since {began[:10]} {began[11:16]} UTC" in events(tmp_path, "AlarmRaised")[-1].reason


async def test_a_run_goes_on_with_the_policy_and_model_that_it_was_begun_with(
    make_twin, persistence, alternating, tmp_path
):
    first = Waits(1)
    await until_it_waits(make_twin(first, days=9), first)
    started = events(tmp_path, "RunStarted")[0].config["decided_by"]
    assert [started[role]["class"].rpartition(".")[2] for role in ("policy", "model")] == ["Alternating", "Persistence"]
    before = (tmp_path / "audit.jsonl").read_bytes()
    for given in ({}, {"policy": alternating}, {"policy": BEDPolicy(), "model": persistence}):
        with pytest.raises(ConfigError, match=r"begun with|is another"):
            DigitalTwin.resume(tmp_path, connector=Waits(2), **given)
    assert (tmp_path / "audit.jsonl").read_bytes() == before
    second = Waits(1)
    twin = DigitalTwin.resume(
        tmp_path, connector=second, policy=BEDPolicy(), model=persistence, other=True
    )
    await until_it_waits(twin, second)
    (gone_on,) = events(tmp_path, "RunResumed")
    assert gone_on.decided_by["policy"]["class"] == "perfusio.bed.policy.BEDPolicy"
    third = Waits(1)
    await until_it_waits(DigitalTwin.resume(tmp_path, connector=third, model=persistence), third)
