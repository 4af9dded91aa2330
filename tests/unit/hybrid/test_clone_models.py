"""Vessels of several clones: each is forecast by its clone's model, and every clone learns from the others."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.errors import CheckpointRefused, NotEnoughData
from perfusio.hybrid import checkpoints
from perfusio.hybrid.clone_models import CloneModels, keeping_apart
from perfusio.hybrid.clones.relatives import CloneResidual
from perfusio.hybrid.model import HybridModel
from perfusio.hybrid.rollout import Futures
from perfusio.plant.clones import CLONE_X, CLONE_Y
from perfusio.plant.experiment import simulate_runs


def runs_of(clone, n, seed, days=6):
    plans = {f"{clone.name}{i}": replace(SPACE.nominal, perfusion_rate=0.9 + 0.2 * i) for i in range(n)}
    return simulate_runs(clone, plans, days=days, seed=seed)


def forecast(model, vessel):
    plan = [[vessel.setpoints[-1]] * 3]
    return model.rollout(vessel, plan, interval_hours=24.0, n_paths=32, seed=0)[0].mean.tolist()


@pytest.fixture(scope="module")
def vessels():
    return [*runs_of(CLONE_X, 2, 1), *runs_of(CLONE_Y, 2, 2)]


@pytest.fixture(scope="module")
def early(vessels):
    """After the first refit, on day 4."""
    seen = [t.until(5) for t in vessels]
    return keeping_apart(HybridModel(), seen).condition(seen).refit(seen, seed=0).model


@pytest.fixture(scope="module")
def late(vessels, early):
    """After the second, on day 6."""
    return early.condition(vessels).refit(vessels, seed=0)


class TestLearning:
    def test_at_first_each_clone_has_its_own_runs_only(self, early):
        assert sorted(early.models) == ["CloneX", "CloneY"]
        for clone, model in early.models.items():
            assert {c.trajectory.clone for c in model.courses} == {clone}
            assert not isinstance(model.process.residual, CloneResidual)

    def test_then_rows_of_the_others_count(self, late):
        assert np.isfinite(late.error)
        for model in late.model.models.values():
            residual = model.process.residual
            assert isinstance(residual, CloneResidual)
            assert 6 <= len(residual.background[0].residual) <= 8  # what the other two vessels had told on day 4

    def test_what_one_clone_sees_changes_what_is_believed_of_another(self, vessels, early):
        x = vessels[:2]
        both = early.condition(vessels).refit(vessels, seed=0).model
        alone = replace(early, models={"CloneX": early.models["CloneX"]}).condition(x).refit(x, seed=0).model
        assert both.of("CloneX").model_id != alone.of("CloneX").model_id
        told = replace(early, alone=("CloneX",)).condition(vessels).refit(vessels, seed=0).model
        assert told.of("CloneX").model_id == alone.of("CloneX").model_id  # relatives did harm: own runs only

    def test_a_clone_with_too_little_keeps_its_model_and_holds_up_nobody(self, vessels, early):
        some = [*vessels[:2], vessels[2].until(1)]
        before = early.condition(some)
        after = before.refit(some, seed=0).model
        assert after.of("CloneY").process is before.of("CloneY").process
        assert after.of("CloneX").process is not before.of("CloneX").process

    def test_nothing_new_is_said(self, vessels, late):
        with pytest.raises(NotEnoughData, match="nothing to learn"):
            late.model.refit(vessels, seed=0)


class TestForecasts:
    def test_each_vessel_is_forecast_by_the_model_of_its_clone(self, vessels, late):
        for vessel in (vessels[0], vessels[2]):
            own = late.model.of(vessel.clone)
            assert forecast(late.model, vessel) == forecast(own, vessel)
            assert late.model.estimate(vessel) == own.estimate(vessel)
        assert late.model.of("CloneX").model_id != late.model.of("CloneY").model_id

    def test_futures_are_played_with_the_rates_of_their_clone_also_together(self, vessels, late):
        plans = np.array([[u.vector() for u in vessels[0].setpoints[:3]]])
        ahead = {"interval_hours": 24.0, "n_paths": 16, "n_intervals": 3, "seed": 0}
        two = (vessels[0], vessels[2])
        drawn = [late.model.futures(vessel, **ahead) for vessel in two]
        together = Futures.play_together([(f, plans) for f in drawn])
        for vessel, paths in zip(two, together, strict=True):
            assert np.array_equal(paths, late.model.of(vessel.clone).futures(vessel, **ahead).play(plans))

    def test_what_was_tried_was_tried_by_any_clone(self, vessels, late):
        low, high = late.model.tried()
        inputs = np.concatenate([c.trajectory.inputs for m in late.model.models.values() for c in m.courses])
        assert (low == inputs.min(axis=0)).all()
        assert (high == inputs.max(axis=0)).all()

    def test_a_new_clone_is_a_newcomer_among_those_known(self, vessels, late):
        (new,) = (replace(t, clone="CloneZ") for t in runs_of(CLONE_Y, 1, 3, days=2))
        model = late.model.condition([*vessels, new])
        assert isinstance(model.of("CloneZ").process.residual, CloneResidual)
        assert model.of("CloneZ").courses == ()
        assert model.model_id != late.model.model_id

    def test_of_nothing_known_the_prior_forecasts(self):
        assert CloneModels().of("CloneX").model_id == HybridModel().model_id


class TestKeepingApart:
    def test_one_clone_needs_nothing(self, vessels):
        model = HybridModel()
        assert keeping_apart(model, vessels[:2]) is model

    def test_a_model_that_learnt_one_clone_goes_on_as_its_model(self, vessels):
        learnt = HybridModel().fit(vessels[:2], calibrate=False)
        apart = keeping_apart(learnt, vessels)
        assert list(apart.models) == ["CloneX"]
        assert apart.of("CloneX").process is learnt.process
        assert isinstance(apart.of("CloneY").process.residual, CloneResidual)

    def test_a_model_that_somebody_taught_several_clones_stays(self, vessels):
        pooled = HybridModel().fit(vessels, calibrate=False)
        assert keeping_apart(pooled, vessels) is pooled
        assert keeping_apart(CloneModels(), vessels) == CloneModels()


class TestHistory:
    def test_clones_of_the_past_teach_those_to_come(self, vessels):
        models = CloneModels.fit(vessels, ["CloneY", "CloneZ"])
        assert sorted(models.models) == ["CloneX", "CloneY", "CloneZ"]
        assert models.of("CloneX").model_id == HybridModel().fit(vessels[:2], calibrate=False).model_id
        assert isinstance(models.of("CloneZ").process.residual, CloneResidual)
        assert models.of("CloneZ").courses == ()

    def test_a_clone_with_one_sample_teaches_nobody(self, vessels):
        short = replace(vessels[2].until(1), clone="CloneS")
        models = CloneModels.fit([*vessels[:2], short])
        assert models.of("CloneX").process.residual.processes[0] is not None
        assert not isinstance(models.of("CloneX").process.residual, CloneResidual)
        assert models.of("CloneS").courses == ()  # a newcomer
        with pytest.raises(NotEnoughData, match="Give longer runs"):
            CloneModels.fit([short])


class TestCheckpoints:
    def test_it_is_the_same_after_one(self, vessels, late, tmp_path):
        checkpoints.save(late.model, tmp_path, trajectories=vessels)
        again = checkpoints.load_any(tmp_path)
        assert again.model_id == late.model.model_id
        known = again.of("CloneX").beliefs["CloneX0"].trajectory
        assert forecast(again, known) == forecast(late.model, vessels[0])

    def test_what_expects_one_model_says_what_it_found(self, vessels, late, tmp_path):
        checkpoints.save(late.model, tmp_path, trajectories=vessels)
        with pytest.raises(CheckpointRefused, match="models of 2 clones, CloneX, CloneY"):
            checkpoints.load(tmp_path)
