"""A person holds a vessel: nothing is written from that moment on, whatever the twin is doing, until it is released."""

from dataclasses import replace

import pytest

from perfusio.config import Mode
from perfusio.protocols import ConnectorKind
from perfusio.testing import ScriptedConnector, make_state
from perfusio.twin.operators.orders import Order, give
from perfusio.twin.state.hold import FILE, Word, make_hold

pytestmark = pytest.mark.usefixtures("orders_at_turns")
WORD = Word(who="A. Smith", why="The pump is noisy.")


def vessels(n_days=5, **values):
    return {r: ScriptedConnector([make_state(day=d, **values) for d in range(n_days + 1)]) for r in ("R01", "R02")}


def at(day, name, act, reactor="R01"):
    """An observer that acts once, when the named fact of a vessel on a day has become durable."""

    def observer(event):
        if (event.turn, event.reactor, type(event).__name__) == (day, reactor, name):
            act()

    return observer


def held(tmp_path, reactor=None):
    return lambda: make_hold(tmp_path, reactor, WORD)


def released(tmp_path, reactor=""):
    return lambda: give(tmp_path, Order(act="release", reactor=reactor, who="B. Jones", why="The pump was changed."))


async def test_a_hold_after_the_decision_stops_the_write_of_that_very_day(run_twin, tmp_path):
    connectors = vessels()
    run = await run_twin(connectors, days=5, observers=(at(2, "Decided", held(tmp_path, "R01")),))
    assert [len(connectors[r].written) for r in ("R01", "R02")] == [2, 5]
    assert run.of("WriteIntended", reactor="R01", day=2) == []
    (withheld,) = run.of("Withheld", reactor="R01")
    assert withheld.because == ("Held by A. Smith: The pump is noisy.",)
    (changed,) = run.of("ModeChanged")
    assert (changed.reactor, changed.turn, changed.before, changed.mode) == ("R01", 2, "automatic", "hold")
    assert (changed.who, changed.reason) == ("A. Smith", "The pump is noisy.")
    assert len(run.of("Forecasted", reactor="R01")) >= 3  # it is still watched
    assert run.of("AlarmRaised", reactor="R01") == []  # a person ordered it: that is no fault, and no target is missed
    assert run.counts[0] == "COMPLETED"


async def test_a_hold_after_the_guard_has_let_a_write_pass_stops_it_still(run_twin, tmp_path):
    connectors = vessels(3)
    run = await run_twin(connectors, days=3, observers=(at(1, "WriteIntended", held(tmp_path, "R02"), reactor="R01"),))
    assert [len(c.written) for c in connectors.values()] == [3, 1]
    (withheld,) = run.of("Withheld", reactor="R02")
    assert withheld.because == ("Held by A. Smith: The pump is noisy.",)
    assert [(e.turn, e.mode) for e in run.of("ModeChanged")] == [(1, "hold")]


async def test_another_mode_after_the_guard_has_let_a_write_pass_is_what_it_says(run_twin, tmp_path):
    """What was to be written is advice now, and can be approved."""
    connector = ScriptedConnector([make_state(day=d) for d in range(3)])

    def made(twin):
        judge = twin._hands.judge

        def then_advisory(turn, decisions):
            verdicts = judge(turn, decisions)
            if turn == 1:
                twin._modes.change_mode("R01", turn, Mode.ADVISORY, WORD)
            return verdicts

        twin._hands.judge = then_advisory

    run = await run_twin(connector, days=2, made=made)
    (withheld,) = run.of("Withheld")
    assert (withheld.turn, withheld.action) == (1, "advise")
    assert len(connector.written) == 1


async def test_released_it_goes_on(run_twin, tmp_path):
    connectors = vessels()
    run = await run_twin(
        connectors,
        days=5,
        observers=(at(1, "SampleRead", held(tmp_path)), at(3, "SampleRead", released(tmp_path))),
    )
    assert [len(c.written) for c in connectors.values()] == [2, 2]  # days 0 and 4: orders are looked at before a turn
    changes = [(e.turn, e.mode, e.who) for e in run.of("ModeChanged", reactor="R02")]
    assert changes == [(1, "hold", "A. Smith"), (4, "automatic", "B. Jones")]
    assert [(e.reactor, e.act, e.is_done) for e in run.of("OperatorActed")] == [
        ("R01", "release", True),
        ("R02", "release", True),
    ]


async def test_who_releases_all_does_not_release_the_one_that_is_held_by_itself(run_twin, tmp_path):
    connectors = vessels(4)
    make_hold_of_one = at(0, "SampleRead", held(tmp_path, "R01"))
    hold_all, release_all = at(1, "SampleRead", held(tmp_path)), at(2, "SampleRead", released(tmp_path))
    run = await run_twin(connectors, days=4, observers=(make_hold_of_one, hold_all, release_all))
    assert [len(c.written) for c in connectors.values()] == [0, 2]
    refused, done = run.of("OperatorActed")
    assert (refused.reactor, done.reactor, done.is_done) == ("R01", "R02", True)
    assert refused.answer == (
        "It is held by itself (A. Smith: The pump is noisy.): perfusio release RUN R01 releases it."
    )


