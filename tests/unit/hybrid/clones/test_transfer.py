"""Relatives teach, unless runs left out say that they do harm."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.hybrid.clones.embedding import CloneRegistry
from perfusio.hybrid.clones.relatives import CloneResidual
from perfusio.hybrid.clones.transfer import MOST_FOLDS, _left_out, adapt, forecast_error, harms, model_for
from perfusio.hybrid.model import HybridModel
from perfusio.plant.clones import CLONE_X, CLONE_Y
from perfusio.plant.experiment import simulate_runs


def runs_of(clone, n, seed, days=6):
    plans = {f"{clone.name}{i}": replace(SPACE.nominal, perfusion_rate=0.9 + 0.2 * i) for i in range(n)}
    return simulate_runs(clone, plans, days=days, seed=seed)


@pytest.fixture(scope="module")
def registry():
    return CloneRegistry.fit(runs_of(CLONE_X, 3, 1))


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ([], False),
        ([[2.0, 1.0], [2.0, 1.5]], True),
        ([[2.0, 1.0], [1.0, 1.1]], False),  # not in every test
        ([[2.0, 1.9], [2.0, 1.9]], False),  # not clearly
    ],
)
def test_only_clear_harm_counts(errors, told):
    assert harms(np.array(errors).reshape(-1, 2)) is told


def test_one_run_is_forecast_from_two_thirds_of_its_length(registry):
    (run,) = runs_of(CLONE_Y, 1, 2, days=10)
    done = adapt(registry, [run])
    assert done.errors.shape == (1, 2)
    assert isinstance(done.model.process.residual, CloneResidual) is not done.is_alone


def test_no_run_needs_no_test(registry):
    done = adapt(registry, [])
    assert not done.is_alone
    assert done.model.model_id == registry.newcomer().model_id


def test_two_runs_are_each_left_out_once(registry):
    done = adapt(registry, runs_of(CLONE_Y, 2, 3))
    assert done.errors.shape == (2, 2)
    assert np.isfinite(done.errors).all()


def test_of_many_runs_each_is_left_out_once_and_few_models_are_fitted():
    runs = [run.until(n) for run, n in zip(runs_of(CLONE_Y, 6, 3), (7, 7, 3, 7, 7, 7), strict=True)]
    folds = _left_out(runs)
    assert len(folds) == MOST_FOLDS
    assert sorted(t.reactor_id for _, out, _ in folds for t in out) == [f"CloneY{i}" for i in (0, 1, 3, 4, 5)]
    for rest, out, first in folds:
        assert first == 0
        assert {t.reactor_id for t in rest} | {t.reactor_id for t in out} == {t.reactor_id for t in runs}
        assert not {t.reactor_id for t in rest} & {t.reactor_id for t in out}


def test_nothing_is_left_out_where_too_little_would_remain():
    short, long = (run.until(n) for run, n in zip(runs_of(CLONE_Y, 2, 3), (2, 7), strict=True))
    assert _left_out([short, long]) == []


def test_of_one_clone_there_is_nothing_to_carry_over():
    runs = runs_of(CLONE_X, 2, 1)
    assert model_for(runs, "CloneX").model.model_id == HybridModel().fit(runs).model_id


def test_a_model_that_saw_the_run_errs_less_than_the_prior():
    runs = runs_of(CLONE_X, 3, 1)
    assert forecast_error(HybridModel().fit(runs, calibrate=False), runs[0]) < forecast_error(HybridModel(), runs[0])
