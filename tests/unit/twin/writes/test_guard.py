"""The guard is the only road to a write: each rule alone stops a proposal, in words."""

from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, DEFAULT_CONSTRAINTS, Constraint, Mode
from perfusio.decision import Action, Decision, Reason
from perfusio.errors import FitFailed
from perfusio.forecast import Forecast
from perfusio.state import SETPOINTS, SPECIES, SPECIES_INDEX
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory
from perfusio.twin.writes.guard import BLIND_HOURS, guard

SPACE = DEFAULT_AMBR250_DESIGN_SPACE
CURRENT = SPACE.nominal
REASON = Reason(text="Hold.", improvement=0.0, limiting="none", limiting_probability=1.0, feasible=True)


def forecast(**changed):
    """Four days of a healthy culture; a species given by name has that value on every path, or (day, value)."""
    samples = np.tile(make_state().vector(), (3, 4, 1))
    for name, value in changed.items():
        day, number = value if isinstance(value, tuple) else (slice(None), value)
        samples[:, day, SPECIES_INDEX[name]] = number
    return Forecast.from_samples(24.0 * np.arange(1, 5), samples)


HEALTHY = forecast()
FIRST_DAY = (make_state(day=0),)


def proposal(**changed):
    values = {
        "reactor_id": "R01", "setpoints": CURRENT, "chosen": HEALTHY, "hold": HEALTHY, "reason": REASON,
        "acquisition": "LogEI", "score": 0.5, "model_id": "abc",
    }  # fmt: skip
    return Decision(**(values | changed))


def trajectory(*states):
    t = Trajectory(reactor_id="R01")
    for state in states:
        t = t.observe(state, CURRENT)
    return t


def judged(decision=None, *, states=FIRST_DAY, current=CURRENT, mode=Mode.AUTOMATIC, constraints=()):
    return guard(
        decision or proposal(), reactor="R01", trajectory=trajectory(*states), current=current, design_space=SPACE,
        constraints=constraints, mode=mode,
    )  # fmt: skip


def held_because(verdict):
    """The one sentence of a HOLD that has exactly one reason."""
    assert (verdict.action, verdict.setpoints) == (Action.HOLD, None)
    (sentence,) = verdict.because
    return sentence


def moved(**setpoints):
    return proposal(setpoints=replace(CURRENT, **setpoints))


def test_a_good_proposal_is_written_as_it_is_and_needs_no_words():
    decision = moved(bleed_rate=0.2, temperature=36.0)
    verdict = judged(decision)
    assert verdict.action is Action.WRITE
    assert verdict.setpoints == decision.setpoints
    assert verdict.because == ()
    assert verdict.reactor_id == "R01"


@pytest.mark.parametrize("name", SETPOINTS)
@pytest.mark.parametrize("side", [-1, 1])
def test_bounds(name, side):
    b = SPACE.bounds[name]
    edge = b.high if side > 0 else b.low
    current = replace(CURRENT, **{name: edge})
    outside = proposal(setpoints=replace(CURRENT, **{name: edge + side * 0.01 * b.max_step}))
    sentence = held_because(judged(outside, current=current))
    assert sentence.startswith(f"{name} ")
    assert f"outside {b.low:g} to {b.high:g}" in sentence
    assert judged(proposal(setpoints=current), current=current).action is Action.WRITE


@pytest.mark.parametrize("name", SETPOINTS)
@pytest.mark.parametrize("side", [-1, 1])
def test_largest_step(name, side):
    b = SPACE.bounds[name]
    start = b.low if side > 0 else b.high
    current = replace(CURRENT, **{name: start})
    further = proposal(setpoints=replace(CURRENT, **{name: start + side * 1.001 * b.max_step}))
    assert "largest step" in held_because(judged(further, current=current))
    just = proposal(setpoints=replace(CURRENT, **{name: start + side * b.max_step}))
    assert judged(just, current=current).action is Action.WRITE


