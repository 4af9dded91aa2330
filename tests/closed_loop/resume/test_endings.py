"""Only the planned length, the end of the source, or a person closes a run; whatever else happens, it can go on."""

import asyncio
from dataclasses import replace

import pytest

from perfusio.config import Mode
from perfusio.errors import AuditError, ConfigError, RecordInUse
from perfusio.record.verification.verify import read_records, verify
from perfusio.testing import ScriptedConnector, make_state
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.operators.orders import Order, give
from perfusio.twin.stop import stop

from .waiting import Waits

WHO_WHY = {"who": "A. Smith", "why": "The culture is harvested."}


async def interrupted(make_twin, connector, **settings):
    """Run a twin until it waits, and interrupt it as Ctrl-C does."""
    run = asyncio.ensure_future(make_twin(connector, days=9, **settings).run())
    await connector.is_waiting.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run


async def test_a_person_ends_a_running_twin(make_twin, tmp_path):
    connector = Waits(3)
    run = asyncio.ensure_future(make_twin(connector, days=9).run())
    await connector.is_waiting.wait()
    give(tmp_path, Order(act="stop", reactor="", **WHO_WHY))
    result = await run
    assert (result.outcome.name, result.n_samples) == ("STOPPED", 3)
    acted, ended = list(read_records(tmp_path / "audit.jsonl"))[-2:]
    assert (acted.event, acted.payload["act"], acted.payload["who"]) == ("OperatorActed", "stop", "A. Smith")
    assert (ended.event, ended.reason) == ("RunEnded", "The run was stopped by A. Smith: The culture is harvested.")
    assert verify(tmp_path / "audit.jsonl").outcome == "STOPPED"


async def test_a_write_that_is_under_way_ends_before_the_run_does(make_twin, tmp_path):
    is_writing, may_end = asyncio.Event(), asyncio.Event()

    class Slow(Waits):
        async def write_setpoints(self, setpoints):
            is_writing.set()
            await may_end.wait()
            return await super().write_setpoints(setpoints)

    run = asyncio.ensure_future(make_twin(Slow(3), days=9, mode=Mode.AUTOMATIC).run())
    await is_writing.wait()
    give(tmp_path, Order(act="stop", reactor="", **WHO_WHY))
    while (tmp_path / "orders").exists() and list((tmp_path / "orders").glob("*.json")):
        await asyncio.sleep(0.01)
    may_end.set()
    assert (await run).outcome.name == "STOPPED"
    events = [r.event for r in read_records(tmp_path / "audit.jsonl")]
    assert events[-3:] == ["OperatorActed", "SetpointsWritten", "RunEnded"]


async def test_an_interrupted_run_goes_on_or_is_ended_by_a_person(make_twin, persistence, alternating, tmp_path):
    path = tmp_path / "audit.jsonl"
    await interrupted(make_twin, Waits(2))
    assert list(read_records(path))[-1].event == "RunInterrupted"
    with pytest.raises(AuditError, match="--fresh"):
        await make_twin(Waits(2), days=9).run()
    again = Waits(3)
    run = asyncio.ensure_future(
        DigitalTwin.resume(tmp_path, connector=again, model=persistence, policy=alternating).run()
    )
    await again.is_waiting.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert [r.turn for r in read_records(path) if r.event == "SampleRead"] == [0, 1, 2]
    assert stop(tmp_path, **WHO_WHY), "no twin runs: it is ended here"
    report = verify(path)
    assert (report.is_intact, report.outcome) == (True, "STOPPED")
    with pytest.raises(AuditError, match="is finished"):
        stop(tmp_path, **WHO_WHY)


async def test_a_stop_names_who_and_why_and_needs_a_run(tmp_path, make_twin):
    with pytest.raises(AuditError, match="cannot be read"):
        stop(tmp_path, **WHO_WHY)
    await interrupted(make_twin, Waits(1))
    with pytest.raises(ConfigError, match="--why has 0 characters"):
        stop(tmp_path, who="A. Smith", why="")
    assert not verify(tmp_path / "audit.jsonl").is_finished


async def test_while_a_twin_runs_a_stop_is_an_order(make_twin, tmp_path):
    connector = Waits(1)
    run = asyncio.ensure_future(make_twin(connector, days=9).run())
    await connector.is_waiting.wait()
    with pytest.raises(RecordInUse):
        await make_twin(Waits(1), days=9).run()
    assert not stop(tmp_path, **WHO_WHY)
    assert (await run).outcome.name == "STOPPED"


async def test_an_error_of_our_own_leaves_a_run_that_goes_on(
    make_twin, persistence, alternating, tmp_path, monkeypatch
):
    from perfusio.twin.alarms.alarm_handling import Lookout

    days = [make_state(day=d) for d in range(4)]
    with monkeypatch.context() as patched:
        patched.setattr(Lookout, "after_decisions", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await make_twin(ScriptedConnector(days), days=3).run()
    nominal = replace(ScriptedConnector([]).in_force)
    twin = DigitalTwin.resume(
        tmp_path, connector=ScriptedConnector(days, setpoints=nominal), model=persistence, policy=alternating
    )
    assert (await twin.run()).outcome.name == "COMPLETED"
