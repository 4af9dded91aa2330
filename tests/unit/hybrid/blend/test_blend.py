"""Forecasts of several members are mixed path by path, and a model carries them from fit to checkpoint."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.hybrid.blend.members import MEMBERS
from perfusio.hybrid.checkpoints import load, save
from perfusio.hybrid.model import HybridModel
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs

HOW = {"interval_hours": 24.0, "n_paths": 64, "seed": 0}
PLAN = [[replace(SPACE.nominal, bleed_rate=0.1)] * 3]
"""As T0 had them all along."""


@pytest.fixture(scope="module")
def runs():
    recipes = {f"T{i}": replace(SPACE.nominal, bleed_rate=b) for i, b in enumerate((0.1, 0.15, 0.2))}
    return simulate_runs(CLONE_X, recipes, days=6, seed=5)


@pytest.fixture(scope="module")
def model(runs):
    return HybridModel().fit(runs)


def weighed(model, *shares):
    """The model with the same weights everywhere."""
    weights = np.zeros_like(model.blend.weights)
    weights[: len(shares)] = np.array(shares)[:, None, None]
    alone = np.zeros_like(weights)
    alone[0] = 1.0
    blend = replace(model.blend, weights=weights, strange_weights=alone, factor=np.ones_like(model.blend.factor))
    return replace(model, blend=blend)


def test_a_fit_weighs_every_species_and_horizon(model):
    assert model.blend.weights.shape == (len(MEMBERS), 4, 9)
    assert np.allclose(model.blend.weights.sum(axis=0), 1.0)
    assert (model.blend.spread > 0.0).all()


def test_the_hybrid_model_alone_is_itself(model, runs):
    (alone,), (without,) = (
        m.rollout(runs[0].until(4), PLAN, **HOW) for m in (weighed(model, 1.0), replace(model, blend=None))
    )
    assert np.array_equal(alone.samples, without.samples)


def test_a_mixture_lies_between_its_members(model, runs):
    hybrid, half, step = (
        weighed(model, *shares).rollout(runs[0].until(4), PLAN, **HOW)[0].median()
        for shares in ((1.0,), (0.5, 0.5), (0.0, 1.0))
    )
    z = [model.process.layout.to_latent(m.T) for m in (hybrid, half, step)]
    assert np.allclose(z[1], 0.5 * (z[0] + z[2]), atol=0.02)
    assert np.abs(z[0] - z[2]).max() > 0.02


def test_setpoints_that_move_as_no_run_did_are_left_to_the_hybrid_model(model, runs):
    moving = [[replace(SPACE.nominal, temperature=t) for t in (35.0, 37.0, 35.0)]]
    hybrid, blended = (
        weighed(model, *shares).rollout(runs[0].until(4), moving, **HOW)[0] for shares in ((1.0,), (0.0, 1.0))
    )
    assert np.allclose(hybrid.median(), blended.median(), rtol=1e-6)
    known = weighed(model, 1.0).blend
    assert known.strange(model.process.layout, runs[0].until(4), np.array([[u.vector() for u in moving[0]]])) == [1.0]
    assert known.strange(model.process.layout, runs[0].until(4), np.array([[u.vector() for u in PLAN[0]]])) == [0.0]


def test_decisions_are_made_on_the_hybrid_models_own_paths(model, runs):
    plans = np.array([[u.vector() for u in PLAN[0]]])
    draw = {"interval_hours": 24.0, "n_paths": 16, "n_intervals": 3, "seed": 0}
    blended, bare = (m.futures(runs[0].until(4), **draw).play(plans) for m in (model, replace(model, blend=None)))
    assert np.array_equal(blended, bare)


def test_a_checkpoint_holds_it(model, runs, tmp_path):
    save(model, tmp_path, trajectories=runs)
    again = load(tmp_path)
    assert again.model_id == model.model_id
    (before,), (after,) = (m.rollout(runs[0].until(4), PLAN, **HOW) for m in (model, again))
    assert np.array_equal(before.samples, after.samples)
