"""The integrator: order, accuracy against a stiff reference, positivity, independence of the vessels, outcomes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from perfusio.physics.integrate import IntegrationOutcome, exponential_step, integrate, integrate_fixed

UPTAKE, HALF, YIELD = 40.0, 0.01, 0.2


def depleting(y, columns):
    """Cells on one nutrient that runs out hard: half-saturation 0.01, uptake 40 per day."""
    cells, nutrient = y
    saturation = nutrient / (HALF + nutrient)
    production = np.stack([0.0 * cells, np.full_like(nutrient, 5.0)])
    loss = np.stack([0.3 - YIELD * UPTAKE * saturation * 0.2, 1.0 + UPTAKE * cells / (HALF + nutrient)])
    return production, loss


def rotating(y, columns):
    """y' = (1, 1) - (y2, y1) y: smooth, coupled, not linear."""
    a, b = y
    return np.ones_like(y), np.stack([b, a])


def reference(terms, y0, days):
    def rhs(_, y):
        p, lam = terms(y[:, None], np.array([0]))
        return (p - lam * y[:, None])[:, 0]

    return solve_ivp(rhs, (0.0, days), y0, method="LSODA", rtol=1e-10, atol=1e-13).y[:, -1]


def test_exponential_step_is_exact_for_frozen_rates():
    y, p, lam, h = np.array([[2.0]]), np.array([[3.0]]), np.array([[0.7]]), 5.0
    assert exponential_step(y, p, lam, h) == pytest.approx(
        2.0 * np.exp(-3.5) + 3.0 / 0.7 * (1 - np.exp(-3.5)), rel=1e-14
    )


@pytest.mark.parametrize("lam", [0.0, 1e-18, -1e-18, 1e-9, -1e-9])
def test_exponential_step_at_vanishing_loss_adds_production(lam):
    step = exponential_step(np.array([[2.0]]), np.array([[3.0]]), np.array([[lam]]), 0.5)
    assert step == pytest.approx(3.5, rel=1e-8)


def test_exponential_step_grows_for_negative_loss():
    assert exponential_step(np.ones((1, 1)), np.zeros((1, 1)), np.full((1, 1), -0.8), 2.0) == pytest.approx(np.exp(1.6))


