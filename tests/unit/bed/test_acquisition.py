"""The named acquisition functions against their closed forms in high precision, and against sums over the paths."""

import os
import subprocess
import sys

import mpmath as mp
import numpy as np
import pytest
import torch

from perfusio.bed import acquisition as acquisitions
from perfusio.bed.acquisition import CLOSED_FORMS, acquisition, log_improvement
from perfusio.bed.candidates.outcomes import REFERENCE, UCB_BETA
from perfusio.config import ACQUISITIONS, MULTI_OBJECTIVE, SEARCHES, SINGLE_OBJECTIVE
from perfusio.errors import ConfigError

mp.mp.dps = 60
S = 64
POINTS = np.array([[0.0, 0, 0, 0, 0, 0], [1.0, 0, 0, 0, 0, 0], [-1.0, 0.5, 0, 0, 0, 0], [-6.0, 0, 0, 0, 0, 0]])
DRAWS = np.random.default_rng(0).standard_normal((S, 2))
HOLD = np.zeros((1, 6))


def improvements(u):
    """Mean u0, spread 0.5 + u1; one objective (G, S, 1)."""
    return (u[:, :1] + (0.5 + u[:, 1:2]) * DRAWS[None, :, 0])[..., None]


def two(u):
    """What is gained on one is lost on the other, u1 is gained on both (G, S, 2)."""
    mean = np.stack([u[:, 0] + u[:, 1], u[:, 1] - u[:, 0]], axis=1)
    return mean[:, None] + 0.1 * np.abs(u[:, :1, None]) * DRAWS[None]


def make(name, outcomes=None, baseline=HOLD, **settings):
    n = 2 if name in MULTI_OBJECTIVE else 1
    outcomes = outcomes or (two if n == 2 else improvements)
    return acquisition(name, outcomes, n_paths=S, n_objectives=n, baseline=baseline, **settings)


def value(name, points=POINTS, **settings):
    return make(name, **settings)(points)


def closed_form(name, mean, sd):
    m, s = mp.mpf(mean), mp.mpf(sd)
    z = m / s
    ei = s * (mp.npdf(z) + z * mp.ncdf(z))
    return {"EI": ei, "LogEI": mp.log(ei), "PI": mp.ncdf(z), "UCB": m + mp.sqrt(UCB_BETA) * s}[name]


@pytest.mark.parametrize("name", ["EI", "LogEI", "PI", "UCB"])
def test_closed_forms_down_to_improvements_of_1e_80(name):
    """From five standard deviations above holding to 19 below it, where EI and PI are 1e-80 and less."""
    unit = (DRAWS[:, 0] - DRAWS[:, 0].mean()) / DRAWS[:, 0].std(ddof=1)
    for sd in (1e-3, 1.0, 40.0):
        z = np.array([5.0, 1.0, 0.1, 0.0, -0.5, -2.0, -5.0, -8.0, -12.0, -16.0, -19.0])
        points = np.stack([sd * z, np.full_like(z, sd)], axis=1)

        def paths(u):
            return (u[:, :1] + u[:, 1:] * unit)[..., None]

        found = acquisition(name, paths, n_paths=S, n_objectives=1, baseline=np.zeros((1, 2)))(points)
        for (mean, spread), got in zip(points, found, strict=True):
            wanted = closed_form(name, mean, spread)
            assert abs(mp.mpf(float(got)) - wanted) <= 1e-6 * abs(wanted), (name, mean / spread)
    assert closed_form("EI", -19.0, 1.0) < 1e-80
    assert closed_form("PI", -19.0, 1.0) < 1e-80


