"""StandIn: each vessel at its own density, with or without a model."""

import numpy as np
import pytest

from perfusio.bed.model_free.counts_model import MODEL_ID
from perfusio.bed.model_free.standing_in import StandIn, density_to_hold
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import RunConfig
from perfusio.decision import Decision
from perfusio.errors import ConfigError, ModelError
from perfusio.objective import maximize, track
from perfusio.process import CHO_PERFUSION
from perfusio.state import State
from perfusio.testing import GrowingModel, SteadyModel
from perfusio.testing.models import example_trajectory
from perfusio.trajectory import Trajectory

CONFIG = RunConfig(duration_days=4, forecast_days=3, n_paths=16)
KNOWN = example_trajectory(CHO_PERFUSION)


class Broken(SteadyModel):
    def rollout(self, trajectory, plans, **options):
        raise RuntimeError("boom")


def decided(model, targets, known=KNOWN):
    policy = StandIn(targets=targets)
    return policy.decide({"R01": known}, {"R01": SPACE.nominal}, model, SPACE, CONFIG, day=1)["R01"]


def test_a_model_that_fails_changes_no_setpoint_and_the_forecast_is_from_counts():
    good, broken = (decided(model, {"R01": 30.0}) for model in (GrowingModel(), Broken()))
    assert broken.setpoints == good.setpoints
    assert (good.model_id, broken.model_id) == (GrowingModel().model_id, MODEL_ID)
    assert broken.chosen.is_finite()


def test_the_density_is_that_of_the_vessel():
    low, high = (decided(GrowingModel(), {"R01": target}) for target in (5.0, 80.0))
    assert isinstance(low, Decision)
    assert low.setpoints.bleed_rate > high.setpoints.bleed_rate
    assert isinstance(decided(GrowingModel(), {"R02": 30.0}), ModelError)


def test_a_tracked_density_is_held_and_with_another_aim_that_of_now():
    assert density_to_hold(KNOWN, RunConfig(duration_days=4, objective=track(vcd=25))) == 25.0
    now = density_to_hold(KNOWN, RunConfig(duration_days=4, objective=maximize("productivity")))
    assert now == pytest.approx(KNOWN.states[-1].vcd, rel=0.2)


def test_a_vessel_without_counts_or_without_a_bleed_cannot_be_held():
    uncounted = Trajectory(reactor_id="R01").observe(State(time_h=0.0, vcd=np.nan, glucose=4.0), SPACE.nominal)
    with pytest.raises(ConfigError, match="never counted"):
        density_to_hold(uncounted, CONFIG)
    batch = RunConfig(duration_days=4, process=CHO_PERFUSION.without("bleed_rate"))
    with pytest.raises(ConfigError, match="one bleed"):
        density_to_hold(KNOWN, batch)
