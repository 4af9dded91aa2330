"""The front of next actions, on a vessel where it is known."""

import numpy as np
import pytest

from perfusio.bed.front import candidate_front
from perfusio.bed.pareto import nondominated
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Constraint, RunConfig, maximize, minimize, track
from perfusio.errors import ConfigError
from perfusio.state import SETPOINT_INDEX, SPECIES_INDEX
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory

SPACE = DEFAULT_AMBR250_DESIGN_SPACE
VESSEL = Trajectory(reactor_id="R01", states=(make_state(),))


class Toy:
    """Titer stays, viability is 100 - 3 per volume of perfusion, cells grow fast enough for any perfusion."""

    def futures(self, trajectory, *, interval_hours, n_paths, n_intervals, seed):
        self.start = trajectory.states[-1].vcd
        self.n_paths = n_paths
        return self

    def play(self, plans):
        paths = np.tile(make_state().vector(), (len(plans), self.n_paths, plans.shape[1], 1))
        days = np.arange(1, plans.shape[1] + 1)
        paths[..., SPECIES_INDEX["vcd"]] = self.start * np.exp(0.6 * days)
        perfusion = plans[:, None, :, SETPOINT_INDEX["perfusion_rate"]]
        paths[..., SPECIES_INDEX["viability"]] = 100.0 - 3.0 * perfusion
        return paths


def front(*objectives, **config):
    settings = {"duration_days": 9, "objective": objectives, "constraints": ()} | config
    return candidate_front(VESSEL, SPACE.nominal, Toy(), SPACE, RunConfig(**settings))


def test_product_costs_medium_from_one_end_of_the_range_to_the_other():
    options = front(maximize("productivity", horizon_days=3), minimize("medium", horizon_days=3))
    gains, expected = np.array([o.gains for o in options]), np.array([o.expected for o in options])
    assert len(options) <= 24
    assert len(nondominated(gains)) == len(options) >= 8
    assert (np.diff(gains[:, 0]) > 0).all()
    assert expected[0, 1] == pytest.approx(0.5, abs=0.05)
    assert expected[-1, 1] > 1.5


def test_weights_play_no_role():
    two = maximize("productivity", horizon_days=3), minimize("medium", horizon_days=3)
    heavy = front(two[0], two[1].model_copy(update={"weight": 9.0}))
    assert heavy == front(*two)


def test_limits_end_it():
    """Viability above 96 needs a perfusion of at most 1.33."""
    limit = Constraint(quantity="viability", low=96.0)
    two = maximize("productivity", horizon_days=3), minimize("medium", horizon_days=3)
    options = front(*two, constraints=(limit,))
    assert max(o.expected[1] for o in options) == pytest.approx(4.0 / 3.0, abs=0.05)
    assert min(o.probability for o in options) >= 0.98


def test_three_objectives_have_one_too():
    three = maximize("productivity", horizon_days=3), minimize("medium", horizon_days=3), track(cspr=20)
    options = front(*three)
    assert len(nondominated(np.array([o.gains for o in options]))) == len(options) >= 5


def test_one_objective_has_none():
    with pytest.raises(ConfigError, match="two objectives or more, found one"):
        front(maximize("titer"))
