"""What people order while a run goes on: carried out or answered, and always on record."""

import asyncio

import pytest

from perfusio.config import Mode
from perfusio.protocols import ConnectorKind
from perfusio.testing import ScriptedConnector, make_state
from perfusio.twin.operators import order_processor
from perfusio.twin.operators.orders import Order, give

pytestmark = pytest.mark.usefixtures("orders_at_turns")
WHO = {"who": "A. Smith", "why": "The pump is noisy."}


def vessels(n_days=5, **settings):
    return {r: ScriptedConnector([make_state(day=d) for d in range(n_days + 1)], **settings) for r in ("R01", "R02")}


def at(day, name, act, reactor="R01"):
    def observer(event):
        if (event.turn, event.reactor, type(event).__name__) == (day, reactor, name):
            act()

    return observer


def ordered(tmp_path, act, reactor="R01", value=""):
    return lambda: give(tmp_path, Order(act=act, reactor=reactor, value=value, **WHO))


async def test_a_mode_changes_from_the_next_turn_on(run_twin, tmp_path):
    connectors = vessels()
    run = await run_twin(
        connectors, days=5, observers=(at(1, "SetpointsWritten", ordered(tmp_path, "mode", value="advisory")),)
    )
    assert [len(c.written) for c in connectors.values()] == [2, 5]
    (changed,) = run.of("ModeChanged")
    assert (changed.reactor, changed.turn, changed.before, changed.mode) == ("R01", 2, "automatic", "advisory")
    assert (changed.who, changed.reason) == ("A. Smith", "The pump is noisy.")
    (acted,) = run.of("OperatorActed")
    assert (acted.act, acted.is_done, acted.answer) == ("mode advisory", True, "")
    assert list((tmp_path / "orders").iterdir()) == []
    assert [e.action for e in run.of("Withheld", reactor="R01")] == ["advise"] * 3


async def test_a_hold_by_order_is_the_file_and_another_mode_lifts_it(run_twin, tmp_path):
    connectors = vessels()
    hold, go = ordered(tmp_path, "mode", value="hold"), ordered(tmp_path, "mode", value="automatic")
    run = await run_twin(
        connectors, days=5, observers=(at(0, "SetpointsWritten", hold), at(2, "SampleRead", go))
    )
    assert [(e.turn, e.mode) for e in run.of("ModeChanged")] == [(1, "hold"), (3, "automatic")]
    assert {e.turn for e in run.of("SetpointsWritten", reactor="R01")} == {0, 3, 4}


async def test_a_vessel_whose_write_ended_badly_waits_until_it_is_released(run_twin, tmp_path):
    other = ScriptedConnector([]).in_force
    connector = ScriptedConnector([make_state(day=d) for d in range(6)])
    bad = iter([True, True, True, True])

    async def half(setpoints):
        connector.written.append(setpoints)
        from dataclasses import replace

        connector.in_force = replace(setpoints, agitation=900.0) if next(bad, False) else setpoints
        return connector.in_force

    connector.write_setpoints = half
    run = await run_twin(
        connector, days=5, observers=(at(2, "SampleRead", ordered(tmp_path, "release")),)
    )
    assert other.agitation != 900.0
    assert [e.turn for e in run.of("WritePartial")] == [0]
    assert [(e.turn, e.mode, e.who) for e in run.of("ModeChanged")] == [
        (0, "hold", "perfusio"), (3, "automatic", "A. Smith"),
    ]  # fmt: skip
    assert [e.turn for e in run.of("SetpointsWritten")] == [3, 4]
    assert [e.because for e in run.of("Withheld")] == []  # held: nothing was decided
    (raised,) = (a for a in run.of("AlarmRaised") if a.quantity != "target vcd")  # this culture stands still
    assert (raised.turn, raised.quantity, raised.level) == (0, "write", "act")
    assert raised.reason.startswith("A part is in force and could not be put back.")
    assert [(e.turn, e.alarm, e.status, e.who) for e in run.of("AlarmChanged")] == [
        (3, "write:act", "cleared", "A. Smith")
    ]  # no sample and no forecast ends it


@pytest.mark.parametrize("reactor", ["R07", ""])
async def test_orders_for_no_vessel_and_for_all(run_twin, tmp_path, reactor):
    run = await run_twin(
        vessels(3), days=3, observers=(at(0, "SampleRead", ordered(tmp_path, "mode", reactor, "manual")),)
    )
    if reactor:
        (acted,) = run.of("OperatorActed")
        assert not acted.is_done
        assert acted.answer == "R07 is not in this run now; it has R01, R02."
        assert run.of("ModeChanged") == []
    else:
        assert [e.reactor for e in run.of("ModeChanged")] == ["R01", "R02"]


class Slow(ScriptedConnector):
    """A vessel whose samples come a moment apart, so that there is time between them."""

    def __init__(self, *args, **settings):
        super().__init__(*args, **settings)
        self.go_on = asyncio.Event()

    async def read_sample(self):
        sample = await super().read_sample()
        if sample.day >= 2:
            await asyncio.wait_for(self.go_on.wait(), 20)
        return sample


