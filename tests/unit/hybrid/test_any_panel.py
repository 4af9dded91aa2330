"""The hybrid model on panels that are not the default one: it fits, follows, forecasts; media are inputs."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.errors import ModelError
from perfusio.hybrid.checkpoints import data_sha256, read_checkpoint, save
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.mechanistic import advance
from perfusio.hybrid.model import HybridModel
from perfusio.process import CHO_PERFUSION, Medium, Setpoint, Species
from perfusio.process.facts import Allowed
from perfusio.state import Setpoints, State
from perfusio.trajectory import Trajectory

ASPARAGINE = Species("asparagine", unit="mmol/L", role="solute", molar_mass=132.12)
PH = Setpoint("ph", unit="-", role="condition", allowed=Allowed(low=6.8, high=7.2, nominal=7.0, max_step=0.1),
              clear_change=0.1)  # fmt: skip
OXYGEN = Setpoint("dissolved_oxygen", unit="%", role="condition", clear_change=10.0,
                  allowed=Allowed(low=20.0, high=60.0, nominal=40.0, max_step=10.0))  # fmt: skip


def feed(name, nominal, **composition):
    allowed = Allowed(low=0.0, high=3.0 * nominal, nominal=nominal, max_step=nominal)
    return Setpoint(name, unit="1/day", role="feed_rate", composition=Medium(**composition), allowed=allowed,
                    clear_change=nominal)  # fmt: skip


PANELS = {
    "asparagine": CHO_PERFUSION.without("pyruvate", "pyruvate_feed").with_(
        ASPARAGINE, medium=Medium(glucose=8.0, glutamine=0.5, asparagine=12.0)
    ),
    "conditions": CHO_PERFUSION.with_(PH, OXYGEN),
    "no bleed": CHO_PERFUSION.without("bleed_rate"),
    "no viability": CHO_PERFUSION.without("viability"),
    "fed-batch": CHO_PERFUSION.without("perfusion_rate", "bleed_rate", "pyruvate_feed", "glucose_setpoint").with_(
        feed("feed_a", 0.03, glucose=80.0, glutamine=20.0, pyruvate=5.0), feed("feed_b", 0.003, glutamine=100.0)
    ),
}


def runs_of(panel, n=3, days=9, seed=0, media=None):
    """Cultures of the laws with other rates than the typical ones, read with noise."""
    at, rng = layout_of(panel), np.random.default_rng(seed)
    true = (0.3 * np.random.default_rng(1).standard_normal(at.n_parameters) * at.log_sd)[:, None]
    nominal, step = (np.array([getattr(s.allowed, what) for s in panel.setpoints]) for what in ("nominal", "max_step"))
    runs = []
    for r in range(n):
        medium = None if media is None else media[r]
        t = Trajectory(reactor_id=f"R{seed}{r}", medium=medium)
        y = at.default_state[:, None] * np.exp(0.1 * rng.standard_normal((at.n_species, 1)))
        y[at.species.index("vcd")] = 5.0
        if at.alive is not None:
            y[at.alive] = 97.0
        u = nominal + 0.5 * step * (2.0 * rng.random(len(nominal)) - 1.0)
        for day in range(days + 1):
            reading = at.from_latent(at.to_latent(y) + at.noise_sd(y) * rng.standard_normal(y.shape))[:, 0]
            t = t.observe(State.of(24.0 * day, reading, panel), Setpoints.of(u, panel))
            inflow = at.medium_of(t)
            y = advance(at, y, u[:, None], true, 24.0, inflow)
        runs.append(t)
    return runs


@pytest.mark.parametrize("name", PANELS)
def test_it_fits_follows_and_forecasts(name):
    panel = PANELS[name]
    *known, new = runs_of(panel, n=3)
    model = HybridModel.of_runs(known).fit(known, seed=0, calibrate=False)
    assert model.panel == panel
    (ahead,) = model.rollout(new.until(5), [new.setpoints[4:7]], interval_hours=24.0, n_paths=32, seed=0)
    at = layout_of(panel)
    off = (at.to_latent(ahead.median().T) - at.to_latent(new.values[5:8].T)) / at.noise_sd(new.values[5:8].T)
    assert ahead.samples.shape == (32, 3, at.n_species)
    assert np.sqrt(np.median(off**2)) < 2.5  # in units of a reading's own error
    assert ahead["vcd"].mean.shape == (3,)
    assert set(ahead.to_json()["mean"]) == set(panel.species_names)
    assert model.estimate(new).panel == panel
    learnt = model.refit([*known, new], seed=1)
    assert np.isfinite(learnt.error)


def test_a_solute_without_a_law_has_its_rates_learnt():
    """Uptake of asparagine seven times the typical one: told by where it settles below the medium's 12 mmol/L."""
    panel = PANELS["asparagine"]
    at, u = layout_of(panel), np.array([s.allowed.nominal for s in panel.setpoints])
    true = np.zeros((at.n_parameters, 1))
    true[at.parameters.index("asparagine_uptake")] = 2.0
    runs, rng = [], np.random.default_rng(2)
    for r in range(3):
        y, t = at.default_state.copy()[:, None], Trajectory(reactor_id=f"R{r}")
        y[0] = 5.0 + 3.0 * r
        for day in range(8):
            reading = at.from_latent(at.to_latent(y) + at.noise_sd(y) * rng.standard_normal(y.shape))[:, 0]
            t = t.observe(State.of(24.0 * day, reading, panel), Setpoints.of(u, panel))
            y = advance(at, y, u[:, None], true, 24.0, at.medium)
        runs.append(t)
    found = dict(
        zip(at.parameters, HybridModel.prior(panel).fit(runs, calibrate=False).process.log_factors, strict=True)
    )
    assert found["asparagine_uptake"] - found["asparagine_production"] > 1.0