@pytest.mark.parametrize("z", [8.0, 1.0, -0.999, -1.001, -7.0, -29.99, -30.01, -45.0, -1e3, -1e6, -1e12])
def test_log_improvement_of_one_sd_in_high_precision(z):
    """Where it changes formula, and far beyond what EI itself can hold."""
    with mp.workdps(120):
        m = mp.mpf(z)
        tail = mp.npdf(m) * (1 / m**2 - 3 / m**4) if z < -1e5 else mp.npdf(m) + m * mp.ncdf(m)
        wanted = mp.log(tail) if z > -1e5 else -m * m / 2 - mp.log(2 * mp.pi) / 2 + mp.log(1 / m**2 - 3 / m**4)
        assert abs(mp.mpf(float(log_improvement(np.array(z)))) - wanted) <= 3e-11 * max(1, abs(wanted))


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_closed_forms_agree_with_botorch(name):
    from botorch import acquisition as theirs

    from perfusio.bed.with_botorch.acquisition import PathEnsemble

    points = np.random.default_rng(1).uniform([-20.0, -0.5], [3.0, 4.0], (200, 2))
    model = PathEnsemble(improvements, 1)
    made = {
        "PI": lambda: theirs.ProbabilityOfImprovement(model, best_f=0.0),
        "EI": lambda: theirs.LogExpectedImprovement(model, best_f=0.0),
        "LogEI": lambda: theirs.LogExpectedImprovement(model, best_f=0.0),
        "UCB": lambda: theirs.UpperConfidenceBound(model, beta=UCB_BETA),
    }[name]()
    wanted = made(torch.from_numpy(points[:, None])).detach().numpy()
    wanted = np.exp(wanted) if name == "EI" else wanted
    assert value(name, points) == pytest.approx(wanted, rel=1e-8, abs=1e-300)


def test_log_ei_tells_apart_what_ei_calls_zero():
    hopeless = np.array([[-60.0, 0, 0, 0, 0, 0], [-61.0, 0, 0, 0, 0, 0], [-1e6, 0, 0, 0, 0, 0]])
    assert (value("EI", hopeless) < 1e-300).all()
    a, b, c = value("LogEI", hopeless)
    assert np.isfinite([a, b, c]).all()
    assert a > b > c


@pytest.mark.parametrize(
    ("name", "of_paths"),
    [
        ("qEI", lambda y: np.maximum(y, 0.0).mean(axis=1)),
        ("qUCB", lambda y: (y.mean(axis=1, keepdims=True) + np.sqrt(UCB_BETA * np.pi / 2)
                            * np.abs(y - y.mean(axis=1, keepdims=True))).mean(axis=1)),
    ],
)  # fmt: skip
def test_those_with_q_are_means_over_the_paths(name, of_paths):
    assert value(name) == pytest.approx(of_paths(improvements(POINTS)[..., 0]), rel=1e-9, abs=1e-15)


def test_q_log_ei_is_the_logarithm_of_that_mean():
    found = value("qLogEI")
    expected = np.log(np.maximum(improvements(POINTS[:3])[..., 0], 0.0).mean(axis=1))
    assert found[:3] == pytest.approx(expected, abs=0.02)  # smoothed where the hinge is
    assert (np.diff(found[[1, 0, 3]]) < 0).all()


class TestHypervolumes:
    """A candidate that gains a on the first and b on the second adds area to the box from the reference to holding."""

    points = np.array([[0.0, 1.0, 0, 0, 0, 0], [2.0, 0.0, 0, 0, 0, 0], [1.0, -2.0, 0, 0, 0, 0], [0, -1.0, 0, 0, 0, 0]])

    @staticmethod
    def area_added(y, front=((0.0, 0.0),)):
        """By counting cells of a fine grid, on the safe side of no formula."""
        axis = np.arange(REFERENCE, 5.0, 0.02) + 0.01
        a, b = np.meshgrid(axis, axis, indexing="ij")
        covered = np.zeros_like(a, dtype=bool)
        for f in front:
            covered |= (a <= f[0]) & (b <= f[1])
        return float((((a <= y[0]) & (b <= y[1])) & ~covered).sum() * 0.02**2)

    @pytest.mark.parametrize("name", ["qEHVI", "qNEHVI"])
    def test_are_the_mean_area_added(self, name):
        expected = [np.mean([self.area_added(y) for y in paths]) for paths in two(self.points)]
        assert value(name, self.points) == pytest.approx(expected, abs=0.05)

    def test_what_was_run_before_is_no_news(self):
        """With the candidate itself in the baseline nothing is left to add, on each path and not only on average."""
        known = np.concatenate([HOLD, self.points[1:2]])
        fresh, stale = value("qNEHVI", self.points), value("qNEHVI", self.points, baseline=known)
        assert fresh[1] > 1.0
        assert stale[1] == pytest.approx(0.0, abs=1e-9)
        assert stale[0] == pytest.approx(fresh[0], rel=0.5)

    def test_the_log_keeps_the_order_where_there_is_area(self):
        plain, log = value("qNEHVI", self.points), value("qLogNEHVI", self.points)
        assert np.argsort(plain[:2]).tolist() == np.argsort(log[:2]).tolist()
        assert np.exp(log[:2]) == pytest.approx(plain[:2], rel=0.1)
        assert np.isfinite(log).all()

    def test_par_ego_looks_in_a_direction_that_its_seed_draws(self):
        first = [value("qNParEGO", self.points, seed=s)[1] for s in range(12)]
        assert min(first) == 0.0 < max(first)  # it gains on one and loses on the other
        assert first == [value("qNParEGO", self.points, seed=s)[1] for s in range(12)]
        assert value("qNParEGO", self.points)[3] == 0.0  # worse on both whatever the direction


