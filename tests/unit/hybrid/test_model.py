"""HybridModel: forecasts with no data, learns, keeps its promises on degenerate data, and never holds a NaN."""

from contextlib import suppress
from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import ModelError, NotEnoughData, OutOfRange
from perfusio.hybrid.features import indexed
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.learning import MIN_TRANSITIONS
from perfusio.hybrid.model import HybridModel
from perfusio.hybrid.relearning import HELD_OUT, one_step_error
from perfusio.hybrid.residuals.residual import Residual
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs
from perfusio.plant.sensors import PERFECT
from perfusio.state import SPECIES, SPECIES_INDEX, Setpoints, State
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory

SPACE = DEFAULT_AMBR250_DESIGN_SPACE
NOMINAL = SPACE.nominal
AT = layout_of()
LATENT, DRIFT, to_latent, from_latent = AT.latent, AT.drift, AT.to_latent, AT.from_latent
START = State(time_h=0.0, vcd=0.6, viability=98.0, glucose=5.0)


def recipes(n, seed):
    rng = np.random.default_rng(seed)
    return {f"T{i}": Setpoints.of(SPACE.low + rng.random(6) * (SPACE.high - SPACE.low)) for i in range(n)}


def first(trajectory, n):
    return replace(trajectory, states=trajectory.states[:n], setpoints=trajectory.setpoints[: max(n - 1, 0)])


def run(states, setpoints=NOMINAL):
    t = Trajectory(reactor_id="R01")
    for s in states:
        t = t.observe(s, setpoints)
    return t


def rollout(model, trajectory, plans=((NOMINAL,) * 3,), **settings):
    return model.rollout(trajectory, plans, **({"interval_hours": 24.0, "n_paths": 32, "seed": 0} | settings))


@pytest.fixture(scope="module")
def training():
    return simulate_runs(CLONE_X, recipes(6, 0), days=9, seed=1)


@pytest.fixture(scope="module")
def held_out():
    """Runs that no fit has seen, and what they really did."""
    noisy = simulate_runs(CLONE_X, recipes(3, 50), days=9, seed=2)
    return noisy, simulate_runs(CLONE_X, recipes(3, 50), days=9, seed=2, sensors=PERFECT)


@pytest.fixture(scope="module")
def fitted(training):
    return HybridModel().fit(training)


def parameters(model):
    p = model.process
    yield from (p.log_factors, p.rate_cov)
    for process in p.residual.processes:
        if process is not None:
            yield from (process.h.vector(), process.x, process.y, process.alpha, process.factor)
    for belief in model.beliefs.values():
        yield from (belief.mean, belief.cov)


def assert_usable(model, trajectory):
    for values in parameters(model):
        assert np.isfinite(values).all()
    (forecast,) = rollout(model, trajectory)
    assert forecast.is_finite()
    assert (forecast.samples >= 0).all()


class TestWithoutData:
    def test_it_forecasts_a_month_from_one_incomplete_sample(self):
        (f,) = rollout(HybridModel(), run([START]), [[NOMINAL] * 28], n_paths=64)
        assert f.samples.shape == (64, 28, 9)
        assert f.times_h.tolist() == [24.0 * d for d in range(1, 29)]
        assert np.isfinite(f.samples).all()
        assert (f.samples >= 0).all()
        assert (f["viability"].samples <= 100).all()
        assert (f.sd[:, [0, 2, 8]] > 0).all()

    def test_it_expects_what_the_balances_say_and_is_unsure(self):
        (f,) = rollout(HybridModel(), run([START]), [[NOMINAL] * 7], n_paths=128)
        assert 10 < f["vcd"].mean[-1] < 60
        low, high = f["vcd"].interval(0.8)
        assert high[-1] / low[-1] > 1.5

    def test_spread_grows_from_tomorrow_to_next_week(self):
        (f,) = rollout(HybridModel(), run([START]), [[NOMINAL] * 7], n_paths=128)
        relative = f["vcd"].sd / f["vcd"].mean
        assert relative[4] > 1.3 * relative[0]

    def test_common_paths_make_plans_comparable(self):
        less = replace(NOMINAL, bleed_rate=0.05)
        a, b = rollout(HybridModel(), run([START]), [[NOMINAL] * 3, [less] * 3])
        difference = b["vcd"].samples[:, 0] - a["vcd"].samples[:, 0]
        assert (difference > 0).all()
        assert difference.std() < 0.3 * b["vcd"].samples[:, 0].std()

    def test_plans_are_followed_interval_by_interval(self):
        more = replace(NOMINAL, bleed_rate=0.30)
        a, b, c = rollout(HybridModel(), run([START]), [[NOMINAL] * 3, [NOMINAL, NOMINAL, more], [more] * 3])
        assert (a.samples[:, :2] == b.samples[:, :2]).all()
        assert (a["vcd"].samples[:, 2] > b["vcd"].samples[:, 2]).all()
        assert (b["vcd"].samples[:, 0] > c["vcd"].samples[:, 0]).all()

    @pytest.mark.parametrize("name", ["growth", "productivity", "glucose_uptake"])
    def test_the_mechanistic_part_matters(self, name):
        model = HybridModel()
        moved = model.process.log_factors.copy()
        moved[AT.parameters.index(name)] += 0.4
        other = replace(model, process=replace(model.process, log_factors=moved))
        a, b = rollout(model, run([START]))[0], rollout(other, run([START]))[0]
        assert (np.abs(a.mean - b.mean) / (a.sd + 1e-9)).max() > 0.3
        assert model.model_id != other.model_id


