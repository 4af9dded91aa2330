"""Nine processes for what the balances miss, each on its own rows."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.hybrid.features import IndexedData
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.mechanistic import advance as advanced
from perfusio.hybrid.residuals import step as steps
from perfusio.hybrid.residuals.residual import MIN_ROWS, N_HYPER_ROWS, Residual, _some_runs
from perfusio.hybrid.residuals.rows import residual_rows
from perfusio.hybrid.residuals.step import WASHED_SHARE
from perfusio.hybrid.residuals.transitions import Transitions
from perfusio.state import SPECIES, SPECIES_INDEX
from perfusio.testing import make_state

SPACE, AT = DEFAULT_AMBR250_DESIGN_SPACE, layout_of()
ZERO = np.zeros(AT.n_parameters)


def advance(species, setpoints, factors, hours):
    return advanced(AT, species, setpoints, factors, hours, AT.medium)


def step(latent, setpoints, factors, hours, residual=None):
    return steps.step(AT, latent, setpoints, factors, hours, AT.medium, residual)


def mechanistic_step(latent, setpoints, factors, hours):
    return steps.mechanistic_step(AT, latent, setpoints, factors, hours, AT.medium)


def rows(n=30, *, seed=0, hours=24.0, growth=0.0, uptake=0.0, without=()):
    """Transitions of the prior itself, but cells times exp(growth x days) and glucose uptake times exp(uptake).

    Each starts from readings that occur in no other; `without` names unmeasured species.
    """
    rng = np.random.default_rng(seed)
    before = make_state().vector()[:, None] * np.exp(0.3 * rng.standard_normal((9, n)))
    before[1] = 97.0
    u = SPACE.low[:, None] + rng.random((6, n)) * (SPACE.high - SPACE.low)[:, None]
    factors = np.zeros((AT.n_parameters, n))
    factors[AT.parameters.index("glucose_uptake")] = uptake
    after = advance(before, u, factors, hours)
    after[0] *= np.exp(growth * hours / 24.0)
    x = np.column_stack([np.repeat(np.vstack([before, u, np.arange(n)]).T, 9, axis=0), np.tile(np.arange(9), n)])
    keep = ~np.isin(x[:, -1], [SPECIES_INDEX[s] for s in without])
    read = before.T.ravel()[keep]
    return IndexedData(x=x[keep], y=after.T.ravel()[keep], hours=np.full(keep.sum(), hours), read=read)


def rows_of(species, data):
    """Rows of one species, linearised where nothing is known."""
    transitions = Transitions.of(data)
    return residual_rows(data, transitions, ZERO, np.zeros((9, len(transitions.hours))), SPECIES_INDEX[species])


@pytest.mark.parametrize("species", SPECIES)
def test_the_prior_has_no_residual_against_itself(species):
    r = rows_of(species, rows())
    assert r.residual == pytest.approx(np.zeros(30), abs=1e-9)
    assert r.x.shape == (30, 16)
    assert (r.noise[0] > 0).all()


@pytest.mark.parametrize("hours", [12.0, 24.0, 48.0])
def test_a_residual_is_a_rate_per_day_whatever_the_interval(hours):
    vcd = rows_of("vcd", rows(hours=hours, growth=0.1))
    assert vcd.residual == pytest.approx(
        np.full(30, 0.1), rel=0.02
    )  # the floor of 0.05 on the log scale takes a little


@pytest.mark.parametrize("wrong_by", [-0.4, 1.0])
def test_a_row_tells_the_same_residual_whatever_is_believed_of_it(wrong_by):
    data = rows(growth=0.3)
    transitions = Transitions.of(data)
    at = np.zeros((9, len(transitions.hours)))
    at[0] = wrong_by  # paths may reach 0.35
    assert residual_rows(data, transitions, ZERO, at, 0).residual == pytest.approx(np.full(30, 0.3), abs=0.01)


def test_that_of_glucose_is_a_change_of_its_uptake():
    """To first order around zero; around the right value it is exact."""
    data = rows(uptake=0.2)
    assert np.median(rows_of("glucose", data).residual) == pytest.approx(0.2, abs=0.03)
    at = np.zeros((9, 30))
    at[SPECIES_INDEX["glucose"]] = 0.2
    exact = residual_rows(data, Transitions.of(data), ZERO, at, SPECIES_INDEX["glucose"])
    assert exact.residual == pytest.approx(np.full(30, 0.2), abs=1e-3)  # the bound takes a little


def course(n, *, start_error=0.0):
    """One run of the prior itself, with readings of cells that are all `start_error` (relative) too high."""
    u, y = SPACE.nominal.vector(), [make_state().vector()]
    for _ in range(n):
        y.append(advance(y[-1][:, None], u[:, None], ZERO[:, None], 24.0)[:, 0])
    true = np.array(y)
    x = np.column_stack(
        [np.repeat(np.column_stack([true[:-1], np.tile(u, (n, 1)), np.arange(n)]), 9, axis=0), np.tile(np.arange(9), n)]
    )
    readings = true * np.where(np.arange(9) == 0, 1.0 + start_error, 1.0)
    return IndexedData(x=x, y=readings[1:].ravel(), hours=np.full(9 * n, 24.0), read=readings[:-1].ravel())


def test_an_error_of_the_estimate_that_a_row_starts_from_cancels():
    """Readings are 1 % higher than the states: growth is the same, whatever the smoother believed."""
    vcd = rows_of("vcd", course(6, start_error=0.01))
    assert np.abs(vcd.residual).max() < 0.004


def test_rows_that_share_a_reading_have_opposite_errors():
    vcd = rows_of("vcd", course(6))
    assert (vcd.noise[1, :-1] < 0).all()
    assert vcd.noise[1, -1] == 0
    assert (
        np.linalg.eigvalsh(np.diag(vcd.noise[0]) + np.diag(vcd.noise[1, :-1], 1) + np.diag(vcd.noise[1, :-1], -1)).min()
        > 0
    )
    assert (rows_of("vcd", rows()).noise[1] == 0).all()


def test_where_nothing_was_read_the_estimate_stands_in():
    data = course(6)
    gap = replace(data, read=np.where(data.task == 0, np.nan, data.read))
    vcd = rows_of("vcd", gap)
    assert vcd.residual == pytest.approx(np.zeros(6), abs=1e-6)
    assert (vcd.noise[1] == 0).all()


def test_hyperparameters_are_searched_on_whole_runs():
    run = np.repeat(np.arange(20), 28)
    some = _some_runs(run, np.random.default_rng(0))
    assert len(some) == N_HYPER_ROWS // 28 * 28
    assert all((np.isin(np.flatnonzero(run == r), some)).all() for r in np.unique(run[some]))
    assert len(_some_runs(np.zeros(1000, dtype=int), np.random.default_rng(0))) == N_HYPER_ROWS


def test_no_residual_moves_a_state_further_than_its_limit():
    z = np.log(make_state().vector())[:, None]
    z[1] = 9.7
    u, day = SPACE.nominal.vector()[:, None], np.full(1, 24.0)
    latent = np.arange(9) != SPECIES_INDEX["glucose"]
    still, moved = (step(z, u, ZERO[:, None], day, r * latent[:, None]) for r in (0.0, 50.0))
    assert (moved - still)[latent, 0] == pytest.approx(AT.limit[latent])
    assert np.isfinite(moved).all()


def test_predictions_are_of_the_rows_own_species():
    data = rows(4)
    transitions = Transitions.of(data)
    predicted = transitions.predicted(ZERO)[data.task, transitions.place].reshape(4, 9)
    assert predicted[:, 1] == pytest.approx(data.y.reshape(4, 9)[:, 1] / 10.0)
    assert predicted[:, 0] == pytest.approx(np.log(data.y.reshape(4, 9)[:, 0] + 0.05))


def fitted(data):
    return Residual.fit(data, ZERO, Residual(), 0)


def test_before_any_fit_it_is_zero_with_no_variance():
    none = Residual()
    mean, variance = none.predict(np.zeros((3, 16)))
    assert not none.is_fitted
    assert mean.shape == variance.shape == (9, 3)
    assert (mean == 0).all()
    assert (variance == 0).all()
    assert (none.sample_paths(4, 0)(np.zeros((2, 4, 16))) == 0).all()


def test_it_learns_a_growth_that_the_prior_lacks_and_forgets_it_far_away():
    residual = fitted(rows(40, growth=0.15))
    vcd = rows_of("vcd", rows(10, seed=7, growth=0.15))
    mean, variance = residual.predict(vcd.x)
    assert mean[0] == pytest.approx(np.full(10, 0.15), abs=0.05)
    assert (variance[0] < AT.usual[0] ** 2 * 4).all()
    far, wide = residual.predict(vcd.x + 300.0)
    assert np.abs(far[0]).max() < 0.01
    assert (wide[0] > variance[0]).all()
    assert np.allclose(residual.mean(vcd.x), mean)


def test_a_species_never_measured_has_no_process_and_the_others_do():
    residual = fitted(rows(10, without=["titer", "pyruvate"]))
    have = [p is not None for p in residual.processes]
    assert have == [s not in ("titer", "pyruvate") for s in SPECIES]
    mean, _ = residual.predict(np.zeros((2, 16)))
    assert np.isfinite(mean).all()


def test_too_few_rows_make_no_process():
    assert not fitted(rows(MIN_ROWS - 1)).is_fitted
    assert fitted(rows(MIN_ROWS)).is_fitted


def test_conditioning_on_other_rows_keeps_the_hyperparameters():
    residual = fitted(rows(20, growth=0.15))
    other = residual.conditioned(rows(30, seed=1, growth=-0.15), ZERO)
    for p, q in zip(residual.processes, other.processes, strict=True):
        assert (p.h.vector() == q.h.vector()).all()
    vcd = rows_of("vcd", rows(5, seed=2))
    assert (other.mean(vcd.x)[0] < 0 * residual.mean(vcd.x)[0]).all()
    assert (residual.mean(vcd.x)[0] > 0).all()


def test_sampled_functions_scatter_around_the_mean_in_units_of_the_rate():
    residual = fitted(rows(40, growth=0.15))
    vcd = rows_of("vcd", rows(4, seed=5, growth=0.15))
    paths = residual.sample_paths(400, 0)(np.repeat(vcd.x[:, None], 400, axis=1))
    mean, variance = residual.predict(vcd.x)
    assert paths.shape == (9, 4, 400)
    assert paths.mean(axis=2)[0] == pytest.approx(mean[0], abs=4 * np.sqrt(variance[0].max() / 400) + 0.01)


def test_viability_above_all_alive_is_carried_and_fades():
    """A filter may believe 101 % for a day; the balances get 100, and half of the excess is kept."""
    z = np.log(np.maximum(make_state().vector(), 1e-9))[:, None]
    z[1] = 10.0
    u, f = SPACE.nominal.vector()[:, None], ZERO[:, None]
    at = mechanistic_step(z, u, f, np.full(1, 24.0))
    z[1] = 10.2
    above = mechanistic_step(z, u, f, np.full(1, 24.0))
    assert above[1, 0] - at[1, 0] == pytest.approx(0.1)
    assert np.delete(above, 1, axis=0) == pytest.approx(np.delete(at, 1, axis=0))


def test_extending_is_conditioning_on_all_rows_at_once():
    """Of runs that share no reading; a species without a process gets none."""
    residual = fitted(rows(20, growth=0.15, without=["titer"]))
    at = rows(6, seed=4, growth=0.15)
    extended = residual.extended(at, ZERO)
    x = Transitions.of(rows(5, seed=2)).x
    assert extended.processes[SPECIES_INDEX["titer"]] is None
    assert len(extended.processes[0].y) == 26
    assert (extended.predict(x)[1][0] < residual.predict(x)[1][0]).all()
    assert np.abs(extended.mean(x)[0] - 0.15).mean() < np.abs(residual.mean(x)[0] - 0.15).mean() + 1e-3


class TestWashingOut:
    """What perfusion carries away each day bounds what a residual can add for ever."""

    def run(self, rate, perfusion, n_days=200):
        latent = AT.to_latent(np.array([10.0, 97.0, 4.0, 2.0, 1.0, 5.0, 2.0, 1.0, 100.0])[:, None])
        setpoints = np.array([perfusion, 0.1, 4.0, 36.5, 850.0, 1.0])[:, None]
        residual, day = np.zeros((9, 1)), np.full(1, 24.0)
        residual[SPECIES_INDEX["pyruvate"]] = rate  # nothing else depends on it
        for _ in range(n_days):
            latent = step(latent, setpoints, np.zeros((AT.n_parameters, 1)), day, residual)
        return AT.from_latent(latent)[:, 0]

    @pytest.mark.parametrize("perfusion", [0.2, 0.5, 2.0])
    def test_no_residual_makes_a_solute_grow_without_end(self, perfusion):
        usual, pushed = (self.run(rate, perfusion)[SPECIES_INDEX["pyruvate"]] for rate in (0.0, 5.0))
        assert usual < pushed < 100.0 * usual

    def test_small_ones_are_not_touched(self):
        rising = steps._washable(AT, np.full((9, 1), 0.1), np.ones((6, 1)))
        assert rising[:, 0] == pytest.approx(AT.limit.clip(max=WASHED_SHARE))
        falling = steps._washable(AT, np.full((9, 1), -0.1), np.full((6, 1), 0.2))
        assert falling[:, 0] == pytest.approx(AT.limit)
