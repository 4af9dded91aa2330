"""The GP of the daily change learns steps of any length, and goes nowhere that no run went."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.errors import NotEnoughData
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.rivals.chain import chained
from perfusio.hybrid.rivals.step_gp import StepGP
from perfusio.state import State
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory

RATE = 0.3


def growing(start, hours=24.0, n=7, name="R"):
    """A culture that grows by the same rate all along; nothing else changes."""
    t = Trajectory(reactor_id=name)
    for i in range(n):
        t = t.observe(replace(make_state(vcd=start * np.exp(RATE * i * hours / 24.0)), time_h=i * hours), SPACE.nominal)
    return t


@pytest.fixture(scope="module")
def model():
    return StepGP.fit([growing(2.0, name="A"), growing(3.0, name="B"), growing(4.0, 12.0, name="C")])


def forecast(model, vessel, hours, n):
    return model.rollout(vessel, [[SPACE.nominal] * n], interval_hours=hours, n_paths=64, seed=0)[0]


@pytest.mark.parametrize("hours", [12.0, 24.0])
def test_steps_of_another_length_are_as_long(model, hours):
    said = forecast(model, growing(2.5, n=3), hours, 4)["vcd"]
    start = 2.5 * np.exp(2 * RATE)
    assert said.median == pytest.approx(start * np.exp(RATE * hours / 24.0 * np.arange(1, 5)), rel=0.1)


def test_it_stays_within_reach_of_its_runs(model):
    far = forecast(model, growing(10.0, n=2), 24.0, 28)["vcd"]
    most = 4.0 * np.exp(6 * RATE)
    assert np.isfinite(far.samples).all()
    assert far.samples.max() < 4.0 * most


def test_many_vessels_at_once_are_as_one_by_one(model):
    vessels, plans = [growing(2.0, n=3), growing(3.0, n=4)], np.tile(SPACE.nominal.vector(), (2, 3, 1))
    together = chained(model, vessels, plans, 24.0, [(), ()])
    for vessel, said in zip(vessels, together, strict=True):
        alone = forecast(model, vessel, 24.0, 3).mean
        assert pytest.approx(alone, rel=1e-9) == layout_of().from_latent(said.T).T


def test_a_species_that_was_never_measured_stays_as_it_is(model):
    runs = [
        replace(t, states=tuple(s.with_values(titer=np.nan) for s in t.states)) for t in (growing(2.0), growing(3.0))
    ]
    vessel = growing(2.5, n=2)
    said = forecast(StepGP.fit(runs), vessel, 24.0, 3)
    assert said["titer"].median == pytest.approx(np.full(3, vessel.states[-1].titer), rel=0.1)


def test_one_sample_teaches_nothing():
    with pytest.raises(NotEnoughData):
        StepGP.fit([Trajectory(reactor_id="A").observe(State(time_h=0.0, vcd=1.0), SPACE.nominal)])