class TestReproducible:
    def test_the_same_seed_is_the_same_forecast(self, fitted, held_out):
        t = first(held_out[0][0], 4)
        a, b, c = (rollout(fitted, t, seed=s)[0].samples for s in (3, 3, 4))
        assert (a == b).all()
        assert (a != c).any()

    def test_forecasting_changes_nothing(self, fitted, held_out):
        before = fitted.model_id
        rollout(fitted, held_out[0][0])
        assert fitted.model_id == before

    def test_names_change_with_the_belief_and_only_then(self, held_out):
        t = held_out[0][0]
        one, same, more = (HybridModel().condition([first(t, n)]) for n in (3, 3, 4))
        assert one.model_id == same.model_id
        assert len({HybridModel().model_id, one.model_id, more.model_id}) == 3

    def test_fitting_leaves_the_old_model_as_it_was(self, training):
        model = HybridModel()
        before = model.model_id
        model.fit(training[:2])
        assert model.model_id == before


class TestCondition:
    def test_day_by_day_is_the_same_as_at_once(self, fitted, held_out):
        t = held_out[0][0]
        daily = fitted
        for n in range(1, 8):
            daily = daily.condition([first(t, n)])
        at_once = fitted.condition([first(t, 7)])
        a, b = (m.beliefs[t.reactor_id] for m in (daily, at_once))
        assert np.allclose(a.mean, b.mean, rtol=0, atol=1e-10)
        assert np.allclose(a.cov, b.cov, rtol=0, atol=1e-10)

    def test_a_late_value_is_taken_in(self, held_out):
        t = first(held_out[1][0], 4)
        late = replace(t, states=(t.states[0], replace(t.states[1], titer=nan), *t.states[2:]))
        model = HybridModel().condition([late])
        assert model.condition([t]).model_id == HybridModel().condition([t]).model_id != model.model_id

    def test_vessels_are_kept_apart(self, fitted, held_out):
        a, b = held_out[0][:2]
        both = fitted.condition([a, b])
        assert set(both.beliefs) >= {"T0", "T1"}
        # side by side and alone: the same numbers to rounding (one matrix product for all vessels)
        assert np.allclose(both.beliefs["T0"].mean, fitted.condition([a]).beliefs["T0"].mean, rtol=0, atol=1e-9)

    def test_the_estimate_fills_what_was_not_measured(self, fitted, held_out):
        noisy, true = held_out[0][0], held_out[1][0]
        blind = replace(noisy, states=(*noisy.states[:6], replace(noisy.states[6], vcd=nan, lactate=nan)),
                        setpoints=noisy.setpoints[:6])  # fmt: skip
        estimate = fitted.estimate(blind)
        assert estimate.time_h == 144.0
        assert estimate.missing() == ()
        assert estimate.vcd == pytest.approx(true.states[6].vcd, rel=0.15)

    def test_the_disturbance_is_the_drift_of_the_belief_in_units_a_day(self, held_out):
        t = first(held_out[0][0], 9)
        model = HybridModel().condition([t])
        belief, (mean, sd) = model.beliefs[t.reactor_id], model.disturbance(t)
        assert mean[1] == pytest.approx(10.0 * belief.mean[DRIFT][1])  # viability is linear, in tens of points
        assert sd[1] == pytest.approx(10.0 * np.sqrt(belief.cov[DRIFT, DRIFT][1, 1]))
        now = model.estimate(t).vcd
        assert mean[0] == pytest.approx(now * np.expm1(belief.mean[DRIFT][0]), rel=0.05)
        assert (sd > 0.0).all()


def one_step_errors(model, noisy, true):
    """Latent errors of predicting the truth one day ahead, from day 3 on, shape (N, Q)."""
    out = []
    for t, truth in zip(noisy, true, strict=True):
        for n in range(4, len(t.states)):
            f = model.predict_next_state(first(t, n), t.setpoints[n - 1], 24.0)
            out.append(to_latent(f.mean[0]) - to_latent(truth.states[n].vector()))
    return np.array(out)