def test_fixed_steps_converge_with_second_order():
    y0, days = np.array([[0.3], [1.5]]), 2.0
    exact = reference(rotating, y0[:, 0], days)
    errors = [np.abs(integrate_fixed(rotating, y0, days, n)[:, 0] - exact).max() for n in (20, 40, 80)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(np.abs(orders - 2.0) < 0.15), orders


def test_adaptive_error_falls_with_the_tolerance():
    y0, days = np.array([[0.3], [1.5]]), 2.0
    exact = reference(rotating, y0[:, 0], days)
    errors = [np.abs(integrate(rotating, y0, days, rtol=r, atol=r).y[:, 0] - exact).max() for r in (1e-3, 1e-5, 1e-7)]
    assert errors[0] < 1e-3
    assert errors[1] < errors[0] / 10
    assert errors[2] < errors[1] / 10


def test_depletion_agrees_with_lsoda():
    y0 = np.array([[0.01, 0.3, 2.0], [20.0, 5.0, 0.001]])
    done = integrate(depleting, y0, 3.0, rtol=1e-4, atol=1e-7)
    assert done.outcome is IntegrationOutcome.REACHED
    for vessel in range(3):
        exact = reference(depleting, y0[:, vessel], 3.0)
        assert np.abs(done.y[:, vessel] - exact) / (np.abs(exact) + 1e-4) == pytest.approx(0.0, abs=1e-3)
        assert done.y[1, vessel] > 0.0


def test_a_vessel_does_not_feel_its_neighbours():
    rng = np.random.default_rng(1)
    y0 = rng.uniform(0.0, 5.0, (2, 7))
    days = rng.uniform(0.1, 3.0, 7)
    together = integrate(depleting, y0, days)
    for vessel in range(7):
        alone = integrate(depleting, y0[:, [vessel]], days[vessel])
        np.testing.assert_allclose(together.y[:, vessel], alone.y[:, 0], rtol=1e-12)
        assert together.n_steps[vessel] == alone.n_steps[0]


def test_a_depleting_vessel_does_not_slow_the_others():
    done = integrate(depleting, np.array([[1e-6, 2.0], [5.0, 1.0]]), 1.0)
    assert done.n_steps[1] > 2 * done.n_steps[0]


def test_each_vessel_may_have_its_own_tolerances():
    y0, relative = np.array([[2.0, 2.0], [5.0, 5.0]]), np.array([1e-3, 1e-6])
    floors = np.array([1e-4, 1e-5])
    together = integrate(depleting, y0, 3.0, rtol=relative, atol=floors[:, None] * relative / 1e-3)
    for i, tolerance in enumerate(relative.tolist()):
        alone = integrate(depleting, y0[:, [i]], 3.0, rtol=tolerance, atol=floors * tolerance / 1e-3)
        np.testing.assert_allclose(together.y[:, i], alone.y[:, 0], rtol=1e-12)
        assert together.n_steps[i] == alone.n_steps[0]
    assert together.n_steps[1] > 2 * together.n_steps[0]


def test_arrived_vessels_leave_the_batch():
    sizes = []

    def counted(y, columns):
        sizes.append(columns.size)
        assert y.shape[1] == columns.size
        return rotating(y, columns)

    integrate(counted, np.ones((2, 3)) * [0.1, 1.0, 3.0], [0.5, 1.0, 4.0])
    assert sizes[0] == 3
    assert sizes[-1] == 1


def test_no_time_changes_nothing():
    y0 = np.array([[1.0, 2.0], [3.0, 4.0]])
    done = integrate(rotating, y0, [0.0, 0.0])
    np.testing.assert_array_equal(done.y, y0)
    assert done.y is not y0
    assert list(done.n_steps) == [0, 0]


def test_the_start_is_not_changed():
    y0 = np.array([[1.0], [3.0]])
    kept = y0.copy()
    integrate(rotating, y0, 1.0)
    integrate_fixed(rotating, y0, 1.0, 4)
    np.testing.assert_array_equal(y0, kept)


def test_a_fast_state_follows_its_equilibrium_with_steps_far_longer_than_its_own_time():
    """y2 relaxes to y1 a thousand times a day while y1 grows; steps of a tenth of a day see the equilibrium move."""

    def terms(y, columns):
        slow, _ = y
        return np.stack([0.0 * slow, 1000.0 * slow]), np.stack([-0.5 + 0.0 * slow, 1000.0 + 0.0 * slow])

    end = integrate_fixed(terms, np.ones((2, 1)), 1.0, 10)
    lag = 0.5 / 1000.0
    assert end[0, 0] == pytest.approx(np.exp(0.5), rel=1e-12)
    assert end[1, 0] == pytest.approx(np.exp(0.5) * (1.0 - lag), rel=2e-4)


def test_going_on_with_the_advised_step_saves_the_start_up():
    y0 = np.array([[0.3], [1.5]])
    first = integrate(rotating, y0, 1.0)
    fresh, warm = integrate(rotating, first.y, 1.0), integrate(rotating, first.y, 1.0, first_step=first.next_step)
    assert warm.n_steps[0] < fresh.n_steps[0]
    np.testing.assert_allclose(warm.y, fresh.y, rtol=1e-4)


def test_a_step_cut_short_by_the_end_does_not_shorten_the_next():
    first = integrate(rotating, np.array([[0.3], [1.5]]), 1.0)
    after = integrate(rotating, first.y, 1e-6, first_step=first.next_step)
    assert after.next_step[0] >= 0.9 * first.next_step[0]


def test_step_limit_is_named():
    done = integrate(depleting, np.array([[1.0], [5.0]]), 5.0, max_steps=3)
    assert done.outcome is IntegrationOutcome.STEP_LIMIT
    assert done.n_steps[0] == 3
    assert "max_steps" in done.outcome.value


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_finite_is_named_and_the_others_go_on(bad):
    done = integrate(rotating, np.array([[1.0, bad], [1.5, 1.0]]), 1.0)
    assert done.outcome is IntegrationOutcome.NOT_FINITE
    np.testing.assert_allclose(done.y[:, 0], reference(rotating, np.array([1.0, 1.5]), 1.0), rtol=1e-4)


@settings(max_examples=60, deadline=None)
@given(cells=st.floats(0.0, 50.0), nutrient=st.floats(0.0, 50.0), days=st.floats(0.0, 2.0), n_steps=st.integers(1, 6))
def test_never_negative_however_long_the_step(cells, nutrient, days, n_steps):
    y0 = np.array([[cells], [nutrient]])
    with np.errstate(all="ignore"):
        fixed = integrate_fixed(depleting, y0, days, n_steps)
    assert np.all(fixed >= 0.0)
    adaptive = integrate(depleting, y0, days)
    assert adaptive.outcome is IntegrationOutcome.REACHED
    assert np.all(adaptive.y >= 0.0)
