"""Baselines: persistence repeats, the average run ignores the vessel; both say NaN where nothing is known."""

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.hybrid.rivals.forecasters import BatchAverage, Persistence
from perfusio.state import State
from perfusio.trajectory import Trajectory

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal


def run(*counts, hours=24.0, **other):
    states = tuple(State(time_h=hours * i, vcd=c, **other) for i, c in enumerate(counts))
    return Trajectory(reactor_id="R", states=states, setpoints=(NOMINAL,) * (len(states) - 1))


def ahead(forecaster, trajectory, n=2):
    (f,) = forecaster.rollout(trajectory, [[NOMINAL] * n], interval_hours=24.0, n_paths=8, seed=0)
    return f


def test_persistence_is_the_last_measured_value_of_each_species():
    f = ahead(Persistence(), run(1.0, 2.0, np.nan, glucose=4.0))
    np.testing.assert_allclose(f.times_h, [72.0, 96.0])
    assert f["vcd"].mean == pytest.approx(2.0)
    assert f["glucose"].mean == pytest.approx(4.0)
    assert np.isnan(f["titer"].mean).all()
    assert f.samples.shape == (1, 2, 9)


def test_the_average_run_bridges_gaps_and_counts_each_run_while_it_lasts():
    average = BatchAverage.of([run(1.0, np.nan, 3.0), run(3.0, 4.0)])
    np.testing.assert_allclose(average.mean[:, 0], [2.0, 3.0, 3.0])
    assert np.isnan(average.mean[:, 2]).all()
    f = ahead(average, run(100.0), n=4)
    np.testing.assert_allclose(f["vcd"].mean, [3.0, 3.0, 3.0, 3.0])


def test_runs_with_other_sampling_times_average_on_all_of_them():
    average = BatchAverage.of([run(0.0, 24.0), run(0.0, 12.0, 24.0, hours=12.0)])
    np.testing.assert_allclose(average.times_h, [0.0, 12.0, 24.0])
    np.testing.assert_allclose(average.mean[:, 0], [0.0, 12.0, 24.0])
