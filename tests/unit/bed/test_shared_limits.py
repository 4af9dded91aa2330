"""A limit that vessels share is kept, fairly, and costs nobody anything who asks for little."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.bed.policy import BEDPolicy
from perfusio.bed.shared_limits import SharedLimit, fair_level, narrowed
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.decision import Decision, Reason
from perfusio.errors import ConfigError, ModelError
from perfusio.forecast import Forecast
from perfusio.hybrid.model import HybridModel
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory

SPACE = DEFAULT_AMBR250_DESIGN_SPACE
REASON = Reason(text="Because.", improvement=0.1, limiting="none", limiting_probability=1.0, feasible=True)


def decision(reactor, rate):
    forecast = Forecast.from_samples(np.array([24.0]), np.tile(make_state().vector(), (4, 1, 1)))
    return Decision(
        reactor_id=reactor, setpoints=replace(SPACE.nominal, perfusion_rate=rate), chosen=forecast, hold=forecast,
        reason=REASON, acquisition="LogEI", score=0.0, model_id="m",
    )  # fmt: skip


def caps(limit, wishes, current=1.0, elsewhere=()):
    """What each vessel is cut to, by reactor; `wishes` that are None had no decision."""
    decisions = {r: decision(r, w) if w is not None else ModelError("none") for r, w in wishes.items()}
    now = {r: replace(SPACE.nominal, perfusion_rate=current) for r in (*wishes, *elsewhere)}
    found = narrowed(limit, decisions, now, dict.fromkeys(wishes, SPACE))
    return {r: pytest.approx(space.bounds["perfusion_rate"].high) for r, space in found.items()}


@pytest.mark.parametrize(
    ("wishes", "left", "level"),
    [([1.0, 1.0], 3.0, 1.0), ([1.0, 1.0], 1.0, 0.5), ([0.2, 1.0, 2.0], 2.0, 0.9), ([1.0], -3.0, 0.0)],
)
def test_the_least_anyone_is_cut_to_is_as_much_as_possible(wishes, left, level):
    assert fair_level(wishes, left) == pytest.approx(level)
    assert sum(min(w, level) for w in wishes) <= max(left, 0.0) + 1e-9


def test_nobody_is_asked_again_where_there_is_enough():
    assert caps(SharedLimit(high=3.0), {"A": 1.2, "B": 1.3}) == {}


def test_who_asks_for_most_is_cut_and_nobody_else():
    assert caps(SharedLimit(high=3.0), {"A": 0.8, "B": 1.2, "C": 1.3}) == {"B": 1.1, "C": 1.1}


def test_vessels_that_go_on_as_they_are_use_their_share():
    assert caps(SharedLimit(high=4.2), {"A": 1.3, "B": 1.3, "C": None}, elsewhere=("D",)) == {"A": 1.1, "B": 1.1}


def test_only_those_that_share_a_pump_count():
    limit = SharedLimit(high=2.2, reactors=("A", "B"))
    assert caps(limit, {"A": 1.3, "B": 1.3, "C": 1.3}, elsewhere=("D",)) == {"A": 1.1, "B": 1.1}


def test_no_vessel_is_cut_by_more_than_its_largest_step():
    assert caps(SharedLimit(high=1.0), {"A": 1.3, "B": 1.3}) == {"A": 0.7, "B": 0.7}
    assert caps(SharedLimit(high=0.5), {"A": 0.6, "B": 0.6}, current=0.6) == {"A": 0.5, "B": 0.5}


@pytest.mark.parametrize(
    ("options", "words"), [({"setpoint": "perfusion"}, "Did you mean"), ({"high": 0.0}, "nothing to share")]
)
def test_what_is_no_limit_is_refused(options, words):
    with pytest.raises(ConfigError, match=words):
        SharedLimit(**{"high": 1.0} | options)


def test_a_policy_keeps_it_and_leaves_the_others_as_they_are():
    vessels = {r: Trajectory(reactor_id=r, states=(make_state(day=3, vcd=20.0 + i),)) for i, r in enumerate("ABC")}
    now = dict.fromkeys("ABC", SPACE.nominal)
    config = RunConfig(duration_days=4, n_paths=16, forecast_days=2)

    def decided(policy):
        found = policy.decide(vessels, now, HybridModel(), SPACE, config, day=3)
        return {r: d.setpoints for r, d in found.items()}

    free = decided(BEDPolicy())
    wishes = {r: u.perfusion_rate for r, u in free.items()}
    least = min(wishes, key=wishes.get)
    high = sum(wishes.values()) - 0.9 * (max(wishes.values()) - wishes[least])
    kept = decided(BEDPolicy(shared=(SharedLimit(high=high),)))
    assert max(wishes.values()) > wishes[least]
    assert sum(u.perfusion_rate for u in kept.values()) <= high + 1e-9
    assert kept[least] == free[least]
    assert decided(BEDPolicy(shared=(SharedLimit(high=99.0),))) == free
