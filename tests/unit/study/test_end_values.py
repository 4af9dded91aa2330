"""The end of a run from its first days, and how good that was."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.errors import NotEnoughData
from perfusio.hybrid.rivals.forecasters import BatchAverage
from perfusio.state import SPECIES_INDEX
from perfusio.study.end_values import end_value, mean_predictor_rmse, rmse
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory

TITER = SPECIES_INDEX["titer"]


def run(per_day, n=8, name="R"):
    t = Trajectory(reactor_id=name)
    for day in range(n):
        t = t.observe(replace(make_state(titer=per_day * (day + 1.0)), time_h=24.0 * day), SPACE.nominal)
    return t


def test_the_end_is_foreseen_from_the_first_days_only():
    average = BatchAverage.of([run(10.0), run(20.0)])
    said = end_value(average, run(17.0), from_day=3.0)
    assert (said.from_day, said.end_day) == (3.0, 7.0)
    assert said.forecast["titer"].median[0] == pytest.approx(15.0 * 8.0, rel=0.3)  # with the noise of an analyzer
    assert said.actual[TITER] == 17.0 * 8.0


def test_an_end_that_lies_ahead_is_not_measured():
    said = end_value(BatchAverage.of([run(10.0, n=12)]), run(17.0), from_day=3.0, end_day=10.0)
    assert said.end_day == 10.0
    assert np.isnan(said.actual).all()


def test_errors_stand_beside_those_of_the_mean_of_the_other_runs():
    runs = [run(10.0, name="A"), run(20.0, name="B"), run(30.0, name="C")]
    found = [end_value(BatchAverage.of([r]), r, n_paths=1) for r in runs]  # each foresees itself, but for noise
    assert mean_predictor_rmse(found)[TITER] == pytest.approx(8.0 * np.sqrt((15.0**2 + 0.0 + 15.0**2) / 3.0))
    assert rmse(found)[TITER] < 0.5 * mean_predictor_rmse(found)[TITER]
    assert np.isnan(mean_predictor_rmse(found[:1])).all()


def test_a_run_without_a_sample_by_then_is_refused():
    with pytest.raises(NotEnoughData, match="cannot be foreseen from day 7"):
        end_value(BatchAverage.of([run(1.0)]), run(1.0), from_day=7.0)