class TestLearning:
    def test_the_hybrid_beats_the_calibrated_prior_on_runs_it_has_not_seen(self, fitted, held_out):
        """Three days ahead on the true states: the processes must earn their place."""
        prior = HybridModel(process=replace(fitted.process, residual=Residual()))
        error = {}
        for name, model in (("hybrid", fitted), ("prior", prior), ("typical", HybridModel())):
            off = []
            for t, truth in zip(*held_out, strict=True):
                for n in range(2, 7):
                    (f,) = rollout(model, first(t, n), [[t.setpoints[0]] * 3])
                    off.append(to_latent(f.mean[-1]) - to_latent(truth.states[n + 2].vector()))
            error[name] = np.sqrt(np.mean(np.square(off), axis=0))
        assert np.median(error["hybrid"] / error["prior"]) < 0.9
        assert np.median(error["prior"] / error["typical"]) < 1.0
        assert error["hybrid"][SPECIES_INDEX["vcd"]] < error["prior"][SPECIES_INDEX["vcd"]]

    def test_it_beats_persistence_one_day_ahead(self, fitted, held_out):
        noisy, true = held_out
        persistence = [
            to_latent(t.states[n - 1].vector()) - to_latent(truth.states[n].vector())
            for t, truth in zip(noisy, true, strict=True) for n in range(4, len(t.states))
        ]  # fmt: skip
        mine = np.sqrt(np.mean(np.square(one_step_errors(fitted, noisy, true)), axis=0))
        theirs = np.sqrt(np.nanmean(np.square(persistence), axis=0))
        assert np.median(mine / theirs) < 0.8

    def test_setting_the_processes_aside_leaves_the_mechanistic_forecast(self, fitted, held_out):
        t = first(held_out[0][0], 4)
        bare = HybridModel(process=replace(fitted.process, residual=Residual()))
        assert np.abs(rollout(bare, t)[0].mean - rollout(fitted, t)[0].mean).max() > 0.01
        again = HybridModel(process=replace(bare.process, residual=Residual()))
        assert (rollout(bare, t)[0].samples == rollout(again, t)[0].samples).all()

    def test_hyperparameters_moved(self, fitted):
        from perfusio.hybrid.gaussian_processes.gp import initial_hyperparameters

        moved = [
            np.abs(p.h.log_lengthscales - initial_hyperparameters(16).log_lengthscales).max()
            for p in fitted.process.residual.processes
        ]
        assert min(moved) > 0.02
        assert np.median(moved) > 0.3

    def test_parameters_moved_and_are_finite(self, fitted, held_out):
        assert np.abs(fitted.process.log_factors).max() > 0.1
        assert_usable(fitted, held_out[0][0])

    def test_the_indexed_format_is_another_way_in(self, training, held_out):
        data = indexed(training)
        model = HybridModel().fit_indexed(data.x, data.y)
        assert_usable(model, held_out[0][0])
        assert model.process.residual.is_fitted
        with pytest.raises(ModelError):
            HybridModel().fit_indexed(data.x[:, :16], data.y)

    def test_refitting_scores_both_models(self, fitted, held_out):
        live = [replace(t, reactor_id=f"R{i}") for i, t in enumerate(held_out[0])]
        refit = fitted.refit(live, seed=0)
        assert np.isfinite([refit.error, refit.previous_error]).all()
        assert refit.model.model_id != fitted.model_id
        assert set(refit.model.beliefs) == {"R0", "R1", "R2"}

    def test_a_cold_refit_improves_on_the_prior(self, training):
        refit = HybridModel().refit(training[:3], seed=0)
        assert refit.error < refit.previous_error

    def test_the_score_of_a_refit_is_of_transitions_that_it_has_not_seen(self, training):
        """The model that is handed out has seen them by then, and foresees them much better than it was scored."""
        refit = HybridModel().refit(training[:3], seed=0)
        assert one_step_error(refit.model.process, training[:3], [HELD_OUT] * 3) < 0.95 * refit.error

    def test_a_vessel_with_one_sample_does_not_stop_the_others_from_learning(self, training):
        newcomer = run([START])
        refit = HybridModel().refit([*training[:2], newcomer], seed=0)
        assert np.isfinite([refit.error, refit.previous_error]).all()
        assert "R01" in refit.model.beliefs

    @pytest.mark.parametrize("n", [0, 1])
    def test_nothing_to_learn_from_is_said(self, n):
        with pytest.raises(NotEnoughData, match="too few"):
            HybridModel().fit([run([make_state(day=d, **dict.fromkeys(SPECIES, nan)) for d in range(n + 1)])])

    def test_refits_have_something_to_be_judged_by(self):
        assert HELD_OUT >= 1
        assert MIN_TRANSITIONS >= 1


