"""Alarms over a whole run: they do not flutter, wait if they are asked to, and come back from the shelf."""

from collections import Counter

from perfusio.config import AlarmLimits
from perfusio.notify.message import folded as folded_messages
from perfusio.notify.message import message_of
from perfusio.record.apply_event import folded
from perfusio.testing import ScriptedConnector, make_state
from perfusio.twin.alarms.alarm_list import alarm_states, rolled_up
from perfusio.twin.operators.orders import Order, give


def glucose(*values):
    return ScriptedConnector([make_state(day=d, glucose=v, viability=99.0) for d, v in enumerate(values)])


def limit(**more):
    return (AlarmLimits(quantity="glucose", warn=1.0, act=0.3, **more),)


def told(run):
    return [
        (e.turn, "raised" if type(e).__name__ == "AlarmRaised" else e.status)
        for e in run.of("AlarmRaised", "AlarmChanged")
        if (getattr(e, "quantity", "") or e.alarm.partition(":")[0]) == "glucose"  # others tell that nothing moves here
    ]


async def test_a_value_that_wavers_about_its_level_is_one_alarm(run_twin):
    run = await run_twin(glucose(2.0, 0.91, 1.01, 0.91, 1.01, 2.0, 2.0), days=6, alarms=limit())
    assert [what for _, what in told(run) if what in ("raised", "cleared")] == ["raised", "cleared"]


async def test_without_a_dead_band_the_filter_keeps_it_from_fluttering(run_twin):
    run = await run_twin(glucose(2.0, 0.91, 1.01, 0.91, 1.01, 2.0), days=5, alarms=limit(dead_band=0.0))
    assert [what for _, what in told(run) if what in ("raised", "cleared")] == ["raised", "cleared"]


async def test_an_alarm_that_must_last_is_raised_if_it_does(run_twin):
    run = await run_twin(glucose(0.9, 2.0, 0.9, 0.9, 0.9, 2.0, 2.0), days=6, alarms=limit(delay_hours=48.0))
    assert told(run) == [(0, "delayed"), (1, "passed"), (2, "delayed"), (4, "raised"), (6, "cleared")]
    (known,) = [folded(run.events[:n], "x").delayed for n in [1 + run.events.index(run.of("AlarmChanged", day=2)[0])]]
    assert known == {("R01", "glucose", "warn"): 2}  # so it is known after a restart


async def test_what_is_measured_beyond_the_act_level_never_waits(run_twin):
    run = await run_twin(glucose(2.0, 0.1, 0.1), days=2, alarms=limit(delay_hours=240.0))
    assert told(run)[0] == (1, "raised")


async def test_a_shelved_alarm_comes_back(run_twin, tmp_path):
    def shelve(event):
        if type(event).__name__ == "AlarmRaised" and event.turn == 1:
            give(tmp_path, Order(act="shelve", reactor="R01", value="glucose:warn", who="A. Smith", why="I know.",
                                 hours=48.0))  # fmt: skip

    run = await run_twin(glucose(*[0.9] * 5), days=4, alarms=limit(), observers=(shelve,))
    assert told(run) == [(0, "delayed"), (1, "raised"), (2, "shelved"), (4, "raised")]
    again = [e for e in run.of("AlarmRaised") if e.quantity == "glucose"][1]
    assert "It was shelved for 48 h." in again.reason


async def test_a_bad_day_of_many_vessels_is_few_alarms_and_one_message(run_twin):
    """H2: at most one alarm per ten minutes, sustained, and a person is told of all vessels at once."""
    names = [f"R{i:02d}" for i in range(1, 25)]
    bad = {1: {"glucose": 0.1, "viability": 90.0}}
    vessels = {
        name: ScriptedConnector([make_state(day=d, **{"viability": 99.0, **bad.get(d, {})}) for d in range(3)])
        for name in names
    }
    run = await run_twin(vessels, days=2)
    raised = [e for e in run.of("AlarmRaised") if "target" not in e.quantity]  # these cells stand still
    assert len(raised) == 48
    assert max(Counter(e.turn for e in raised).values()) <= 144
    states = alarm_states(e for e in run.events if e.turn is None or e.turn <= 1)
    assert [(state.id, len(vessels)) for state, vessels in rolled_up(states)] == [
        ("glucose:act", 24), ("viability:act", 24),
    ]  # fmt: skip
    messages = folded_messages([message_of(e) for e in raised])
    assert [m.text.partition(" (")[0] for m in messages] == ["24 vessels", "24 vessels"]
