"""A program that stands in for a twin that is gone: it takes over, decides, gives back; no vessel is changed twice."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from perfusio.bed.model_free.policy import ModelFreeMPC
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import RunConfig
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.errors import VesselTaken
from perfusio.record.journal import WriterLock
from perfusio.record.verification import verify_alone
from perfusio.record.verification.verify import read_records, verify
from perfusio.selftest.quiet_vessel import QuietVessel
from perfusio.testing import ManualClock, SteadyModel
from perfusio.testing.clock import in_virtual_time
from perfusio.testing.fakes import SteppingPolicy
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.fallback import is_stood_in, standing_in, take_back, until_alone
from perfusio.twin.loop.ending import GivenBack
from perfusio.twin.operators import order_processor
from perfusio.twin.replay import Replay
from perfusio.twin.run_view import view
from perfusio.twin.stop import stop

from .waiting import Waits

MPC = "model-free-mpc"


class Killed(BaseException):
    """What no code of a twin catches: nothing more goes on record."""


def killed_after(n):
    """Return an observer that kills its program after so many records; 0 = never."""
    seen = 0

    def observe(_):
        nonlocal seen
        seen += 1
        if seen == n:
            raise Killed

    return observe


class Lasting(QuietVessel):
    """A vessel that outlives programs: each reads from the first sample on; the vessel's own log bears witness."""

    def __init__(self, n_days):
        super().__init__(n_days)
        self.n_days, self.latest, self.witness = n_days, -1, []

    async def read_sample(self):
        sample = await super().read_sample()
        self.latest = max(self.latest, self._day)
        return sample

    async def write_setpoints(self, setpoints):
        self.witness.append((self.latest, setpoints))
        return await super().write_setpoints(setpoints)

    def anew(self):
        self._day = -1
        return self


def config(run_dir, days):
    return RunConfig(duration_days=days, retrain_every=2, n_paths=16, forecast_days=2, run_dir=run_dir)


def begun(run_dir, vessel, *, days, observers=(), policy=None):
    return DigitalTwin(
        connector=vessel, design_space=SPACE, run_config=config(run_dir, days), model=SteadyModel(),
        policy=policy or SteppingPolicy(), observers=observers,
    )  # fmt: skip


def gone_on(run_dir, vessel, observers=()):
    return DigitalTwin.resume(
        run_dir, connector=vessel, model=SteadyModel(), policy=SteppingPolicy(), observers=observers
    )


async def lived(twin):
    """Run a program; return whether the run is over."""
    try:
        await twin.run()
    except Killed:
        return view(twin.config.run_dir).ended is not None
    return True


def problems(run_dir, vessel):
    """Hold the vessel's own log against the record of a finished run."""
    report = verify(run_dir / "audit.jsonl")
    assert report.is_intact, report.problems
    assert report.is_finished
    data, heads = ((run_dir / name).read_bytes() for name in ("audit.jsonl", "audit.heads"))
    assert verify_alone.verdict(data, heads) == (0, [])
    records = list(read_records(run_dir / "audit.jsonl"))
    days = [r.turn for r in records if r.event == "SampleRead"]
    intents = [r.to_event().new for r in records if r.event == "WriteIntended"]
    keys = Counter(r.payload["key"] for r in records if r.event == "Decided")
    writes = Counter(day for day, _ in vessel.witness)
    return (
        [f"days {days}"] * (days != list(range(vessel.n_days + 1)))
        + [f"changed twice on day {day}" for day, n in writes.items() if n > 1]
        + [f"decided twice: {key}" for key, n in keys.items() if n > 1]
        + ["changed without an intent" for _, asked in vessel.witness if asked not in intents]
    )


async def test_twin_and_fallback_killed_at_every_record_change_no_vessel_twice(tmp_path):
    whole = Lasting(2)
    assert await lived(begun(tmp_path / "whole", whole, days=2))
    n_records = len(list(read_records(tmp_path / "whole" / "audit.jsonl")))
    assert problems(tmp_path / "whole", whole) == []
    found, n_stood_in = {}, 0
    for n in range(2, n_records):
        run_dir, vessel = tmp_path / str(n), Lasting(2)
        is_over = await lived(begun(run_dir, vessel, days=2, observers=(killed_after(n),)))
        for later in (1 + n % 7, 0):  # killed in its turn after a few records, and then not
            if not is_over:
                is_over = await lived(
                    standing_in(run_dir, connector=vessel.anew(), observers=(killed_after(later),))
                )
        assert is_over
        n_stood_in += any(r.event == "DeciderChanged" for r in read_records(run_dir / "audit.jsonl"))
        if wrong := problems(run_dir, vessel):
            found[n] = wrong
    assert found == {}
    assert n_stood_in > 0.8 * (n_records - 3)