def steady(n, **values):
    return [make_state(day=d, **values) for d in range(n)]


def varied(n, **fixed):
    rng = np.random.default_rng(0)
    noise = lambda v, cv: float(v * np.exp(cv * rng.standard_normal()))  # noqa: E731
    base = {"vcd": 20.0, "glucose": 4.0, "lactate": 8.0, "titer": 300.0}
    return [make_state(day=d, **({k: noise(v, 0.1) for k, v in base.items()} | fixed)) for d in range(n)]


@pytest.mark.parametrize(
    "states",
    [
        steady(8),
        steady(3),
        varied(8, titer=nan),
        varied(8, **{s: nan for s in SPECIES if s not in ("vcd", "viability", "glucose")}),
        varied(8, lactate=0.0, ammonium=0.0, glutamine=0.0, pyruvate=0.0),
        [*varied(4), *(make_state(day=d, **dict.fromkeys(SPECIES, nan)) for d in (4, 5)), make_state(day=6)],
        [*varied(6), make_state(day=6, vcd=200.0, glucose=50.0), make_state(day=7)],
        [make_state(day=d, vcd=0.0, viability=0.0) for d in range(6)],
        [make_state(time_h=h) for h in (0.0, 0.01, 24.0, 24.02, 72.0)],
    ],
    ids=["constant", "two steps", "no titer", "three species", "zeros", "blind days", "outlier", "dead", "odd times"],
)
def test_degenerate_data_never_leave_a_number_that_is_none(states):
    """One vessel, setpoints that never varied: condition, fit if that is possible, and forecast."""
    t = run(states)
    model = HybridModel().condition([t])
    assert_usable(model, t)
    with suppress(ModelError):  # refusing by name is a good answer too
        assert_usable(model.fit([t]), t)
        assert_usable(model.refit([t], seed=0).model, t)


class TestPredictNextState:
    def test_its_shape_and_time(self, held_out):
        t = first(held_out[0][0], 4)
        f = HybridModel().predict_next_state(t, NOMINAL, 24.0)
        assert f.mean.shape == f.sd.shape == (1, 9)
        assert f.times_h.tolist() == [96.0]

    def test_a_short_interval_stays_near_the_estimate(self, held_out):
        t = first(held_out[0][0], 5)
        model = HybridModel().condition([t])
        now = from_latent(model.beliefs["T0"].mean[LATENT])
        soon = model.predict_next_state(t, t.setpoints[0], 0.05).mean[0]
        assert soon == pytest.approx(now, rel=0.1, abs=0.1)

    @pytest.mark.parametrize("hours", [0.0, -24.0, nan, inf])
    def test_intervals_that_are_none_are_refused(self, hours):
        with pytest.raises(OutOfRange, match="hours"):
            HybridModel().predict_next_state(run([START]), NOMINAL, hours)

    @pytest.mark.parametrize(
        "change", [{"temperature": 60.0}, {"perfusion_rate": -1.0}, {"bleed_rate": nan}, {"agitation": inf}]
    )
    def test_setpoints_that_are_none_are_refused(self, change):
        with pytest.raises(OutOfRange):
            HybridModel().predict_next_state(run([START]), replace(NOMINAL, **change), 24.0)


def test_many_vessels_are_forecast_together_to_the_last_bit_as_alone(fitted, held_out):
    """One of them with two plans, one after a shorter past: what is on record must not depend on who else is there."""
    noisy, _ = held_out
    pasts = [noisy[0].until(4), noisy[1].until(6), noisy[2].until(3)]
    plans = [[u] * 5 for u in (noisy[0].setpoints[0], NOMINAL, noisy[2].setpoints[0])]
    model, ask = fitted.condition(pasts), {"interval_hours": 24.0, "n_paths": 24, "seed": 3}
    together = model.rollout_vessels([pasts[1], *pasts], [plans[0], *plans], **ask)
    for past, plan, found in zip((pasts[0], pasts[2]), (plans[0], plans[2]), (together[1], together[3]), strict=True):
        (alone,) = model.rollout(past, [plan], **ask)
        assert (found.samples == alone.samples).all()
        assert (found.support == alone.support).all()
    both = model.rollout(pasts[1], [plans[0], plans[1]], **ask)
    assert all((a.samples == b.samples).all() for a, b in zip(both, (together[0], together[2]), strict=True))
    assert fitted.tried()[0][0] == min(c.trajectory.inputs[:, 0].min() for c in fitted.courses)
