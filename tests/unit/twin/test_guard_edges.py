"""Each comparison of the guard at its very edge, where `<` and `<=` differ; found wanting by benchmarks/mutants.py."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, DEFAULT_CONSTRAINTS, Mode
from perfusio.decision import Action, Decision, Reason
from perfusio.forecast import Forecast
from perfusio.state import SETPOINTS, SPECIES_INDEX
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory
from perfusio.twin.guard import ROUNDING, breaches, guard, starves

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
LOW, HIGH, STEP = np.zeros(6), np.full(6, 1000.0), np.full(6, 8.0)
SLACK = ROUNDING * HIGH
MIDDLE = np.full(6, 500.0)


def forecast(n_days, **changed):
    """A healthy culture; a species given by name has (day, value)."""
    samples = np.tile(make_state().vector(), (3, n_days, 1))
    for name, (day, value) in changed.items():
        samples[:, day, SPECIES_INDEX[name]] = value
    return Forecast.from_samples(24.0 * np.arange(1, n_days + 1), samples)


def judged(chosen, *, setpoints=NOMINAL, current=NOMINAL, vcd=20.0, constraints=()):
    reason = Reason(text="Hold.", improvement=0.0, limiting="none", limiting_probability=1.0, feasible=True)
    decision = Decision(
        reactor_id="R01", setpoints=setpoints, chosen=chosen, hold=chosen, reason=reason, acquisition="LogEI",
        score=0.0, model_id="m",
    )  # fmt: skip
    return guard(
        decision, reactor="R01", trajectory=Trajectory(reactor_id="R01", states=(make_state(day=0, vcd=vcd),)),
        current=current, design_space=DEFAULT_AMBR250_DESIGN_SPACE, constraints=constraints, mode=Mode.AUTOMATIC,
    )  # fmt: skip


@pytest.mark.parametrize("edge", [LOW - SLACK, HIGH + SLACK])
def test_the_slack_belongs_to_the_range_and_nothing_beyond_it(edge):
    beyond = edge + np.sign(edge) * 1e-12 * HIGH
    assert not breaches(edge, edge, LOW, HIGH, STEP)[0].any()
    assert breaches(beyond, beyond, LOW, HIGH, STEP)[0].all()


def test_the_largest_step_with_its_slack_may_be_taken_and_no_more():
    # in numbers that are exact: 0 to 8 and its slack
    far = STEP + SLACK
    assert not breaches(far, LOW, LOW, HIGH, STEP)[1].any()
    assert breaches(far + 1e-9, LOW, LOW, HIGH, STEP)[1].all()


def test_bleed_may_equal_perfusion():
    assert not breaches(MIDDLE, MIDDLE, LOW, HIGH, STEP)[2]
    more = MIDDLE.copy()
    more[SETPOINTS.index("bleed_rate")] = np.nextafter(500.0, 501.0)
    assert breaches(more, MIDDLE, LOW, HIGH, STEP)[2]


def test_the_least_perfusion_per_cell_may_be_reached_and_not_passed():
    assert not starves(0.3, 1.0, 20.0, 15.0)
    assert starves(np.nextafter(0.3, 0.0), 1.0, 20.0, 15.0)
    assert not starves(0.1, 0.1, 20.0, 15.0), "what is not lowered starves nothing"


def test_the_words_about_starving_name_the_rate():
    now, then = replace(NOMINAL, perfusion_rate=1.2), replace(NOMINAL, perfusion_rate=1.1245)
    verdict = judged(forecast(4), setpoints=then, current=now, vcd=100.0, constraints=DEFAULT_CONSTRAINTS)
    assert "would leave 11.2 pL/cell/day at 100e6" in " ".join(verdict.because)


@pytest.mark.parametrize("extreme", [{"titer": (0, 0.0)}, {"viability": (0, 100.0)}])
def test_what_is_just_possible_is_possible(extreme):
    assert judged(forecast(4, **extreme)).action is Action.WRITE


@pytest.mark.parametrize(
    ("n_days", "day", "action"),
    [(4, 0, Action.HOLD), (4, 1, Action.WRITE), (8, 1, Action.HOLD), (8, 2, Action.WRITE)],
)
def test_the_first_quarter_of_the_days_must_be_possible_and_no_more(n_days, day, action):
    assert judged(forecast(n_days, viability=(day, 120.0))).action is action