@pytest.mark.parametrize("act", ["approve", "reject"])
async def test_advice_is_written_once_it_is_approved_and_not_before(run_twin, tmp_path, monkeypatch, act):
    monkeypatch.setattr(order_processor, "LOOKS_EVERY_S", 0.01)
    connector = Slow([make_state(day=d) for d in range(4)], kind=ConnectorKind.HARDWARE)

    keys = {}

    def go_on(event):
        if type(event).__name__ == "Decided":
            keys[event.turn] = event.key
        elif type(event).__name__ == "Withheld" and event.turn == 1:
            ordered(tmp_path, "approve", value=keys[0])()  # of yesterday
        elif type(event).__name__ == "OperatorActed" and event.key == keys[0]:
            ordered(tmp_path, act, value=keys[1])()
        elif type(event).__name__ == "OperatorActed" and event.is_done:
            ordered(tmp_path, "approve", value=keys[1])()  # a second time
        elif type(event).__name__ == "OperatorActed":
            connector.go_on.set()

    run = await run_twin(connector, days=3, observers=(go_on,))
    old, first, again = run.of("OperatorActed")
    decided = run.of("Decided", day=1)[0]
    assert (old.is_done, old.key) == (False, run.of("Decided", day=0)[0].key)
    assert (first.act, first.is_done, first.key) == (act, True, decided.key)
    assert "does not wait any more" in again.answer
    assert connector.written == ([decided.setpoints] if act == "approve" else [])
    if act == "approve":
        assert [e.key for e in run.of("WriteIntended", "SetpointsWritten")] == [decided.key] * 2
    assert run.twin.mode("R01") is Mode.ADVISORY


@pytest.mark.parametrize(("act", "hours", "status"), [("acknowledge", 0.0, "acknowledged"), ("shelve", 8.0, "shelved")])
async def test_an_alarm_that_a_person_has_seen(run_twin, tmp_path, act, hours, status):
    connector = ScriptedConnector([make_state(day=d, viability=90.0) for d in range(4)])

    def seen():
        for alarm in ("viability:act", "glucose:act"):
            give(tmp_path, Order(act=act, reactor="R01", value=alarm, hours=hours, **WHO))

    run = await run_twin(connector, days=3, observers=(at(0, "SampleRead", seen),))
    done, refused = run.of("OperatorActed")
    assert (done.is_done, refused.is_done) == (True, False)
    assert "No such alarm is active. Active: viability:act" in refused.answer
    changed = [e for e in run.of("AlarmChanged") if e.who]
    assert [(e.alarm, e.status, e.who) for e in changed] == [("viability:act", status, "A. Smith")]


async def test_a_refit_waits_for_a_person_where_that_is_asked(run_twin, tmp_path):
    adopt = ordered(tmp_path, "adopt", "")
    run = await run_twin(
        ScriptedConnector([make_state(day=d) for d in range(6)]), days=5, retrain_every=2, model_update="approve",
        observers=(at(3, "SampleRead", adopt),),
    )  # fmt: skip
    assert run.of("ModelRejected") == []
    (waiting,) = run.of("ModelWaiting")  # adopted on day 4, that is its refit
    assert (waiting.turn, waiting.model_id, waiting.file) == (2, "persistence-1", "")
    assert "waits: perfusio adopt" in waiting.reason
    assert [(e.turn, e.model_id) for e in run.of("ModelFitted")] == [(4, "persistence-1")]
    assert run.twin.model.version == 1
    (acted,) = run.of("OperatorActed")
    assert (acted.act, acted.is_done) == ("adopt", True)


async def test_a_frozen_model_is_not_refitted(run_twin, tmp_path):
    run = await run_twin(
        ScriptedConnector([make_state(day=d) for d in range(6)]), days=5, retrain_every=2, model_update="frozen",
        observers=(at(3, "SampleRead", ordered(tmp_path, "adopt", "")),),
    )  # fmt: skip
    assert run.of("ModelFitted", "ModelWaiting", "ModelRejected") == []
    assert run.of("OperatorActed")[0].answer == "No refit waits for approval."


async def test_a_folder_of_orders_that_fails_costs_no_run_and_no_order_is_carried_out_twice(
    run_twin, tmp_path, monkeypatch
):
    rightly, looks = order_processor.waiting, []

    def failing_at_first(run_dir, but_not=()):
        looks.append(run_dir)
        if len(looks) == 1:
            raise OSError(5, "Input/output error")
        return rightly(run_dir, but_not)

    def stays(path, missing_ok=False):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(order_processor, "waiting", failing_at_first)
    monkeypatch.setattr(type(tmp_path), "unlink", stays)
    run = await run_twin(
        vessels(4), days=4, observers=(at(0, "SetpointsWritten", ordered(tmp_path, "mode", value="advisory")),)
    )
    assert run.counts == ("COMPLETED", 10, 8)
    assert [e.act for e in run.of("OperatorActed")] == ["mode advisory"]
