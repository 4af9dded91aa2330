"""The plain GP: it learns the next state and nothing else, whatever is missing."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import ModelError, NotEnoughData
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.rivals.plain_gp import PlainGP, filled
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs
from perfusio.state import SETPOINTS, SPECIES, SPECIES_INDEX, State
from perfusio.trajectory import Trajectory

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
RECIPES = {"R1": NOMINAL, "R2": replace(NOMINAL, bleed_rate=0.25), "R3": replace(NOMINAL, perfusion_rate=1.4)}


@pytest.fixture(scope="module")
def runs():
    return simulate_runs(CLONE_X, RECIPES, days=14, seed=3)


@pytest.fixture(scope="module")
def model(runs):
    return PlainGP.fit(runs)


def cut(run, n):
    return replace(run, states=run.states[:n], setpoints=run.setpoints[: n - 1])


def ahead(model, run, n_days, n_paths=64, seed=0):
    plan = [run.setpoints[-1]] * n_days
    return model.rollout(run, [plan], interval_hours=24.0, n_paths=n_paths, seed=seed)[0]


def test_hyperparameters_move_and_the_state_ahead_is_better_than_staying(model, runs):
    start = np.sqrt(2.0) + 0.5 * np.log(len(SPECIES) + len(SETPOINTS) + 1)
    assert all(np.abs(p.h.log_lengthscales - start).max() > 0.5 for p in model.processes)
    vcd = [r.values[:, 0] for r in runs]
    for run, counts in zip(runs, vcd, strict=True):
        forecast = ahead(model, cut(run, 3), 12)["vcd"].mean
        known = np.isfinite(counts[3:])
        error = np.abs(forecast - counts[3:])[known].mean()
        assert error < 0.4 * np.abs(counts[2] - counts[3:])[known].mean()


def test_times_paths_and_limits(model, runs):
    forecast = ahead(model, cut(runs[0], 2), 5, n_paths=40)
    np.testing.assert_allclose(forecast.times_h, [48.0, 72.0, 96.0, 120.0, 144.0])
    assert forecast.samples.shape == (40, 5, len(SPECIES))
    assert forecast.is_finite()
    assert (forecast.samples >= 0.0).all()
    assert (forecast.sd > 0.0).all()
    assert forecast.samples[..., SPECIES_INDEX["viability"]].max() <= 100.0
    low, high = forecast.interval(0.9)
    assert ((low < forecast.mean) & (forecast.mean < high))[:, [0, 8]].all()


def test_the_mean_depends_on_neither_paths_nor_seed(model, runs):
    one, other = ahead(model, runs[0], 4), ahead(model, runs[0], 4, n_paths=8, seed=9)
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-9)
    assert not np.array_equal(one.samples[:8], other.samples)


def test_a_species_never_measured_stays_as_usual(runs):
    blind = [replace(r, states=tuple(replace(s, pyruvate=float("nan")) for s in r.states)) for r in runs]
    model = PlainGP.fit(blind)
    i = SPECIES_INDEX["pyruvate"]
    assert model.processes[i] is None
    assert ahead(model, blind[0], 3).mean[:, i] == pytest.approx(layout_of().default_state[i])


def test_gaps_are_interpolated_and_ends_held():
    states = tuple(State(time_h=24.0 * d, vcd=v) for d, v in enumerate([np.nan, 2.0, np.nan, 4.0, np.nan]))
    run = Trajectory(reactor_id="R", states=states, setpoints=(NOMINAL,) * 4)
    np.testing.assert_allclose(filled(run)[:, 0], [2.0, 2.0, 3.0, 4.0, 4.0])
    assert filled(run)[:, 2] == pytest.approx(layout_of().default_state[2])


def test_too_little_data_and_another_interval_are_refused(model, runs):
    with pytest.raises(NotEnoughData, match="No species has 5 intervals near 24 h"):
        PlainGP.fit([cut(runs[0], 3)])
    with pytest.raises(ModelError, match="learnt steps of 24 h and cannot forecast in steps of 6 h"):
        model.rollout(runs[0], [[NOMINAL]], interval_hours=6.0, n_paths=4, seed=0)
