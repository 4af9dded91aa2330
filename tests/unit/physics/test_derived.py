"""Derived quantities against hand-calculated numbers and against the balances they invert."""

import numpy as np
import pytest

from perfusio.physics import derived


def test_viability_and_dead_density_are_inverse():
    assert derived.viability(30.0, derived.dead_density(30.0, 93.0)) == pytest.approx(93.0)
    assert derived.dead_density(30.0, 100.0) == 0.0


def test_net_growth_of_a_steady_density_is_what_leaves():
    assert derived.net_growth_rate(30.0, 30.0, 1.0, 0.21) == pytest.approx(0.21)


@pytest.mark.parametrize(("growth", "dilution"), [(0.3, 1.0), (-0.4, 2.0), (0.0, 0.0), (-1.0, 1.0)])
def test_specific_rate_inverts_the_balance(growth, dilution):
    q, inlet, c0, x0, days = 1.7, 6.0, 2.0, 12.0, 1.3
    t = np.linspace(0.0, days, 20001)
    source = np.exp(-dilution * (days - t)) * (dilution * inlet + q * x0 * np.exp(growth * t))
    after = c0 * np.exp(-dilution * days) + np.trapezoid(source, t)
    found = derived.specific_rate(c0, after, x0, x0 * np.exp(growth * days), days, inlet, dilution)
    assert found == pytest.approx(q, rel=1e-6)
