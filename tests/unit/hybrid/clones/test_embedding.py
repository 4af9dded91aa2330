"""Clones as vectors: rates of relatives, places among them, and models that carry over."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.errors import NotEnoughData
from perfusio.hybrid import checkpoints
from perfusio.hybrid.clones.embedding import CloneRegistry, coordinates
from perfusio.hybrid.clones.relatives import CloneResidual
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.residuals.rows import ResidualRows
from perfusio.plant.clones import CLONE_X, CLONE_Y
from perfusio.plant.experiment import simulate_runs

LOG_SD = layout_of().log_sd


def runs_of(clone, n, seed, days=6):
    rates = np.linspace(0.8, 1.4, n)
    plans = {f"{clone.name}{i}": replace(SPACE.nominal, perfusion_rate=float(r)) for i, r in enumerate(rates)}
    return simulate_runs(clone, plans, days=days, seed=seed)


@pytest.fixture(scope="module")
def registry():
    return CloneRegistry.fit(runs_of(CLONE_X, 4, 1))


@pytest.fixture(scope="module")
def new_runs():
    return runs_of(CLONE_Y, 3, 2)


@pytest.fixture(scope="module")
def adapted(registry, new_runs):
    return registry.adapted(new_runs[:2])


class TestCoordinates:
    def test_alike_clones_lie_close(self):
        rng = np.random.default_rng(0)
        base = rng.normal(size=(3, len(LOG_SD))) * LOG_SD
        places, own = coordinates(base, base[1] + 0.01 * LOG_SD, base.mean(axis=0), LOG_SD)
        assert np.argmin(np.linalg.norm(places - own, axis=1)) == 1

    def test_a_clone_without_runs_lies_off_all_others(self):
        known = np.zeros((2, len(LOG_SD)))
        known[0, 0], known[1, 0] = 0.3, -0.3
        places, own = coordinates(known, None, known.mean(axis=0), LOG_SD)
        assert np.linalg.norm(places - own, axis=1).min() >= 1.0


class TestRates:
    def test_those_expected_lie_between_typical_ones_and_the_known(self, registry):
        centre, sd = registry.expected_rates()
        (known,) = registry.factors()
        assert (np.abs(centre) <= np.abs(known)).all()
        assert (centre * known >= 0).all()
        assert (sd > 0).all()

    def test_of_nothing_known_they_are_the_typical_ones(self):
        centre, sd = CloneRegistry().expected_rates()
        assert not centre.any()
        assert (sd == LOG_SD).all()


class TestAdapted:
    def test_it_forecasts_the_new_clone_better_than_before_its_runs(self, registry, new_runs, adapted):
        test = new_runs[2]
        plan = [list(test.setpoints[2:5])]
        how = {"interval_hours": 24.0, "n_paths": 32, "seed": 0}

        def off(model):
            forecast = model.rollout(test.until(3), plan, **how)[0]
            return np.nanmean(np.abs(np.log((forecast.mean[-1] + 0.1) / (test.values[5] + 0.1))))

        assert off(adapted) < off(registry.newcomer())

    def test_without_runs_it_is_the_newcomer_and_less_sure(self, registry, new_runs, adapted):
        none = registry.adapted([])
        assert none.model_id == registry.newcomer().model_id
        u = new_runs[0].setpoints[-1]
        wide, narrow = (m.predict_next_state(new_runs[2].until(2), u, 24.0) for m in (none, adapted))
        assert (wide.sd[0] > narrow.sd[0]).sum() >= 7

    def test_rows_of_relatives_count(self, registry, new_runs, adapted):
        residual = adapted.process.residual
        assert isinstance(residual, CloneResidual)
        n_own = sum(len(r.setpoints) for r in new_runs[:2])
        assert len(residual.processes[0].alpha) > n_own

    def test_it_goes_on_learning_from_the_new_clone(self, new_runs, adapted):
        again = adapted.refit(new_runs, seed=0)
        assert isinstance(again.model.process.residual, CloneResidual)
        assert np.isfinite(again.error)

    def test_it_is_the_same_after_a_checkpoint(self, adapted, new_runs, tmp_path):
        checkpoints.save(adapted, tmp_path, trajectories=new_runs[:2])
        assert checkpoints.load(tmp_path).model_id == adapted.model_id

    def test_an_empty_registry_says_so(self):
        with pytest.raises(NotEnoughData, match="knows no clone"):
            CloneRegistry().newcomer()


def test_rows_are_searched_of_both_the_line_and_its_relatives():
    n = 500
    background = ResidualRows(
        x=np.zeros((n, 3)), residual=np.zeros(n), noise=np.zeros((2, n)), run=np.repeat(np.arange(20), 25)
    )
    own = ResidualRows(x=np.ones((80, 2)), residual=np.ones(80), noise=np.zeros((2, 80)), run=np.repeat([0, 1], 40))
    residual = CloneResidual(coordinates=np.ones(1), background=(background,) * 9)
    rows = residual.among(0, own)
    chosen = residual.searched(rows, np.random.default_rng(0))
    assert (rows.residual[chosen] == 1).sum() == 80
    assert len(chosen) == 300
