"""Paths: model error persists along each, plans share the draws, and their cloud is the belief."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.hybrid.filtering.belief import Belief, Process
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.model import HybridModel
from perfusio.hybrid.residuals.residual import Residual
from perfusio.hybrid.rollout import Futures
from perfusio.state import SPECIES_INDEX
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory

NOMINAL, AT = DEFAULT_AMBR250_DESIGN_SPACE.nominal.vector(), layout_of()
LATENT, N_BELIEF, to_latent = AT.latent, AT.n_belief, AT.to_latent
VCD = SPECIES_INDEX["vcd"]
T = Trajectory(reactor_id="R01", states=(make_state(day=0, vcd=5.0),))


def futures(model=None, **settings):
    model = (model or HybridModel()).condition([T])
    values = {"hours": 24.0, "n_paths": 400, "n_intervals": 8, "seed": 0} | settings
    return Futures.draw(model.process, model.beliefs["R01"], **values)


def plan(n=8):
    return np.tile(NOMINAL, (1, n, 1))


def test_shape_and_bounds():
    paths = futures().play(np.concatenate([plan(), plan() * 1.1]))
    assert paths.shape == (2, 400, 8, 9)
    assert np.isfinite(paths).all()
    assert (paths >= 0).all()


@pytest.mark.parametrize("n_paths", [1, 2, 7, 48])
def test_any_number_of_paths(n_paths):
    assert futures(n_paths=n_paths).play(plan()).shape == (1, n_paths, 8, 9)


def test_starts_are_the_belief():
    model = HybridModel().condition([T])
    belief, drawn = model.beliefs["R01"], futures(n_paths=4000).starts
    assert drawn.mean(axis=1) == pytest.approx(belief.mean, abs=1e-5)  # antithetic
    assert np.abs(np.cov(drawn) - belief.cov).max() < 0.06 * np.abs(belief.cov).max()


def test_a_fast_path_stays_fast():
    """Growth of the first days tells that of later ones: errors persist, they are not drawn anew each day."""
    log_vcd = np.log(futures().play(plan())[0, :, :, VCD])
    early, later = log_vcd[:, 1] - log_vcd[:, 0], log_vcd[:, 4] - log_vcd[:, 3]
    assert np.corrcoef(early, later)[0, 1] > 0.4


def test_a_certain_belief_without_noise_is_the_balance():
    model = HybridModel().condition([T])
    mean, cov = model.beliefs["R01"].mean, np.zeros((N_BELIEF, N_BELIEF))
    belief = Belief(trajectory=T, mean=mean, cov=cov, freedom=np.ones(9), latest=np.zeros(9))
    process = Process(log_factors=np.zeros(AT.n_parameters), rate_cov=model.process.rate_cov, residual=Residual())
    paths = Futures.draw(process, belief, hours=24.0, n_paths=200, n_intervals=1, seed=0).play(plan(1))
    one = NOMINAL[:, None], np.zeros(1), np.full(1, 24.0), AT.medium
    mean_step = process.mean_step(belief.mean[:, None], *one)[:, 0]
    assert to_latent(paths[0, :, 0].T).mean(axis=1) == pytest.approx(mean_step, abs=0.015)
    assert to_latent(paths[0, :, 0].T).std(axis=1)[VCD] < 0.02
    assert mean_step.shape == belief.mean[LATENT].shape


def test_plans_share_their_draws():
    f = futures()
    twice = f.play(np.concatenate([plan(), plan()]))
    assert (twice[0] == twice[1]).all()
    assert np.allclose(f.play(plan())[0], twice[0], rtol=1e-5)


def test_vessels_played_together_get_the_same_numbers():
    """To the last bit: what is decided for one must not depend on who else is there."""
    f, other = futures(), futures(n_paths=40, seed=3)
    together = Futures.play_together([(other, plan()), (f, np.concatenate([plan(), 1.1 * plan()])), (other, plan())])
    assert (together[1] == f.play(np.concatenate([plan(), 1.1 * plan()]))).all()
    assert (together[0] == other.play(plan())).all()
    assert (together[0] == together[2]).all()


def test_so_do_vessels_of_other_rates_media_and_horizons():
    known = HybridModel()
    slow = replace(known, process=replace(known.process, log_factors=known.process.log_factors - 0.2))
    far, near, poor = futures(n_intervals=8), futures(slow, n_paths=40, n_intervals=3), futures(n_intervals=5)
    poor = replace(poor, medium=0.5 * poor.medium)
    asked = [(near, plan(3)), (poor, 1.1 * plan(5)), (far, plan(8))]
    for (one, its_plan), found in zip(asked, Futures.play_together(asked), strict=True):
        assert (found == one.play(its_plan)).all()


def test_vessels_of_one_seed_share_functions_and_nothing_else():
    model = HybridModel().condition([T, replace(T, reactor_id="R02")])
    a, b = (
        Futures.draw(model.process, model.beliefs[name], hours=24.0, n_paths=8, n_intervals=2, seed=0)
        for name in ("R01", "R02")
    )
    assert (a.starts != b.starts).any()
    assert a.residual is b.residual


def test_rough_paths_are_the_first_ones_and_nearly_the_same():
    f = futures(n_paths=64)
    rough, fine = f.rough(6).play(plan()), f.play(plan())[:, :6]
    assert rough.shape == fine.shape
    assert 0.0 < np.abs(rough[..., VCD] / fine[..., VCD] - 1.0).max() < 0.05


def test_seeds():
    a, b, c = (futures(seed=s).play(plan()) for s in (1, 1, 2))
    assert (a == b).all()
    assert (a != c).any()
