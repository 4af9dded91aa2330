"""Whatever the design space, the vessel and the model: no setpoint outside its bounds or ramp, and never NaN."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from perfusio.bed.candidates.plans import ramped
from perfusio.bed.policy import BEDPolicy
from perfusio.config import (
    ACQUISITIONS,
    DEFAULT_AMBR250_DESIGN_SPACE,
    DEFAULT_CONSTRAINTS,
    MULTI_OBJECTIVE,
    Bounds,
    DesignSpace,
    Mode,
    RunConfig,
    maximize,
    minimize,
    track,
)
from perfusio.decision import Action, Decision
from perfusio.forecast import Forecast
from perfusio.state import SETPOINT_INDEX, SETPOINTS, SPECIES_INDEX, Setpoints
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory
from perfusio.twin.writes.guard import guard

SPACE = DEFAULT_AMBR250_DESIGN_SPACE
D, B = SETPOINT_INDEX["perfusion_rate"], SETPOINT_INDEX["bleed_rate"]


def test_plans_of_a_hundred_thousand_design_spaces_stay_inside():
    """From in and up to a step outside of each space, to destinations anywhere in it, held setpoints among them."""
    rng, n = np.random.default_rng(0), 100_000
    scale = 10.0 ** rng.uniform(-3, 3, (n, 6))
    ends = np.sort(rng.random((n, 2, 6)), axis=1) * scale[:, None]
    low, high = ends[:, 0], np.where(rng.random((n, 6)) < 0.1, ends[:, 0], ends[:, 1])
    step = scale * 10.0 ** rng.uniform(-2, 0.5, (n, 6))
    current = rng.uniform(low - step, high + step)
    wild = rng.choice([-np.inf, np.inf, -1e300, 1e300, 0.0], (n, 3, 6))
    there = np.where(rng.random((n, 3, 6)) < 0.2, wild, rng.uniform(-1, 2, (n, 3, 6)) * scale[:, None])
    there = np.clip(there, low[:, None], high[:, None])
    ramps = ramped(current, there, step, 7)
    assert np.isfinite(ramps).all()
    slack = 1e-12 * scale[:, None]
    moved = np.diff(np.concatenate([current[:, None], ramps], axis=1), axis=1)
    assert (np.abs(moved) <= step[:, None] + slack).all()
    assert (ramps >= low[:, None] - slack).all()
    assert (ramps <= high[:, None] + slack).all()
    arrived = np.abs(there[:, 0] - current) <= 2 * step
    assert (ramps[:, 2] == there[:, 0])[arrived].all(), "two steps are enough, and it ends exactly there"


@dataclass(frozen=True)
class Toy:
    """Cells grow and leave by the bleed; warmth costs viability; NaN and infinite growth included."""

    growth: float
    growth_sd: float
    viability: float
    model_id: str = "toy"

    def futures(self, trajectory, *, interval_hours, n_paths, n_intervals, seed):
        spread = np.random.default_rng(seed).standard_normal(n_paths)
        return _Futures(trajectory.states[-1].vcd, self.growth + self.growth_sd * spread, self.viability)

    def rollout(self, trajectory, plans, *, interval_hours, n_paths, seed):
        futures = self.futures(trajectory, interval_hours=interval_hours, n_paths=n_paths, n_intervals=0, seed=seed)
        paths = futures.play(np.array([[u.vector() for u in plan] for plan in plans]))
        times = trajectory.states[-1].time_h + interval_hours * np.arange(1, len(plans[0]) + 1)
        return tuple(Forecast.from_samples(times, p) for p in paths)


@dataclass(frozen=True)
class _Futures:
    vcd: float
    growth: np.ndarray
    viability: float

    def play(self, plans):
        net = self.growth[None, :, None] - plans[:, None, :, B]
        paths = np.tile(make_state().vector(), (*net.shape, 1))
        with np.errstate(over="ignore", invalid="ignore"):
            paths[..., SPECIES_INDEX["vcd"]] = self.vcd * np.exp(np.minimum(np.cumsum(net, axis=2), 50.0))
        warmth = plans[..., SETPOINT_INDEX["temperature"]] - 35.0
        paths[..., SPECIES_INDEX["viability"]] = (self.viability - warmth)[:, None, :]
        return paths


@st.composite
def design_spaces(draw):
    """Part of each default range, sometimes a point of it, with steps from tiny to more than all of it."""
    bounds = {}
    for name in SETPOINTS:
        b = SPACE.bounds[name]
        low, high = sorted((draw(st.floats(b.low, b.high)), draw(st.floats(b.low, b.high))))
        high = low if draw(st.integers(0, 5)) == 0 else high
        step = draw(st.floats(0.01, 1.5)) * (b.high - b.low)
        bounds[name] = Bounds(low=low, high=high, nominal=low, max_step=step)
    return DesignSpace(bounds=bounds)


TWO = (track(vcd=30), minimize("medium", horizon_days=3))
ONE = (track(vcd=30), track(cspr=40), maximize("productivity", horizon_days=3), minimize("medium", horizon_days=3))


@settings(max_examples=150, deadline=None)
@given(
    space=design_spaces(),
    where=st.lists(st.floats(-0.1, 1.1), min_size=6, max_size=6),
    vcd=st.floats(0.01, 200.0),
    toy=st.builds(
        Toy, growth=st.sampled_from([0.2, 0.0, -1.0, 3.0, np.nan, np.inf]), growth_sd=st.sampled_from([0.0, 0.02, 5.0]),
        viability=st.floats(80, 105),
    ),
    acquisition=st.sampled_from([name for name in ACQUISITIONS if name != "qLogNEHVI"]),  # as qNEHVI, but slow
    pieces=st.integers(1, 2),
    one=st.sampled_from(ONE),
    seed=st.integers(0, 9),
)  # fmt: skip
def test_whole_policies_are_safe_or_say_why_not(space, where, vcd, toy, acquisition, pieces, one, seed):
    current = Setpoints.of(space.low + np.array(where) * (space.high - space.low))
    config = RunConfig(
        duration_days=9, acquisition=acquisition, objective=TWO if acquisition in MULTI_OBJECTIVE else one,
        plan_pieces=pieces, n_paths=16, forecast_days=3, seed=seed,
    )  # fmt: skip
    trajectory = Trajectory(reactor_id="R01", states=(make_state(vcd=vcd),))
    with np.errstate(all="ignore"):
        answer = BEDPolicy().decide({"R01": trajectory}, {"R01": current}, toy, space, config, day=0)["R01"]
    if isinstance(answer, Decision):
        u, now = answer.setpoints.vector(), current.vector()
        assert np.isfinite(u).all()
        assert np.isfinite(answer.score)
        assert (u >= space.low - 1e-9).all()
        assert (u <= space.high + 1e-9).all()
        assert (np.abs(u - now) <= space.max_step + 1e-9).all()
        assert u[B] <= u[D]
        for option in (*answer.reason.rejected, *answer.reason.front):
            assert np.isfinite(option.setpoints.vector()).all()
    else:
        assert str(answer)
    verdict = guard(
        answer, reactor="R01", trajectory=trajectory, current=current, design_space=space,
        constraints=DEFAULT_CONSTRAINTS, mode=Mode.AUTOMATIC,
    )  # fmt: skip
    if verdict.action is Action.WRITE:
        assert space.contains(verdict.setpoints)