def test_what_is_written_lies_in_the_design_space_to_the_last_bit():
    current = replace(CURRENT, bleed_rate=0.25)
    rounded_out = replace(CURRENT, bleed_rate=float(np.nextafter(0.30, 1.0)))
    verdict = judged(proposal(setpoints=rounded_out), current=current)
    assert verdict.action is Action.WRITE
    assert SPACE.contains(verdict.setpoints)


def test_bleed_above_perfusion_is_held():
    space = SPACE.model_copy(
        update={"bounds": {**SPACE.bounds, "bleed_rate": SPACE.bounds["bleed_rate"].model_copy(update={"high": 1.0})}}
    )
    current = replace(CURRENT, perfusion_rate=0.6, bleed_rate=0.58)
    decision = proposal(setpoints=replace(current, perfusion_rate=0.55))
    verdict = guard(
        decision, reactor="R01", trajectory=trajectory(make_state(day=0)), current=current, design_space=space,
        constraints=(), mode=Mode.AUTOMATIC,
    )  # fmt: skip
    assert "exceed perfusion_rate 0.55" in held_because(verdict)


@pytest.mark.parametrize("value", [nan, inf, -inf])
@pytest.mark.parametrize("name", SETPOINTS)
def test_setpoint_that_is_no_number(name, value):
    verdict = judged(moved(**{name: value}))
    assert verdict.action is Action.HOLD
    assert any("not all numbers" in sentence for sentence in verdict.because)


@pytest.mark.parametrize("name", SETPOINTS)
def test_unknown_setpoint_in_force_allows_no_step(name):
    verdict = judged(current=replace(CURRENT, **{name: nan}))
    assert "largest step" in held_because(verdict)


@pytest.mark.parametrize("score", [nan, inf, -inf])
def test_score_that_is_no_number(score):
    assert "score" in held_because(judged(proposal(score=score)))


@pytest.mark.parametrize("which", ["chosen", "hold"])
@pytest.mark.parametrize("value", [nan, inf])
@pytest.mark.parametrize("part", ["mean", "sd"])
def test_forecast_that_is_not_finite(which, value, part):
    broken = getattr(HEALTHY, part).copy()
    broken[-1, 3] = value
    sentence = held_because(judged(proposal(**{which: replace(HEALTHY, **{part: broken})})))
    assert f"forecast ({which}) is not finite" in sentence


@pytest.mark.parametrize("species", SPECIES)
def test_forecast_below_zero(species):
    broken = replace(HEALTHY, mean=forecast(**{species: -0.01}).mean)
    assert "physically possible" in held_because(judged(proposal(chosen=broken)))


@pytest.mark.parametrize(("species", "value"), [("vcd", 500.0), ("viability", 101.0), ("titer", 1e5)])
def test_forecast_of_the_impossible_tomorrow(species, value):
    assert "physically possible" in held_because(judged(proposal(hold=forecast(**{species: value}))))


def test_far_days_may_be_unknown_but_not_tomorrow():
    assert judged(proposal(chosen=forecast(vcd=(3, 500.0)))).action is Action.WRITE
    assert judged(proposal(chosen=forecast(vcd=(0, 500.0)))).action is Action.HOLD


def test_negative_spread_is_no_spread():
    assert "physically" in held_because(judged(proposal(chosen=replace(HEALTHY, sd=HEALTHY.sd - 0.1))))


def test_a_forecast_of_no_day_at_all_is_no_forecast():
    nothing = replace(HEALTHY, times_h=HEALTHY.times_h[:0], mean=HEALTHY.mean[:0], sd=HEALTHY.sd[:0])
    assert judged(proposal(chosen=nothing)).action is Action.HOLD


def test_an_error_instead_of_a_proposal_is_its_reason():
    assert held_because(judged(FitFailed("The kernel matrix is not positive definite."))).startswith("The kernel")


@pytest.mark.parametrize("nonsense", ["hold", 3.0, {"bleed_rate": 0.2}, CURRENT])
def test_something_that_is_no_decision_is_held(nonsense):
    assert "decision" in held_because(judged(nonsense))


