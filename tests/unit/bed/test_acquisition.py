"""The named acquisition functions against their closed forms in high precision, on the mean and sd of the paths."""

import mpmath as mp
import numpy as np
import pytest

from perfusio.bed.acquisition import UCB_BETA, acquisition
from perfusio.config import ACQUISITIONS
from perfusio.errors import ConfigError

S = 64
POINTS = np.array([[0.0, 0, 0, 0, 0, 0], [1.0, 0, 0, 0, 0, 0], [-1.0, 0.5, 0, 0, 0, 0], [-6.0, 0, 0, 0, 0, 0]])
DRAWS = np.random.default_rng(0).standard_normal(S)


def improvements(u):
    """Mean u0, spread 0.5 + u1."""
    return u[:, :1] + (0.5 + u[:, 1:2]) * DRAWS[None]


def value(name, points=POINTS):
    return acquisition(name, improvements, S)(points)


def closed_form(name, u):
    paths = improvements(u[None])[0]
    m, s = mp.mpf(float(paths.mean())), mp.mpf(float(paths.std(ddof=1)))
    z = m / s
    ei = s * (mp.npdf(z) + z * mp.ncdf(z))
    return {"EI": ei, "LogEI": mp.log(ei), "PI": mp.ncdf(z), "UCB": m + mp.sqrt(UCB_BETA) * s}[name]


@pytest.mark.parametrize("name", ["EI", "LogEI", "PI", "UCB"])
def test_closed_forms(name):
    for u, found in zip(POINTS, value(name), strict=True):
        assert found == pytest.approx(float(closed_form(name, u)), rel=1e-5, abs=1e-12)


def test_log_ei_tells_apart_what_ei_calls_zero():
    hopeless = np.array([[-60.0, 0, 0, 0, 0, 0], [-61.0, 0, 0, 0, 0, 0]])
    assert (value("EI", hopeless) < 1e-300).all()
    a, b = value("LogEI", hopeless)
    assert np.isfinite([a, b]).all()
    assert a > b


def test_q_log_ei_is_the_mean_over_the_paths():
    found = value("qLogEI")
    expected = np.log(np.maximum(improvements(POINTS[:3]), 0.0).mean(axis=1))
    assert found[:3] == pytest.approx(expected, abs=0.02)  # smoothed where the hinge is
    assert (np.diff(found[[1, 0, 3]]) < 0).all()


@pytest.mark.parametrize("name", ACQUISITIONS)
def test_a_value_does_not_depend_on_what_is_asked_beside_it(name):
    together = value(name)
    function = acquisition(name, improvements, S)
    for i in (2, 0, 3, 1):
        assert function(POINTS[i : i + 1])[0] == pytest.approx(together[i], rel=1e-12)
    assert function(POINTS[::-1].copy()) == pytest.approx(together[::-1], rel=1e-12)
    assert function(POINTS) == pytest.approx(together, rel=1e-12)


@pytest.mark.parametrize("name", ACQUISITIONS)
def test_more_expected_improvement_is_better(name):
    values = value(name, np.array([[m, 0, 0, 0, 0, 0] for m in (-1.0, -0.5, 0.0, 0.5, 1.0)]))
    assert (np.diff(values) > 0).all()
    assert values.shape == (5,)


def test_holding_alone_is_no_improvement():
    zero = acquisition("EI", lambda u: np.zeros((len(u), S)), S)(POINTS)
    assert zero == pytest.approx(np.zeros(4), abs=1e-4)
    assert np.isfinite(acquisition("LogEI", lambda u: np.zeros((len(u), S)), S)(POINTS)).all()


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"'LogIE' is not .* Known: PI, EI, LogEI, UCB, qLogEI"):
        acquisition("LogIE", improvements, S)


def test_every_configured_name_is_there():
    for name in ACQUISITIONS:
        assert np.isfinite(value(name)).all()
