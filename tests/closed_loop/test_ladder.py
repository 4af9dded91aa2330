"""The ladder inside the twin: down with a cause and an alarm, back by good samples or a person, never past a limit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import Mode, maximize
from perfusio.testing import GrowingModel, ScriptedConnector, make_state
from perfusio.twin.operators.orders import Order, give
from perfusio.twin.replay import Replay

MPC = "model-free-mpc"


def days(n, vcd=20.0, **values):
    return [make_state(day=d, vcd=vcd, **values) for d in range(n + 1)]


class Failing:
    """A policy that raises on some days and is another's on all others."""

    def __init__(self, good, on):
        self._good, self._on = good, on

    def decide(self, trajectories, in_force, model, design_space, config, *, day):
        if day in self._on:
            raise RuntimeError("boom")
        return self._good.decide(trajectories, in_force, model, design_space, config, day=day)


class Nothing:
    """A policy that moves nothing."""

    def __init__(self, alternating):
        self._like = alternating

    def decide(self, trajectories, in_force, model, design_space, config, *, day):
        like = {r: self._like.decision(known, in_force[r], model, config, day) for r, known in trajectories.items()}
        return {r: replace(d, setpoints=in_force[r], chosen=d.hold) for r, d in like.items()}


@pytest.fixture
def nothing(alternating):
    return Nothing(alternating)


def steps(run):
    return [(e.turn, e.before, e.decider, e.cause) for e in run.of("DeciderChanged")]


def alarms(run):
    raised = [(e.turn, e.level) for e in run.of("AlarmRaised") if e.quantity == "decider"]
    return raised, [e.turn for e in run.of("AlarmChanged") if e.alarm.startswith("decider:") and e.status == "cleared"]


async def test_a_policy_that_fails_is_stood_in_for_until_three_good_samples(run_twin, nothing):
    connector = ScriptedConnector(days(8, vcd=60.0))
    run = await run_twin(connector, days=8, policy=Failing(nothing, (2, 3)))
    assert steps(run) == [(2, "twin", MPC, "failed"), (6, MPC, "twin", "recovered")]
    assert "RuntimeError: boom" in run.of("DeciderChanged")[0].reason
    assert alarms(run) == ([(2, "act")], [6])
    assert run.of("Withheld") == []
    by = {e.turn: e.acquisition for e in run.of("Decided")}
    assert [day for day, name in by.items() if name == MPC] == [2, 3, 4, 5]
    told = {e.turn: e.why["ladder"] for e in run.of("Decided") if "ladder" in e.why}
    assert [told[day]["good_samples"] for day in (2, 3, 4, 5)] == [0, 0, 1, 2]
    assert "boom" in told[3]["twin"]
    assert run.of("DeciderChanged")[0].target == 30.0
    assert connector.written[3].bleed_rate > connector.written[1].bleed_rate  # 60 where 30 is asked for
    assert all(SPACE.contains(u) for u in connector.written)


async def test_what_the_guard_refuses_on_one_day_is_held_and_on_two_is_stepped_down_from(run_twin, alternating):
    class TooFar(type(alternating)):
        def decision(self, trajectory, current, model, config, day):
            good = super().decision(trajectory, current, model, config, day)
            return replace(good, setpoints=replace(good.setpoints, temperature=39.0)) if day in (1, 3, 4) else good

    run = await run_twin(ScriptedConnector(days(5)), days=5, policy=TooFar())
    assert [(e.turn, e.action) for e in run.of("Withheld")] == [(1, "hold"), (3, "hold")]
    assert steps(run) == [(4, "twin", MPC, "failed")]


async def test_without_a_fallback_nothing_is_written_instead(run_twin, nothing):
    run = await run_twin(ScriptedConnector(days(4)), policy=Failing(nothing, (2,)), fallback="hold")
    assert steps(run) == []
    assert [(e.turn, e.action) for e in run.of("Withheld")] == [(2, "hold")]