def test_the_decision_for_another_vessel_is_held():
    assert "R02" in held_because(judged(proposal(reactor_id="R02")))


@pytest.mark.parametrize(
    ("mode", "action"),
    [
        (Mode.AUTOMATIC, Action.WRITE),
        (Mode.ADVISORY, Action.ADVISE),
        (Mode.MANUAL, Action.HOLD),
        (Mode.HOLD, Action.HOLD),
    ],
)
def test_modes(mode, action):
    verdict = judged(moved(bleed_rate=0.2), mode=mode)
    assert verdict.action is action
    assert (verdict.setpoints is None) == (action is Action.HOLD)
    assert bool(verdict.because) == (action is not Action.WRITE)


def test_a_broken_rule_outweighs_the_advisory_mode():
    assert judged(moved(bleed_rate=0.9), mode=Mode.ADVISORY).action is Action.HOLD


class TestCellSpecificRate:
    states = (make_state(day=0, vcd=60.0),)

    def test_perfusion_is_not_lowered_below_the_floor(self):
        sentence = held_because(judged(moved(perfusion_rate=0.8), states=self.states, constraints=DEFAULT_CONSTRAINTS))
        assert "13.3 pL/cell/day" in sentence
        assert "the least is 15" in sentence

    def test_lowering_to_the_floor_is_allowed(self):
        verdict = judged(moved(perfusion_rate=0.9), states=self.states, constraints=DEFAULT_CONSTRAINTS)
        assert verdict.action is Action.WRITE

    def test_holding_or_raising_is_allowed_even_below_the_floor(self):
        crowded = (make_state(day=0, vcd=100.0),)
        for d in (1.0, 1.1):
            verdict = judged(moved(perfusion_rate=d), states=crowded, constraints=DEFAULT_CONSTRAINTS)
            assert verdict.action is Action.WRITE

    def test_the_last_count_is_used_when_today_has_none(self):
        states = (make_state(day=0, vcd=60.0), make_state(day=1, vcd=nan))
        assert "at 60e6" in held_because(
            judged(moved(perfusion_rate=0.8), states=states, constraints=DEFAULT_CONSTRAINTS)
        )

    def test_the_strictest_floor_holds(self):
        floors = (Constraint(quantity="cspr", low=10.0), Constraint(quantity="cspr", low=14.0))
        assert "least is 14" in held_because(judged(moved(perfusion_rate=0.8), states=self.states, constraints=floors))

    def test_without_the_constraint_there_is_no_floor(self):
        assert judged(moved(perfusion_rate=0.8), states=self.states).action is Action.WRITE


class TestBlind:
    @pytest.mark.parametrize("name", SPACE.process.critical)
    def test_two_days_without_a_value_are_borne_and_then_held(self, name):
        blind = [make_state(day=d, **{name: nan}) for d in (1, 2, 3)]
        assert BLIND_HOURS == 48.0
        assert judged(states=(make_state(day=0), *blind[:2])).action is Action.WRITE
        sentence = held_because(judged(states=(make_state(day=0), *blind)))
        assert sentence.startswith(f"{name} was not measured since hour 0")

    @pytest.mark.parametrize("name", SPACE.process.critical)
    def test_never_measured_at_all(self, name):
        assert "at all" in held_because(judged(states=(make_state(day=0, **{name: nan}),)))

    def test_a_new_value_ends_it(self):
        states = (*(make_state(day=d, vcd=nan) for d in range(5)), make_state(day=5))
        assert judged(states=states).action is Action.WRITE

    def test_other_species_are_not_critical(self):
        others = dict.fromkeys(set(SPECIES) - set(SPACE.process.critical), nan)
        assert judged(states=(make_state(day=0, **others),)).action is Action.WRITE


def test_all_reasons_are_given_together():
    verdict = judged(proposal(setpoints=replace(CURRENT, bleed_rate=0.9), score=nan), states=(make_state(vcd=nan),))
    assert len(verdict.because) == 4  # the score, the bound, the step, the cells
    assert all(sentence.endswith(".") for sentence in verdict.because)