async def test_a_release_or_a_mode_of_one_vessel_does_not_end_what_holds_all(run_twin, tmp_path):
    connectors = vessels(3)

    def orders():
        released(tmp_path, "R01")()
        give(tmp_path, Order(act="mode", reactor="R02", value="automatic", who="B. Jones", why="It is well."))

    run = await run_twin(
        connectors, days=3, observers=(at(0, "SampleRead", held(tmp_path)), at(1, "SampleRead", orders))
    )
    assert [len(c.written) for c in connectors.values()] == [0, 0]
    assert {e.answer for e in run.of("OperatorActed")} == {
        "All vessels are held (A. Smith: The pump is noisy.): perfusio release RUN, without a vessel, releases them."
    }
    assert {e.mode for e in run.of("ModeChanged")} == {"hold"}


async def test_an_order_that_was_given_before_a_hold_does_not_end_it(run_twin, tmp_path):
    connectors = vessels(3)

    def in_the_wrong_order():
        give(tmp_path, Order(act="mode", reactor="R01", value="automatic", who="B. Jones", why="It is well."))
        import time

        time.sleep(0.05)  # the clock of a file system is coarse
        make_hold(tmp_path, "R01", WORD)

    run = await run_twin(connectors, days=3, observers=(at(1, "SampleRead", in_the_wrong_order),))
    assert len(connectors["R01"].written) == 1
    (acted,) = run.of("OperatorActed")
    assert not acted.is_done
    assert acted.answer.startswith("It was held after this was ordered (A. Smith: The pump is noisy.)")


async def test_a_file_made_by_hand_holds_all_and_who_takes_it_away_ends_it(run_twin, tmp_path):
    connectors = vessels(4)
    run = await run_twin(
        connectors,
        days=4,
        observers=(
            at(1, "SampleRead", (tmp_path / FILE).touch),
            at(3, "SampleRead", lambda: (tmp_path / FILE).unlink()),
        ),
    )
    assert [len(c.written) for c in connectors.values()] == [2, 2]
    first, *_, last = run.of("ModeChanged")
    assert (first.mode, first.who, first.reason) == ("hold", "", "'HOLD' is in the folder of the run.")
    assert (last.turn, last.mode, last.who) == (3, "automatic", "")


@pytest.mark.parametrize("name", ["HOLD-R7", "hold everything.docx"])
async def test_a_slip_holds_all_with_one_alarm_until_it_is_mended(run_twin, tmp_path, name):
    connectors = vessels(5)
    run = await run_twin(
        connectors,
        days=5,
        observers=(
            at(1, "SampleRead", (tmp_path / name).touch),
            at(3, "SampleRead", lambda: (tmp_path / name).unlink()),
        ),
    )
    assert [len(c.written) for c in connectors.values()] == [3, 3]
    (alarm,) = (a for a in run.of("AlarmRaised") if a.quantity != "target vcd")  # these cultures stand still
    assert (alarm.reactor, alarm.quantity, alarm.level, alarm.turn) == (None, "hold", "act", 1)
    assert alarm.reason == f"'{name}': no vessel of this run is called so (R01, R02), so all vessels are held."
    assert [(e.alarm, e.status, e.turn) for e in run.of("AlarmChanged")] == [("hold:act", "cleared", 3)]


async def test_a_run_that_starts_held_writes_nothing(run_twin, tmp_path):
    (tmp_path / "Hold.txt").touch()
    connectors = vessels(2)
    run = await run_twin(connectors, days=2)
    assert [len(c.written) for c in connectors.values()] == [0, 0]
    assert run.of("WriteIntended") == []


async def test_a_held_vessel_raises_the_alarms_of_its_culture_and_none_of_its_mode(run_twin, tmp_path):
    """Held in the middle of days on which nothing usable is decided: the alarm of that is over."""
    blind = [replace(make_state(day=d), **({"vcd": float("nan")} if d < 6 else {})) for d in range(9)]
    connector = ScriptedConnector(blind, kind=ConnectorKind.SIMULATED)
    run = await run_twin(connector, days=8, observers=(at(4, "SampleRead", held(tmp_path, "R01")),))
    raised = [(e.turn, e.quantity, e.level) for e in run.of("AlarmRaised")]
    assert {turn for turn, quantity, _ in raised if quantity == "decision"} <= {0, 1, 2, 3}
    assert (4, "decision:escalated", "cleared") in [(e.turn, e.alarm, e.status) for e in run.of("AlarmChanged")]


@pytest.mark.parametrize("fact", ["SampleRead", "Decided", "WriteIntended"])
async def test_the_other_vessel_is_not_touched_by_it(run_twin, tmp_path, fact):
    connectors = vessels(3)
    await run_twin(connectors, days=3, observers=(at(1, fact, held(tmp_path, "R01")),))
    assert len(connectors["R02"].written) == 3
    # an intent that is durable may be carried out; nothing comes after it
    assert len(connectors["R01"].written) == (2 if fact == "WriteIntended" else 1)