class TestMedium:
    LEAN, RICH = Medium(glucose=5.0, glutamine=2.0), Medium(glucose="10 g/L", glutamine="10 mmol/L")

    def test_that_of_a_run_reaches_its_forecast_and_its_filter(self):
        (t,) = runs_of(CHO_PERFUSION, n=1)
        model = HybridModel()
        settings = {"interval_hours": 24.0, "n_paths": 16, "seed": 0}
        plan = [[t.setpoints[-1]] * 3]
        usual, lean, rich = (
            model.rollout(replace(t.until(1), medium=m), plan, **settings)[0]["glutamine"].mean[-1]
            for m in (None, self.LEAN, self.RICH)
        )
        assert lean < 0.9 * usual
        assert rich > 1.1 * usual
        told, untold = (model.condition([replace(t, medium=m)]).beliefs["R00"] for m in (self.LEAN, None))
        assert (told.mean != untold.mean).any()

    def test_a_run_with_the_medium_of_the_panel_named_is_the_same_run(self):
        (t,) = runs_of(CHO_PERFUSION, n=1)
        named = replace(t, medium=Medium(glucose="5 g/L", glutamine="6 mmol/L"))
        assert HybridModel().condition([t]).model_id == HybridModel().condition([named]).model_id

    def test_vessels_with_different_media_are_followed_and_played_together_as_alone(self):
        first, second = (
            replace(t, medium=m) for t, m in zip(runs_of(CHO_PERFUSION, n=2), (self.LEAN, None), strict=True)
        )
        model = HybridModel()
        together = model.condition([first, second])
        settings = {"interval_hours": 24.0, "n_paths": 16, "seed": 0}
        plans = [[t.setpoints[-1]] * 3 for t in (first, second)]
        both = model.rollout_vessels([first, second], plans, **settings)
        for t, plan, played in zip((first, second), plans, both, strict=True):
            alone = model.condition([t])
            assert (alone.beliefs[t.reactor_id].mean == together.beliefs[t.reactor_id].mean).all()
            assert (model.rollout(t, [plan], **settings)[0].samples == played.samples).all()

    def test_runs_of_several_media_are_one_history(self):
        """Told their media, runs of a lean and a rich medium teach rates that predict a third one."""
        media = [self.LEAN, self.RICH, Medium(glucose=5.0, glutamine=4.0)]
        known, other = runs_of(CHO_PERFUSION, n=3, media=media, seed=3), runs_of(CHO_PERFUSION, n=1, seed=5)[0]
        told = HybridModel().fit(known, calibrate=False)
        untold = HybridModel().fit([replace(t, medium=None) for t in known], calibrate=False)
        q, errors = CHO_PERFUSION.index("glutamine"), []
        for model in (told, untold):
            off = []
            for i in (1, 3, 5):
                (f,) = model.rollout(
                    other.until(i + 1), [other.setpoints[i : i + 3]], interval_hours=24.0, n_paths=32, seed=0
                )
                off.append(np.log(f.median()[-1, q] / other.values[i + 3, q]))
            errors.append(np.abs(off).mean())
        assert errors[0] < 0.6 * errors[1]


