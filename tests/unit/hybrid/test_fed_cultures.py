"""Feeds through the belief: mixed at the start of their interval wherever a transition is advanced, and only there."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import OutOfRange
from perfusio.hybrid.checkpoints import data_sha256, read_checkpoint, save
from perfusio.hybrid.features import indexed
from perfusio.hybrid.filtering.filter import filter_runs
from perfusio.hybrid.filtering.prediction import predict
from perfusio.hybrid.filtering.smoother import smoothed
from perfusio.hybrid.filtering.update import initial_belief
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.mechanistic import advance
from perfusio.hybrid.model import HybridModel
from perfusio.physics import feeds as mixing
from perfusio.process import CHO_PERFUSION
from perfusio.state import SPECIES_INDEX, State
from perfusio.testing import make_state
from perfusio.trajectory import Feed, Trajectory

AT = layout_of()
N_SPECIES, LATENT, N_BELIEF = AT.n_species, AT.latent, AT.n_belief
to_latent, from_latent, fed_latent = AT.to_latent, AT.from_latent, AT.fed_latent
FEED = Feed(fraction=0.05, glucose=72.0, glutamine=40.0)
UNPERFUSED = replace(
    DEFAULT_AMBR250_DESIGN_SPACE.nominal, perfusion_rate=0.0, bleed_rate=0.0, glucose_setpoint=0.0, pyruvate_feed=0.0
)
PRIOR = HybridModel().process
START = make_state(vcd=0.4, viability=98.0, glucose=5.0, glutamine=3.0, lactate=0.5, ammonium=1.0, titer=1.0).vector()


def after_feeds(species, feeds):
    return mixing.after_feeds(species, feeds, CHO_PERFUSION)


def fed_batch(seed=0, noise=0.03, days=8, feed_from=3):
    """A culture that does what the prior says, fed daily from day 3 on; analyzers with a little noise."""
    rng = np.random.default_rng(seed)
    u = UNPERFUSED.vector()[:, None]
    y, t = START.copy(), Trajectory(reactor_id=f"F{seed}")
    feed = None
    for day in range(days + 1):
        seen = y * np.exp(noise * rng.standard_normal(N_SPECIES))
        seen[1] = min(y[1] + rng.standard_normal(), 100.0)
        t = t.observe(State.of(24.0 * day, seen), UNPERFUSED, feed)
        feed = FEED if day >= feed_from else None
        fed = after_feeds(y[None], [feed])[0][:, None]
        y = advance(AT, fed, u, np.zeros((AT.n_parameters, 1)), 24.0, AT.medium)[:, 0]
    return t


def test_mixing_on_the_latent_scale_is_mixing():
    latent = to_latent(np.stack([START, START], axis=1))
    fed, _ = fed_latent(latent, [None, FEED])
    assert (fed[:, 0] == latent[:, 0]).all()
    assert from_latent(fed)[:, 1] == pytest.approx(after_feeds(START[None], [FEED])[0])


def test_its_slope_is_that_of_a_finite_difference_also_below_zero():
    latent = to_latent(START[:, None])
    latent[SPECIES_INDEX["glutamine"]] -= 3.0  # believed a little below zero
    _, slope = fed_latent(latent, [FEED])
    moved = (fed_latent(latent + 1e-6, [FEED])[0] - fed_latent(latent - 1e-6, [FEED])[0]) / 2e-6
    assert slope == pytest.approx(moved, rel=1e-5, abs=1e-7)
    assert slope[SPECIES_INDEX["viability"]] == 1.0


def test_the_indexed_format_starts_after_the_feed():
    t = fed_batch(days=4)
    data = indexed([t])
    before = t.values[:-1]
    assert data.x[::N_SPECIES, :N_SPECIES] == pytest.approx(after_feeds(before, t.feeds))
    assert (data.x[: 3 * N_SPECIES : N_SPECIES, :N_SPECIES] == before[:3]).all()
    assert data.y.tolist() == t.values[1:].ravel().tolist()


def test_a_step_of_the_filter_mixes_first_and_its_jacobian_knows():
    rng = np.random.default_rng(1)
    root = 0.05 * rng.standard_normal((N_BELIEF, N_BELIEF))
    mean, cov = np.zeros(N_BELIEF), root @ root.T + 0.01 * np.eye(N_BELIEF)
    mean[LATENT] = to_latent(START)
    rest = (UNPERFUSED.vector()[None], np.array([1.0]), np.array([24.0]), AT.medium)
    moved, spread, jacobian = predict(PRIOR, mean[None], cov[None], *rest, [FEED])
    fed = mean.copy()
    fed[LATENT] = to_latent(after_feeds(START[None], [FEED])[0])
    assert moved[0] == pytest.approx(predict(PRIOR, fed[None], cov[None], *rest)[0][0])
    nudge = 1e-4 * np.eye(N_BELIEF)
    by_hand = [(predict(PRIOR, (mean + d)[None], cov[None], *rest, [FEED])[0][0] - moved[0]) / 1e-4 for d in nudge]
    assert jacobian[0] == pytest.approx(np.array(by_hand).T, abs=2e-3)
    white = spread[0] - jacobian[0] @ cov @ jacobian[0].T
    assert white == pytest.approx(np.diag(np.diag(white)), abs=1e-10)
    assert (mean[LATENT] == to_latent(START)).all()


def test_a_neighbour_that_is_not_fed_moves_as_it_would_alone():
    mean, cov = initial_belief(make_state(day=0), PRIOR)
    rest = [np.repeat(a, 2, axis=0) for a in (UNPERFUSED.vector()[None], np.array([1.0]), np.array([24.0]))]
    together = predict(PRIOR, np.stack([mean, mean]), np.stack([cov, cov]), *rest, AT.medium, [FEED, None])
    alone = predict(PRIOR, mean[None], cov[None], *(a[:1] for a in rest), AT.medium)
    for both, one in zip(together, alone, strict=True):
        assert (both[1] == one[0]).all()
        assert (both[0] != one[0]).any()


def surprise(t):
    _, (steps,) = filter_runs(PRIOR, [t], [None])
    return np.sqrt(np.nanmean(np.array([s.innovation for s in steps[4:]]) ** 2))


def test_the_filter_is_surprised_by_a_feed_only_if_nobody_told_it():
    t = fed_batch()
    assert surprise(t) < 0.5 * surprise(replace(t, feeds=()))


def test_smoothing_gives_the_state_before_the_feed():
    t = fed_batch(seed=3)
    _, (steps,) = filter_runs(PRIOR, [t], [None])
    glucose = SPECIES_INDEX["glucose"]
    error = np.abs(from_latent(smoothed(AT, steps)[0].T)[glucose] / t.values[:, glucose] - 1.0)
    assert error.max() < 0.15  # after the feed it would be more than half as high again


@pytest.fixture(scope="module")
def model():
    return HybridModel().fit([fed_batch(seed=s) for s in range(4)])


def test_a_forecast_knows_the_feeds_to_come(model):
    t = fed_batch(seed=9)
    past, ahead = t.until(5), t.feeds[4:7]
    assert ahead == (FEED,) * 3
    settings = {"interval_hours": 24.0, "n_paths": 64, "seed": 0}
    (with_feeds,) = model.rollout(past, [t.setpoints[4:7]], **settings, feeds=ahead)
    (without,) = model.rollout(past, [t.setpoints[4:7]], **settings)
    came = t.values[5:8]
    for name in ("glucose", "glutamine"):
        q = SPECIES_INDEX[name]
        off = [np.abs(f.mean[:, q] - came[:, q]).max() for f in (with_feeds, without)]
        assert off[0] < 0.5 * off[1], name
    assert with_feeds["glucose"].mean == pytest.approx(came[:, SPECIES_INDEX["glucose"]], rel=0.35, abs=0.5)


def test_a_feed_in_one_interval_leaves_those_before_it_alone(model):
    t = fed_batch(seed=9).until(4)
    plans = [[UNPERFUSED] * 3, [replace(UNPERFUSED, temperature=35.5)] * 3]
    settings = {"interval_hours": 24.0, "n_paths": 16, "seed": 0}
    for fed, not_fed in zip(
        model.rollout(t, plans, **settings, feeds=(None, None, FEED)), model.rollout(t, plans, **settings), strict=True
    ):
        assert (fed.samples[:, :2] == not_fed.samples[:, :2]).all()
        assert (fed.samples[:, 2] != not_fed.samples[:, 2]).any(axis=1).all()


def test_feeds_have_to_match_the_intervals(model):
    with pytest.raises(OutOfRange, match="1 feeds for 2 intervals"):
        model.rollout(fed_batch(), [[UNPERFUSED] * 2], interval_hours=24.0, n_paths=8, seed=0, feeds=[FEED])


def test_a_refit_compares_on_what_was_fed(model):
    refit = model.refit([fed_batch(seed=s) for s in range(20, 23)], seed=0)
    assert refit.error < 3.0


def test_a_checkpoint_keeps_feeds_and_its_hash_counts_them(tmp_path, model):
    runs = [fed_batch(seed=s, days=4) for s in range(2)]
    save(model, tmp_path / "m", trajectories=runs)
    again = read_checkpoint(tmp_path / "m").training
    assert [t.feeds for t in again] == [t.feeds for t in runs]
    forgotten = replace(runs[0], feeds=())
    richer = replace(runs[0], feeds=(*runs[0].feeds[:-1], replace(FEED, glucose=73.0)))
    assert len({data_sha256([t]) for t in (runs[0], forgotten, richer)}) == 3