async def test_it_says_who_decides_and_the_twin_decides_again_when_it_is_back(tmp_path):
    vessel = Lasting(8)
    at_day = {3: Killed, 6: Killed}

    def until(day):
        def observe(event):
            if type(event).__name__ == "SetpointsWritten" and event.turn == day:
                raise at_day[day]

        return observe

    assert not await lived(begun(tmp_path, vessel, days=8, observers=(until(3),)))
    assert not await lived(standing_in(tmp_path, connector=vessel.anew(), observers=(until(6),)))
    assert await lived(gone_on(tmp_path, vessel.anew()))
    assert problems(tmp_path, vessel) == []
    records = list(read_records(tmp_path / "audit.jsonl"))
    changes = [r.to_event() for r in records if r.event == "DeciderChanged"]
    assert [(e.before, e.decider, e.cause) for e in changes] == [
        ("twin", MPC, "program"), (MPC, "twin", "recovered"),
    ]  # fmt: skip
    (alarm,) = [r.to_event() for r in records if r.event == "AlarmRaised" and r.payload["quantity"] == "decider"]
    assert alarm.level == "act"
    assert "No twin runs" in alarm.reason
    assert "perfusio resume" in alarm.response
    assert [r.payload["alarm"] for r in records if r.event == "AlarmChanged"].count("decider:act") == 1
    by = {r.turn: r.payload["acquisition"] for r in records if r.event == "Decided"}
    assert [day for day, name in by.items() if name == MPC] == [4, 5, 6]
    assert {r.payload["model_id"] for r in records if r.event == "Decided" and r.turn in (4, 5, 6)} == {"counts"}
    assert not [r for r in records if r.event == "ModelRejected"]
    replayed = list(Replay(tmp_path, policy=SteppingPolicy(), model=SteadyModel(), tolerance=1e-9).compared())
    assert [c.turn for c in replayed] == list(range(8))
    assert [c.difference for c in replayed if c.difference] == []


async def test_it_gives_the_vessels_back_when_the_twin_asks(tmp_path, monkeypatch):
    monkeypatch.setattr(order_processor, "LOOKS_EVERY_S", 0.01)
    first = Waits(2)
    with pytest.raises(Killed):
        await begun(tmp_path, first, days=9, observers=(killed_after(3),)).run()
    assert not is_stood_in(view(tmp_path))
    assert not await take_back(tmp_path)
    second = Waits(2)
    standing = asyncio.ensure_future(standing_in(tmp_path, connector=second).run())
    await asyncio.wait({standing, asyncio.ensure_future(second.is_waiting.wait())}, return_when="FIRST_COMPLETED")
    assert is_stood_in(view(tmp_path))
    assert await take_back(tmp_path)
    with pytest.raises(GivenBack):
        await standing
    last = [r.event for r in read_records(tmp_path / "audit.jsonl")][-2:]
    assert last == ["OperatorActed", "RunInterrupted"]
    assert not is_stood_in(view(tmp_path))


def test_it_waits_as_long_as_a_program_is_there_and_then_for_as_long_as_it_was_told(tmp_path):
    clock = ManualClock()

    async def waited(after_s, busy_s=0.0):
        start = clock.monotonic_ns()
        lock = WriterLock(tmp_path / "audit.jsonl") if busy_s else None
        watching = asyncio.ensure_future(until_alone(tmp_path, after_s=after_s, clock=clock))
        if lock is not None:
            await clock.sleep(busy_s)
            assert not watching.done()
            lock.release()
        return await watching, (clock.monotonic_ns() - start) / 1e9

    async def tried():
        assert not await lived(begun(tmp_path, Lasting(3), days=3, observers=(killed_after(5),)))
        assert await waited(0.0) == (True, 0.0)
        assert await waited(600.0) == (True, pytest.approx(600.0, abs=2.0))
        assert await waited(600.0, busy_s=3600.0) == (True, pytest.approx(4200.0, abs=2.0))
        stop(tmp_path, who="A. Smith", why="The culture is harvested.")
        assert await waited(600.0) == (False, 0.0)

    in_virtual_time(tried(), clock)


async def test_a_lease_that_has_not_lapsed_is_not_taken(tmp_path):
    class Leased(Lasting):
        async def take(self, holder):
            raise VesselTaken("R01 is written by another.")

        async def give_back(self):
            pass

    vessel = Lasting(3)
    assert not await lived(begun(tmp_path, vessel, days=3, observers=(killed_after(8),)))
    n = len(list(read_records(tmp_path / "audit.jsonl")))
    with pytest.raises(VesselTaken):
        await standing_in(tmp_path, connector=Leased(3)).run()
    assert len(list(read_records(tmp_path / "audit.jsonl"))) == n


@pytest.mark.parametrize("day", [3, 9, 20])
async def test_a_culture_whose_twin_was_killed_stays_at_its_target(tmp_path, day):
    """Own clone, twin killed on that day of its run; the truth is the plant's own."""
    rig, truth = SimulatedAmbr250(days=day + 14, seed=day), {}

    def kill(event):
        if type(event).__name__ == "SetpointsWritten" and event.turn == day:
            raise Killed

    def look(event):
        if type(event).__name__ == "SampleRead":
            truth[event.turn] = rig.vessels()["R01"].true_state()

    assert not await lived(begun(tmp_path, rig, days=day + 14, observers=(kill,), policy=ModelFreeMPC()))
    assert await lived(standing_in(tmp_path, connector=rig, observers=(look,)))
    assert sorted(truth) == list(range(day + 1, day + 15))
    assert min(s.viability for s in truth.values()) >= 95.0
    assert max(s.vcd for s in truth.values()) <= 1.25 * 30.0
    assert min(s.vcd for turn, s in truth.items() if turn >= 10) >= 0.75 * 30.0