def test_a_vessel_of_another_process_is_refused():
    (t,) = runs_of(PANELS["no bleed"], n=1)
    with pytest.raises(ModelError, match=r"was given to a model of.*Fit a model of this process"):
        HybridModel().condition([t])
    with pytest.raises(ModelError, match="was given to a model of"):
        HybridModel().rollout(
            runs_of(CHO_PERFUSION, n=1)[0], [[t.setpoints[0]]], interval_hours=24.0, n_paths=4, seed=0
        )


@pytest.mark.parametrize("name", PANELS)
def test_a_model_of_any_process_comes_back_bit_by_bit(name, tmp_path):
    runs = runs_of(PANELS[name], n=2, days=5)
    if name == "asparagine":
        runs = [replace(t, medium=Medium(glucose=6.0, asparagine=9.0)) for t in runs]
    model = HybridModel.of_runs(runs).fit(runs, calibrate=False)
    save(model, tmp_path, trajectories=runs)
    checkpoint = read_checkpoint(tmp_path)
    again = checkpoint.model
    assert again.panel == PANELS[name]
    assert again.model_id == model.model_id
    assert [t.values.tolist() for t in checkpoint.training] == [t.values.tolist() for t in runs]
    assert [t.flows_in for t in checkpoint.training] == [t.flows_in for t in runs]
    assert data_sha256(checkpoint.training) == data_sha256(runs) == checkpoint.about["data_sha256"]
    ahead = [
        m.rollout(t, [[t.setpoints[-1]] * 4], interval_hours=24.0, n_paths=16, seed=5)[0].samples
        for m, t in ((again, checkpoint.training[0]), (model, runs[0]))
    ]
    assert (ahead[0] == ahead[1]).all()


class TestEquipment:
    """What was learnt with one concentrate and one way of sampling serves vessels with others."""

    @staticmethod
    def leaner(concentrate=100.0):
        held = CHO_PERFUSION["glucose_setpoint"]
        return CHO_PERFUSION.with_(replace(held, composition=Medium(glucose=concentrate)), sampling_flow=0.05)

    def test_a_model_follows_vessels_of_other_equipment_with_their_flows(self):
        known = runs_of(CHO_PERFUSION, n=2)
        model = HybridModel().fit(known, calibrate=False)
        (vessel,) = runs_of(self.leaner(), n=1, seed=4)
        follows = model.condition([vessel])
        assert follows.panel == self.leaner()
        assert (follows.process.log_factors == model.process.log_factors).all()
        settings = {"interval_hours": 24.0, "n_paths": 16, "seed": 0}
        dense = [replace(t.until(1), states=(t.states[0].with_values(vcd=60.0),)) for t in (known[0], vessel)]
        plans = [[[Setpoints.of(known[0].setpoints[0].vector(), t.panel)] * 2] for t in dense]
        rich, lean = (model.rollout(t, p, **settings)[0]["glucose"].mean[-1] for t, p in zip(dense, plans, strict=True))
        assert lean < rich - 0.3  # a pump with a quarter of the glucose cannot hold it

    def test_a_refit_learns_from_runs_of_the_vessels_own_equipment(self):
        known = runs_of(CHO_PERFUSION, n=2, days=5)
        model = HybridModel().fit(known, calibrate=False)
        (vessel,) = runs_of(self.leaner(), n=1, seed=4, days=7)
        learnt = model.refit([vessel], seed=0).model
        assert learnt.panel == self.leaner()
        assert [c.trajectory.reactor_id for c in learnt.courses] == [vessel.reactor_id]

    def test_vessels_of_different_equipment_are_not_mixed(self):
        vessels = [*runs_of(CHO_PERFUSION, n=1), *runs_of(self.leaner(), n=1, seed=4)]
        with pytest.raises(ModelError, match="with different feeds, concentrates, pumps or sampling"):
            HybridModel().condition(vessels)
        with pytest.raises(ModelError, match="a model of its own"):
            HybridModel().fit(vessels)

    def test_another_scale_is_refused(self):
        coarse = CHO_PERFUSION.with_(replace(CHO_PERFUSION["temperature"], clear_change=2.0))
        with pytest.raises(ModelError, match="cannot serve"):
            HybridModel().for_process(coarse)
