"""C1 and C2: whatever is proposed, a write is finite, inside, within a step, and bleeds less than it feeds."""

from dataclasses import replace
from math import inf, nan
from types import SimpleNamespace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from perfusio.bed.candidates.plans import ramped
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, DEFAULT_CONSTRAINTS, Bounds, DesignSpace, Mode
from perfusio.decision import Action, Decision, Reason
from perfusio.errors import ModelError
from perfusio.forecast import Forecast
from perfusio.process import CHO_PERFUSION
from perfusio.state import SETPOINT_INDEX, SETPOINTS, SPECIES, Setpoints
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory
from perfusio.twin.writes.guard import breaches, guard, starves

SPACE = DEFAULT_AMBR250_DESIGN_SPACE
D, B = SETPOINT_INDEX["perfusion_rate"], SETPOINT_INDEX["bleed_rate"]
# bleed may exceed perfusion inside these bounds, so that the cross rule has something to stop
WIDE_BLEED = DesignSpace(bounds={**SPACE.bounds, "bleed_rate": Bounds(low=0.05, high=1.5, nominal=0.15, max_step=0.5)})
REASON = Reason(text="Hold.", improvement=0.0, limiting="none", limiting_probability=1.0, feasible=True)
SAMPLE = make_state(day=0)
TRAJECTORY = Trajectory(reactor_id="R01", states=(SAMPLE,))
HEALTHY = Forecast.from_samples(24.0 * np.arange(1, 3), np.tile(SAMPLE.vector(), (2, 2, 1)))
GOOD = Decision(
    reactor_id="R01", setpoints=SPACE.nominal, chosen=HEALTHY, hold=HEALTHY, reason=REASON, acquisition="LogEI",
    score=0.0, model_id="m",
)  # fmt: skip


def judged(decision, current, space, *, trajectory=TRAJECTORY, constraints=(), mode=Mode.AUTOMATIC):
    return guard(
        decision, reactor="R01", trajectory=trajectory, current=current, design_space=space,
        constraints=constraints, mode=mode,
    )  # fmt: skip


def assert_safe(u, current, space):
    assert np.isfinite(u).all()
    assert (u >= space.low).all(), "below the design space"
    assert (u <= space.high).all(), "above the design space"
    assert (np.abs(u - current) <= space.max_step + 1e-6).all(), "further than the largest step"
    assert u[SETPOINTS.index("bleed_rate")] <= u[SETPOINTS.index("perfusion_rate")]


def adversarial(rng, n, space):
    """Vectors in, at, just beyond and far beyond every edge, and such that are no numbers; mixed per entry."""
    current = space.low + rng.random((n, 6)) * (space.high - space.low)
    step = (2.0 * rng.random((n, 6)) - 1.0) * space.max_step
    u = current + step
    edge = np.where(rng.random((n, 6)) < 0.5, space.low, space.high)
    ulps = np.where(rng.random((n, 6)) < 0.5, np.nextafter(edge, inf), np.nextafter(edge, -inf))
    beyond = edge + rng.choice([-1, 1], (n, 6)) * rng.choice([1e-12, 1e-8, 1e-6, 1e-3, 1.0], (n, 6)) * edge
    at_step = current + rng.choice([-1, 1], (n, 6)) * space.max_step * rng.choice([1.0, 1.0 + 1e-7, 1.01], (n, 6))
    wild = rng.choice([nan, inf, -inf, 0.0, -0.0, 1e308, -1e308, 5e-324, -1.0, 1e6], (n, 6))
    kinds = (ulps, beyond, at_step, wild)
    for k, kind in enumerate(kinds):
        u = np.where(rng.random((n, 6)) < (0.08, 0.03, 0.08, 0.005)[k], kind, u)
    return current, u


def random_spaces(rng, n):
    """Bounds of any size, some of them a point, with steps from a hundredth to several times their width."""
    scale = 10.0 ** rng.uniform(-3, 3, (n, 6))
    ends = np.sort(rng.random((n, 2, 6)), axis=1) * scale[:, None]
    low, high = ends[:, 0], np.where(rng.random((n, 6)) < 0.1, ends[:, 0], ends[:, 1])
    return low, high, scale * 10.0 ** rng.uniform(-2, 0.5, (n, 6))


def test_a_hundred_thousand_design_spaces_states_and_proposals():
    """The numbers behind the guard, all at once; that the guard goes by them a few thousand of these show one by one.

    Proposals lie in, on, just beyond and far beyond every edge or are no numbers; every fourth is the projection that
    the policy makes of it.
    """
    rng, n = np.random.default_rng(0), 100_000
    low, high, step = random_spaces(rng, n)
    bounds = SimpleNamespace(low=low, high=high, max_step=step)
    current, new = adversarial(rng, n, bounds)
    projected = np.arange(n) % 4 == 0
    inside = np.clip(np.nan_to_num(new), low, high)
    new[projected] = ramped(current, inside[:, None], step, 1)[projected, 0]
    outside, too_far, bleeds = breaches(new, current, low, high, step)
    starved = starves(new[:, D], current[:, D], vcd := rng.uniform(0.0, 200.0, n), 15.0)
    passed = ~(outside.any(axis=1) | too_far.any(axis=1) | bleeds | starved)
    assert 5_000 < passed.sum() < 50_000
    u, slack = new[passed], 1e-9 * np.maximum(1.0, high[passed])
    assert np.isfinite(u).all()
    assert (u >= low[passed] - slack).all()
    assert (u <= high[passed] + slack).all()
    assert (np.abs(u - current[passed]) <= step[passed] + slack).all()
    assert (u[:, B] <= u[:, D]).all()
    assert ((u[:, D] >= current[passed, D]) | (1000.0 * u[:, D] >= (15.0 - 1e-9) * vcd[passed])).all()
    assert not (outside | too_far)[projected].any(), "a projection keeps bounds and steps"
    for i in range(0, n, 50):
        space = SimpleNamespace(low=low[i], high=high[i], max_step=step[i], process=CHO_PERFUSION)
        trajectory = Trajectory(reactor_id="R01", states=(make_state(day=0, vcd=vcd[i]),))
        verdict = judged(
            replace(GOOD, setpoints=Setpoints.of(new[i])), Setpoints.of(current[i]), space, trajectory=trajectory,
            constraints=DEFAULT_CONSTRAINTS,
        )  # fmt: skip
        assert (verdict.action is Action.WRITE) == passed[i], verdict.because
        if passed[i]:
            written = verdict.setpoints.vector()
            assert ((written >= low[i]) & (written <= high[i])).all(), "inside to the last bit"