async def test_a_vessel_that_is_not_seen_is_held_whoever_decides(run_twin, nothing):
    samples = [*days(1), *(make_state(day=d, viability=float("nan")) for d in range(2, 6))]
    run = await run_twin(ScriptedConnector(samples), days=5, policy=Failing(nothing, (4,)))
    assert steps(run) == []
    assert [e.turn for e in run.of("Withheld")] == [4]  # two days without a viability


async def test_cells_that_were_never_counted_are_not_held_blindly(run_twin, nothing):
    connector = ScriptedConnector(days(3, vcd=float("nan")))
    run = await run_twin(connector, days=3, policy=Failing(nothing, (0, 1, 2)))
    assert steps(run) == []
    assert connector.written == []


async def test_with_another_aim_the_density_of_the_step_is_held(run_twin, nothing):
    run = await run_twin(
        ScriptedConnector(days(4, vcd=22.0)), policy=Failing(nothing, (2, 3)), objective=maximize("productivity")
    )
    (down,) = run.of("DeciderChanged")
    assert down.target == pytest.approx(22.0, rel=0.1)


async def test_forecasts_of_cells_that_do_not_come_true_are_not_decided_upon(run_twin, nothing):
    run = await run_twin(
        ScriptedConnector(days(9)), days=9, policy=nothing, model=GrowingModel(growth=0.9, growth_sd=0.02)
    )
    down = run.of("DeciderChanged")[0]
    assert (down.decider, down.cause) == (MPC, "forecasts")
    assert "forecasts of vcd" in down.reason
    assert [a for a in alarms(run)[0] if a[1] == "doubt"]
    assert {e.acquisition for e in run.of("Decided", day=down.turn)} == {MPC}


@pytest.mark.usefixtures("orders_at_turns")
async def test_what_a_person_chose_stays_and_pages_nobody(run_twin, nothing, tmp_path):
    who = {"who": "A. Smith", "why": "The forecasts look odd."}

    def order(event):
        wanted = {1: MPC, 5: "twin"}.get(event.turn)
        if wanted and type(event).__name__ == "SetpointsWritten":
            give(tmp_path, Order(act="ladder", reactor="R01", value=wanted, **who))

    run = await run_twin(ScriptedConnector(days(7)), days=7, policy=nothing, observers=(order,))
    assert steps(run) == [(2, "twin", MPC, "person"), (6, MPC, "twin", "person")]
    assert [e.who for e in run.of("DeciderChanged")] == ["A. Smith"] * 2
    assert alarms(run) == ([], [])
    assert [e.act for e in run.of("OperatorActed")] == [f"ladder {MPC}", "ladder twin"]
    assert [e.turn for e in run.of("Decided") if e.acquisition == MPC] == [2, 3, 4, 5]


@pytest.mark.usefixtures("orders_at_turns")
async def test_a_twin_gives_its_vessels_back_to_nobody(run_twin, nothing, tmp_path):
    def order(event):
        if (event.turn, type(event).__name__) == (1, "SetpointsWritten"):
            give(tmp_path, Order(act="resume", reactor="", who="A. Smith", why="By mistake."))

    run = await run_twin(ScriptedConnector(days(3)), days=3, policy=nothing, observers=(order,))
    (acted,) = run.of("OperatorActed")
    assert (acted.is_done, acted.answer) == (False, "The twin itself runs here: nothing to give back.")
    assert run.counts == ("COMPLETED", 4, 3)


async def test_its_decisions_pass_the_guard_as_all_others_do(run_twin, nothing):
    connector = ScriptedConnector(days(3), setpoints=SPACE.nominal)
    run = await run_twin(connector, days=3, policy=Failing(nothing, (1, 2)), mode=Mode.ADVISORY)
    assert [e.turn for e in run.of("DeciderChanged")] == [1]
    assert {e.action for e in run.of("Withheld")} == {"advise"}
    assert connector.written == []


async def test_a_replay_makes_its_decisions_again(run_twin, nothing, persistence):
    policy = Failing(nothing, (1, 2))
    run = await run_twin(ScriptedConnector(days(4)), days=4, policy=policy, retrain_every=9)
    found = list(Replay(run.path.parent, policy=policy, model=persistence).compared())
    assert [c.turn for c in found] == [0, 1, 2, 3]
    assert [c.difference for c in found if c.difference] == []