@pytest.mark.parametrize("name", ACQUISITIONS)
def test_a_value_does_not_depend_on_what_is_asked_beside_it(name):
    together = value(name)
    function = make(name)
    for i in (2, 0, 3, 1):
        assert function(POINTS[i : i + 1])[0] == pytest.approx(together[i], rel=1e-12)
    assert function(POINTS[::-1].copy()) == pytest.approx(together[::-1], rel=1e-12)
    assert function(POINTS) == pytest.approx(together, rel=1e-12)


@pytest.mark.parametrize("name", SINGLE_OBJECTIVE)
def test_more_expected_improvement_is_better(name):
    values = value(name, np.array([[m, 0, 0, 0, 0, 0] for m in (-1.0, -0.5, 0.0, 0.5, 1.0)]))
    assert (np.diff(values) > 0).all()
    assert values.shape == (5,)


@pytest.mark.parametrize("name", MULTI_OBJECTIVE)
def test_more_on_both_objectives_is_better(name):
    values = value(name, np.array([[0, m, 0, 0, 0, 0] for m in (0.1, 0.5, 1.0, 1.5)]))
    assert (np.diff(values) > 0).all()
    assert values.shape == (4,)


@pytest.mark.parametrize("name", ACQUISITIONS)
def test_holding_alone_is_no_improvement_and_still_a_number(name):
    n = 2 if name in MULTI_OBJECTIVE else 1
    found = value(name, outcomes=lambda u: np.zeros((len(u), S, n)))
    assert np.isfinite(found).all()
    if name in ("EI", "qEI", "qEHVI", "qNEHVI", "qNParEGO", "UCB", "qUCB"):
        assert found == pytest.approx(np.zeros(4), abs=1e-4)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"'LogIE' is not .* Did you mean 'LogEI'\? Known: PI, EI, LogEI, UCB, qEI"):
        acquisition("LogIE", improvements, n_paths=S, n_objectives=1, baseline=HOLD)


@pytest.mark.parametrize("name", ACQUISITIONS)
@pytest.mark.parametrize("search", SEARCHES)
def test_what_needs_botorch_says_how_to_install_it_where_it_is_not(name, search, monkeypatch):
    monkeypatch.setattr(acquisitions, "find_spec", lambda package: None)
    if name in CLOSED_FORMS and search == "cross-entropy":
        acquisitions.check_available(name, search)
    else:
        with pytest.raises(ConfigError, match=r"needs BoTorch.*pip install 'perfusio-twin\[botorch\]'") as refused:
            acquisitions.check_available(name, search)
        assert (name in str(refused.value).split(":")[0]) == (name not in CLOSED_FORMS)


def test_no_compiler_is_started_and_no_lock_of_one_is_waited_for(tmp_path):
    """BoTorch builds a kernel of qLogNEHVI where it finds a compiler; a killed build left a lock without an end."""
    program = """
import numpy as np, sys
from perfusio.bed.acquisition import acquisition
from perfusio.config import MULTI_OBJECTIVE
paths = np.zeros((8, 2))
for name in MULTI_OBJECTIVE:
    acquisition(name, lambda u: paths[None] + u[:, None, :2], n_paths=8, n_objectives=2, baseline=np.zeros((1, 6)))
print("torch.utils.cpp_extension" in sys.modules)
"""
    command = [sys.executable, "-W", "ignore", "-c", program]
    built = {**os.environ, "TORCH_EXTENSIONS_DIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=built, timeout=200)
    assert (done.returncode, done.stdout.strip()) == (0, "False"), done.stderr
    assert list(tmp_path.iterdir()) == []
