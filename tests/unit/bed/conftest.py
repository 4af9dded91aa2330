"""A model whose answer is known, for campaigns: more perfusion makes more product, and costs viability."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.state import SETPOINT_INDEX, SPECIES_INDEX
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal


@dataclass(frozen=True)
class KnownFutures:
    """Viability is 95 % at a perfusion of 1.5 on the middle path, and 0.1 earlier or later on the outer ones."""

    n_paths: int
    edge: float

    def play(self, plans):
        perfusion = plans[:, None, :, SETPOINT_INDEX["perfusion_rate"]]
        luck = np.linspace(-0.1, 0.1, self.n_paths)[None, :, None]
        paths = np.tile(make_state(vcd=20.0).vector(), (len(plans), self.n_paths, plans.shape[1], 1))
        paths[..., SPECIES_INDEX["titer"]] = 1000.0
        paths[..., SPECIES_INDEX["viability"]] = 95.0 + 4.0 * (self.edge + luck - perfusion)
        return paths


@dataclass(frozen=True)
class KnownModel:
    """Learns nothing but how often it was fitted, and from what."""

    edge: float = 1.5
    fitted_on: tuple = ()

    def fit(self, trajectories, *, seed, calibrate):
        return replace(self, fitted_on=tuple(t.reactor_id for t in trajectories))

    def futures(self, trajectory, *, interval_hours, n_paths, n_intervals, seed):
        assert self.fitted_on, "asked before it learnt"
        return KnownFutures(n_paths, self.edge)


def a_run(name, *, days=28, **setpoints):
    """A run at constant setpoints, measured every day."""
    run = Trajectory(reactor_id=name, run_id=name)
    for day in range(days + 1):
        run = run.observe(make_state(time_h=24.0 * day), replace(NOMINAL, **setpoints))
    return run


@pytest.fixture
def model():
    return KnownModel()