def test_many_adversarial_vectors():
    rng = np.random.default_rng(0)
    n_written = n_held = 0
    for space in (SPACE, WIDE_BLEED):
        for now, u in zip(*adversarial(rng, 5_000, space), strict=True):
            verdict = judged(replace(GOOD, setpoints=Setpoints.of(u)), Setpoints.of(now), space)
            if verdict.action is Action.WRITE:
                n_written += 1
                assert_safe(verdict.setpoints.vector(), now, space)
                assert np.allclose(verdict.setpoints.vector(), u, rtol=1e-8), "what is written is what was proposed"
            else:
                n_held += 1
                assert verdict.action is Action.HOLD
                assert verdict.because
    assert n_written > 750
    assert n_held > 750


ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)


@st.composite
def setpoints(draw):
    values = []
    for name in SETPOINTS:
        b = SPACE.bounds[name]
        values.append(draw(st.one_of(st.floats(b.low, b.high), st.sampled_from([b.low, b.high, b.nominal]), ANY_FLOAT)))
    return Setpoints.of(np.array(values))


@st.composite
def forecasts(draw):
    if draw(st.booleans()):
        return HEALTHY
    values = draw(st.lists(st.one_of(st.floats(0, 50), ANY_FLOAT), min_size=9, max_size=9))
    spread = draw(st.lists(st.one_of(st.floats(0, 5), ANY_FLOAT), min_size=9, max_size=9))
    mean, sd = np.array([values, values]), np.array([spread, spread])
    return replace(HEALTHY, mean=mean, sd=sd)


@st.composite
def decisions(draw):
    if draw(st.integers(0, 9)) == 0:
        return ModelError("No forecast.")
    return replace(
        GOOD, setpoints=draw(setpoints()), chosen=draw(forecasts()), hold=draw(forecasts()),
        score=draw(st.one_of(st.just(0.0), ANY_FLOAT)),
    )  # fmt: skip


@st.composite
def trajectories(draw):
    values = st.one_of(st.just(nan), st.floats(0, 60))
    t = Trajectory(reactor_id="R01")
    for day in range(draw(st.integers(1, 5))):
        measured = {name: draw(values) for name in ("vcd", "viability", "glucose")}
        t = t.observe(make_state(day=day, **measured), SPACE.nominal)
    return t


@settings(max_examples=200, deadline=None)
@given(
    decision=decisions(),
    current=setpoints(),
    trajectory=st.one_of(st.just(TRAJECTORY), trajectories()),
    mode=st.sampled_from(Mode),
    constraints=st.sampled_from([(), DEFAULT_CONSTRAINTS]),
)
def test_whatever_comes_in(decision, current, trajectory, mode, constraints):
    verdict = judged(decision, current, SPACE, trajectory=trajectory, constraints=constraints, mode=mode)
    if verdict.action is not Action.WRITE:
        assert verdict.because
        assert all(verdict.because)
        assert (verdict.setpoints is None) == (verdict.action is Action.HOLD)
    if verdict.setpoints is None:
        return
    assert mode in (Mode.AUTOMATIC, Mode.ADVISORY)
    assert (verdict.action is Action.WRITE) == (mode is Mode.AUTOMATIC)
    assert isinstance(decision, Decision)
    assert_safe(verdict.setpoints.vector(), current.vector(), SPACE)
    assert np.isfinite(decision.score)
    for forecast in (decision.chosen, decision.hold):
        assert np.isfinite(forecast.mean).all()
        assert np.isfinite(forecast.sd).all()
        assert (forecast.mean >= 0).all()
        assert (forecast.sd >= 0).all()
    last = trajectory.states[-1].time_h
    for name in ("vcd", "viability", "glucose"):
        seen = [s.time_h for s in trajectory.states if not np.isnan(getattr(s, name))]
        assert seen
        assert last - seen[-1] <= 48.0
    assert len(SPECIES) == 9


@settings(max_examples=200, deadline=None)
@given(vcd=st.floats(0.0, 200.0), perfusion=st.floats(0.7, 1.3))
def test_perfusion_is_never_lowered_below_the_cell_specific_floor(vcd, perfusion):
    trajectory = Trajectory(reactor_id="R01", states=(make_state(day=0, vcd=vcd),))
    decision = replace(GOOD, setpoints=replace(SPACE.nominal, perfusion_rate=perfusion))
    verdict = judged(decision, SPACE.nominal, SPACE, trajectory=trajectory, constraints=DEFAULT_CONSTRAINTS)
    if verdict.action is Action.WRITE and perfusion < 1.0:
        assert 1000.0 * perfusion >= 15.0 * vcd - 1e-9
