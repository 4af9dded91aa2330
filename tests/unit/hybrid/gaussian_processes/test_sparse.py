"""Many rows seen through a few of their points say what all rows say."""

import numpy as np
import pytest

from perfusio.errors import FitFailed
from perfusio.hybrid.gaussian_processes import sparse
from perfusio.hybrid.gaussian_processes.gp import GaussianProcess, Hyperparameters, independent
from perfusio.hybrid.gaussian_processes.sparse import EXACT_ROWS, N_INDUCING, InducingProcess, condition

D = 5
H = Hyperparameters(log_lengthscales=np.log([2.5, 3.5, 6.0, 9.0, 30.0]), log_signal=0.2, log_noise=0.1)


def rows(n, seed=0):
    """Points and readings of a known function; the error of each reading is also in the next row, in runs of 20."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2.0, 2.0, (n, D))
    truth = np.sin(1.5 * x[:, 0]) + 0.5 * x[:, 1] * np.cos(x[:, 2]) + 0.1 * x[:, 3]
    e = 0.2 * np.linspace(0.7, 1.3, n + 1) * rng.standard_normal(n + 1)
    sd = 0.2 * np.linspace(0.7, 1.3, n + 1)
    shared = -0.9 * sd[1:] ** 2
    shared[19::20] = shared[-1] = 0.0
    follows = np.append(False, shared[:-1] != 0.0)
    fresh = 0.2 * rng.standard_normal(n) * np.linspace(0.7, 1.3, n)
    y = truth + e[1:] - 0.9 * np.where(follows, e[:-1], fresh)
    return x, y, np.stack([sd[1:] ** 2 + 0.81 * sd[:-1] ** 2, shared])


@pytest.fixture(scope="module")
def both():
    many = rows(1200)
    return GaussianProcess.condition(H, *many), InducingProcess.condition(H, *many)


def test_few_rows_are_conditioned_on_exactly_and_many_through_points():
    assert isinstance(condition(H, *rows(EXACT_ROWS)), GaussianProcess)
    many = condition(H, *rows(EXACT_ROWS + 1))
    assert isinstance(many, InducingProcess)
    assert len(many.x) == N_INDUCING


def test_what_is_lost_is_little(both):
    exact, approximate = both
    new = rows(400, seed=1)[0]
    (mean, variance), (close, doubt) = exact.predict(new), approximate.predict(new)
    assert np.sqrt(((close - mean) ** 2 / variance).mean()) < 0.15
    assert (doubt / variance).mean() == pytest.approx(1.0, abs=0.08)
    assert (doubt / variance).min() > 0.85  # never much surer than all rows together allow
    assert approximate.support(new) == pytest.approx(exact.support(new), abs=0.02)
    assert np.allclose(approximate.mean(new), close)


def test_less_is_lost_than_by_a_subset(both):
    exact, approximate = both
    new = rows(400, seed=1)[0]
    x, y, noise = rows(1200)
    some = GaussianProcess.condition(H, x[-400:], y[-400:], noise[:, -400:])
    mean, variance = exact.predict(new)
    off = [np.sqrt(((p.predict(new)[0] - mean) ** 2 / variance).mean()) for p in (approximate, some)]
    assert off[0] < 0.15 * off[1]


def test_with_every_row_a_point_it_is_exact():
    few = rows(60)
    new = rows(50, seed=1)[0] * 1.5
    exact, through_all = GaussianProcess.condition(H, *few), InducingProcess.condition(H, *few)
    for a, b in zip(through_all.predict(new), exact.predict(new), strict=True):
        assert a == pytest.approx(b, abs=1e-5)
    assert through_all.joint(new)[1] == pytest.approx(exact.joint(new)[1], abs=1e-5)
    assert through_all.expanded(new).slope == pytest.approx(exact.expanded(new).slope, abs=1e-4)


def test_too_few_points_make_it_doubt_not_err(monkeypatch):
    monkeypatch.setattr(sparse, "N_INDUCING", 30)
    many = rows(600)
    new = rows(400, seed=1)[0]
    mean, variance = InducingProcess.condition(H, *many).predict(new)
    exact_mean, exact_variance = GaussianProcess.condition(H, *many).predict(new)
    assert variance.mean() > 1.5 * exact_variance.mean()
    assert np.sqrt(((mean - exact_mean) ** 2).mean()) < 1.3 * np.sqrt(variance.mean())


def test_far_away_it_forgets_the_data(both):
    mean, variance = both[1].predict(np.full((1, D), 1e3))
    assert mean[0] == pytest.approx(0.0, abs=1e-9)
    assert variance[0] == pytest.approx(H.signal_variance)


def test_new_rows_add_what_they_say():
    x, y, noise = rows(1100)
    k = 40  # two runs
    extended = InducingProcess.condition(H, x[:-k], y[:-k], noise[:, :-k]).extended(x[-k:], y[-k:], noise[:, -k:])
    new = rows(100, seed=1)[0]
    (mean, variance), (close, doubt) = GaussianProcess.condition(H, x, y, noise).predict(new), extended.predict(new)
    assert np.sqrt(((close - mean) ** 2 / variance).mean()) < 0.15
    assert doubt == pytest.approx(variance, rel=0.4)
    assert (doubt / variance).mean() == pytest.approx(1.0, abs=0.08)


def test_extending_by_parts_is_extending_by_all():
    x, y, noise = rows(300)
    start = InducingProcess.condition(H, x[:200], y[:200], noise[:, :200])
    parts = start.extended(x[200:240], y[200:240], noise[:, 200:240]).extended(x[240:], y[240:], noise[:, 240:])
    whole, new = start.extended(x[200:], y[200:], noise[:, 200:]), rows(50, seed=1)[0]
    for a, b in zip(parts.predict(new), whole.predict(new), strict=True):
        assert a == pytest.approx(b, abs=1e-8)


def test_some_rows_are_rows_that_it_has_seen_not_its_points(both):
    x = rows(1200)[0]
    for process in both:
        some = process.some_rows(100)
        assert 90 <= len(some) <= 110
        assert np.abs(some[:, None] - x).max(axis=2).min(axis=1).max() < 1e-9
        assert np.abs(some[:, None] - x[:300]).max(axis=2).min(axis=1).min() < 1e-9
        assert np.abs(some[:, None] - x[-300:]).max(axis=2).min(axis=1).min() < 1e-9


def test_paths_are_drawn_from_it(both):
    approximate, new = both[1], rows(60, seed=1)[0]
    n, at = 1000, np.repeat(new[:, None], 1000, axis=1)
    # each draw has few waves of its own
    values = np.concatenate([approximate.sample_paths(n, np.random.default_rng(s))(at) for s in range(6)], axis=1)
    mean, variance = approximate.predict(new)
    # fewer points than the process has: what they leave open of its mean is a share of a doubt that is small here
    assert np.sqrt(((values.mean(axis=1) - mean) ** 2 / variance).mean()) < 0.3
    assert (values.var(axis=1) / variance).mean() == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["x", "y", "noise"])
def test_numbers_that_are_none_are_refused(bad, where):
    x, y, noise = rows(30)
    given = {"x": x, "y": y, "noise": noise}
    start = InducingProcess.condition(H, **given)
    given[where][..., 3] = bad
    with pytest.raises(FitFailed), np.errstate(invalid="ignore"):
        InducingProcess.condition(H, **given)
    with pytest.raises(FitFailed, match="30 rows cannot be taken in"), np.errstate(invalid="ignore"):
        start.extended(**given)


def test_noise_that_is_no_covariance_is_refused():
    x, y, _ = rows(30)
    with pytest.raises(FitFailed, match="noise"):
        InducingProcess.condition(H, x, y, np.stack([np.full(30, 0.1), np.append(np.full(29, -0.2), 0.0)]))


def test_rows_that_are_all_the_same():
    process = InducingProcess.condition(H, np.zeros((50, D)), np.ones(50), independent(np.full(50, 0.5)))
    exact = GaussianProcess.condition(H, np.zeros((50, D)), np.ones(50), independent(np.full(50, 0.5)))
    assert len(process.x) == 1
    assert process.predict(np.zeros((1, D)))[0] == pytest.approx(exact.predict(np.zeros((1, D)))[0], abs=1e-6)
