"""The search finds the optimum of a likelihood whose gradient is right; its value is compared in test_gp."""

import numpy as np
import pytest
from scipy.optimize import minimize

from perfusio.hybrid.gaussian_processes.kernel import Hyperparameters, independent
from perfusio.hybrid.gaussian_processes.likelihood import Likelihood, fit, initial_hyperparameters

N, D = 40, 4
H = Hyperparameters(log_lengthscales=np.log([0.7, 1.5, 3.0, 0.9]), log_signal=np.log(1.7), log_noise=np.log(1.1))


def data(n=N, seed=0, noise=0.2):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, D))
    return x, np.sin(2.0 * x[:, 0]) + 0.5 * x[:, 1] + noise * rng.standard_normal(n)


def same_for_all(sd, n=N):
    return independent(np.full(n, sd**2))


NOISES = {
    "one sd": same_for_all(0.2),
    "an sd for each row": independent(np.linspace(0.05, 0.4, N) ** 2),
    "shared readings": np.stack([np.full(N, 0.08), np.append(np.full(N - 1, -0.038), 0.0)]),
}


@pytest.mark.parametrize("noise", ["one sd", "an sd for each row", "shared readings"])
@pytest.mark.parametrize("h", [H, initial_hyperparameters(D)], ids=["short", "long"])
def test_gradient_is_that_of_differences(h, noise):
    x, y = data()
    likelihood = Likelihood(x, y, NOISES[noise])
    v, gradient = h.vector(), likelihood(h)[1]
    for i in range(len(v)):
        step = np.zeros(len(v))
        step[i] = 1e-5
        up, down = (likelihood(Hyperparameters.of(v + s))[0] for s in (step, -step))
        assert gradient[i] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-5)


def test_fit_moves_the_hyperparameters_to_a_better_place():
    x, y = data(80)
    start, known = initial_hyperparameters(D), same_for_all(0.1, 80)
    h = fit(x, y, known, start=start)
    moved = h.vector() - start.vector()
    assert np.abs(moved[:D]).max() > 0.5
    assert Likelihood(x, y, known)(h)[0] > Likelihood(x, y, known)(start)[0] + 5.0
    # two inputs matter, two do not: their lengthscales say so
    assert max(h.log_lengthscales[:2]) < min(h.log_lengthscales[2:])
    assert 1.3 < np.exp(h.log_noise) < 2.3  # it is twice what was said, and a factor of two is rare a priori


def test_evaluations_do_not_disturb_one_another():
    x, y = data()
    likelihood = Likelihood(x, y, NOISES["shared readings"])
    first = likelihood(H)
    likelihood(initial_hyperparameters(D))
    again = likelihood(H)
    assert first[0] == again[0]
    assert (first[1] == again[1]).all()


@pytest.mark.parametrize("seed", range(4))
def test_the_search_stops_near_the_optimum(seed):
    x, y = data(70, seed)
    known = same_for_all(0.2, 70)
    likelihood, centre = Likelihood(x, y, known), initial_hyperparameters(D).vector()
    width = np.array([3.0**0.5] * D + [0.7, 0.3])

    def loss(v):
        value, gradient = likelihood(Hyperparameters.of(v))
        return 0.5 * (((v - centre) / width) ** 2).sum() - value, (v - centre) / width**2 - gradient

    found = fit(x, y, known, start=initial_hyperparameters(D)).vector()
    best = minimize(loss, found, jac=True, method="BFGS", options={"gtol": 1e-6})
    assert loss(found)[0] - best.fun < 0.01
    # a start at the optimum stays there
    again = fit(x, y, known, start=Hyperparameters.of(best.x)).vector()
    assert np.abs(again - best.x).max() < 0.05
