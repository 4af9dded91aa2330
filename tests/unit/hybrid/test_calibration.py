"""Calibration finds the rates behind noisy data, keeps the prior where data say nothing, and bears outliers."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.hybrid import calibration
from perfusio.hybrid.calibration import BETWEEN_VESSELS_SD, calibrate, uncalibrated
from perfusio.hybrid.features import IndexedData, indexed
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.mechanistic import advance
from perfusio.hybrid.residuals.transitions import Transitions
from perfusio.state import Setpoints, State
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory

SPACE, AT = DEFAULT_AMBR250_DESIGN_SPACE, layout_of()
OWN, LOG_SD = slice(0, AT.n_vessel_rates), AT.log_sd
NAMES = list(AT.parameters)
TRUE = np.random.default_rng(3).standard_normal(AT.n_parameters) * 0.8 * LOG_SD


def simulated(n_runs=8, n_days=10, seed=0, true=TRUE):
    """Runs of the prior with the true rates; (trajectories with noisy values, their true inputs)."""
    rng = np.random.default_rng(seed)
    trajectories, truths = [], []
    for i in range(n_runs):
        u = SPACE.low + rng.random(6) * (SPACE.high - SPACE.low)
        y = make_state(vcd=1.0 + 8.0 * rng.random(), viability=97.0, titer=20.0).vector()[:, None]
        t, truth = Trajectory(reactor_id=f"T{i}"), []
        for day in range(n_days + 1):
            truth.append(y[:, 0])
            reading = AT.to_latent(y) + AT.noise_sd(y) * rng.standard_normal((9, 1))
            values = AT.from_latent(reading)[:, 0]
            t = t.observe(State.of(24.0 * day, values), Setpoints.of(u))
            y = advance(AT, y, u[:, None], true[:, None], 24.0, AT.medium)
        trajectories.append(t)
        truths.append(np.array(truth))
    return trajectories, truths


def predict_latent(data, log_factors):
    """The prior's prediction of each row's target on the latent scale."""
    transitions = Transitions.of(data)
    return transitions.predicted(log_factors)[data.task, transitions.place]


@pytest.fixture(scope="module")
def found():
    trajectories, truths = simulated()
    return calibrate(indexed(trajectories, truths), uncalibrated()[0])


def test_it_recovers_the_rates_that_the_data_show(found):
    log_factors, *_ = found
    # these show in daily samples of usual cultures; a rate and the shape of its law trade off, so not each alone
    for name in ("productivity", "ammonium_yield", "pyruvate_uptake"):
        i = NAMES.index(name)
        assert log_factors[i] == pytest.approx(TRUE[i], abs=0.15), name
    off, before = (log_factors - TRUE) / LOG_SD, TRUE / LOG_SD
    assert np.sqrt(np.mean(off[OWN] ** 2)) < 0.6 * np.sqrt(np.mean(before[OWN] ** 2))


def test_what_it_found_predicts_as_the_true_rates_do(found):
    trajectories, truths = simulated(seed=9)
    data = indexed(trajectories, truths)
    off = predict_latent(data, found[0]) - predict_latent(data, TRUE)
    typical = predict_latent(data, np.zeros(AT.n_parameters)) - predict_latent(data, TRUE)
    assert np.sqrt(np.mean(off**2)) < 0.15 * np.sqrt(np.mean(typical**2))


def test_its_uncertainty_is_honest(found):
    log_factors, cov, _ = found
    z = (log_factors - TRUE)[OWN] / np.sqrt(np.diag(cov))
    assert np.abs(z).max() < 3.5
    assert (np.linalg.eigvalsh(cov) > 0).all()
    assert (np.sqrt(np.diag(cov)) >= BETWEEN_VESSELS_SD).all()
    assert (np.sqrt(np.diag(cov)) < np.hypot(LOG_SD[OWN], BETWEEN_VESSELS_SD) + 1e-9).all()


def test_outliers_do_not_steer(found):
    trajectories, truths = simulated()
    data = indexed(trajectories, truths)
    y = data.y.copy()
    bad = np.random.default_rng(0).choice(len(y), len(y) // 40, replace=False)
    y[bad] = np.where(data.task[bad] == 1, 60.0, 8.0 * y[bad])
    log_factors, *_ = calibrate(replace(data, y=y), uncalibrated()[0])
    assert np.abs((log_factors - found[0]) / LOG_SD).max() < 1.0
    assert np.abs(predict_latent(data, log_factors) - predict_latent(data, found[0])).mean() < 0.02


def test_what_was_never_measured_keeps_its_prior():
    trajectories, truths = simulated(n_runs=3, n_days=4)
    data = indexed(trajectories, truths)
    rows = data.task != 8  # no titer
    without = IndexedData(x=data.x[rows], y=data.y[rows], hours=data.hours[rows], read=data.read[rows])
    log_factors, cov, _ = calibrate(without, uncalibrated()[0])
    i = NAMES.index("productivity")
    assert log_factors[i] == pytest.approx(0.0, abs=1e-3)
    assert cov[i, i] == pytest.approx(LOG_SD[i] ** 2 + BETWEEN_VESSELS_SD**2, rel=1e-3)


def test_one_row_moves_little_and_stays_finite():
    trajectories, truths = simulated(n_runs=1, n_days=1)
    data = indexed(trajectories, truths)
    one = IndexedData(x=data.x[:1], y=data.y[:1], hours=data.hours[:1], read=data.read[:1])
    log_factors, cov, _ = calibrate(one, uncalibrated()[0])
    assert np.isfinite(log_factors).all()
    assert np.isfinite(cov).all()
    assert np.abs(log_factors / LOG_SD).max() < 2.0


def test_without_data_the_rates_are_typical():
    log_factors, cov = uncalibrated()
    assert (log_factors == 0).all()
    assert np.diag(cov).tolist() == pytest.approx((LOG_SD[OWN] ** 2).tolist())


def test_of_very_many_transitions_whole_runs_are_enough(monkeypatch, found):
    """Every third run of nine, the last one among them: other rows may be anything."""
    trajectories, truths = simulated(n_runs=9)
    few = calibrate(indexed(trajectories[2::3], truths[2::3]), uncalibrated()[0])
    monkeypatch.setattr(calibration, "N_CALIBRATION", 30)
    assert np.array_equal(calibrate(indexed(trajectories, truths), uncalibrated()[0])[0], few[0])


@pytest.mark.parametrize("media", [False, True])
@pytest.mark.parametrize("n_columns", [1, 30, 100])
def test_slopes_taken_together_are_to_the_bit_those_taken_one_by_one(monkeypatch, n_columns, media):
    data = indexed(*simulated(n_runs=2, n_days=4))
    if media:  # of two runs
        medium = np.repeat(AT.medium[None, :], len(data.y), axis=0)
        medium[len(data.y) // 2 :] *= 1.2
        data = replace(data, medium=medium)
    whole = calibrate(data, uncalibrated()[0])
    monkeypatch.setattr(calibration, "MOST_COLUMNS", n_columns)
    for a, b in zip(calibrate(data, uncalibrated()[0]), whole, strict=True):
        assert np.array_equal(a, b)


def test_a_rate_far_from_any_usual_cell_is_found():
    """A productivity of 1.7 pg/cell/day, 7 prior sd below typical: a real culture has it."""
    far = TRUE.copy()
    far[NAMES.index("productivity")] = np.log(1.7 / 22.0)
    data = indexed(*simulated(n_runs=3, true=far))
    found = calibrate(data, uncalibrated()[0]).log_factors[NAMES.index("productivity")]
    assert found == pytest.approx(np.log(1.7 / 22.0), abs=0.2)


def test_a_species_that_was_never_measured_has_no_learnt_rate():
    data = indexed(*simulated(n_runs=3))
    bare = data.of(~np.isin(data.task, [AT.species.index(name) for name in ("lactate", "titer")]))
    found = calibrate(bare, uncalibrated()[0])
    for name in ("lactate_yield", "lactate_uptake", "lactate_half", "productivity", "productivity_slow"):
        i = NAMES.index(name)
        assert (found.log_factors[i], found.doubt_left[i]) == (0.0, 1.0), name
    assert found.doubt_left[NAMES.index("growth")] < 0.6
