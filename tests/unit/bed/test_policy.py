"""BEDPolicy on a vessel that can be worked out by hand: what it proposes, keeps, admits and says."""

from dataclasses import dataclass, fields, replace
from math import nan

import numpy as np
import pytest

from perfusio.bed.policy import BEDPolicy
from perfusio.config import (
    ACQUISITIONS,
    DEFAULT_AMBR250_DESIGN_SPACE,
    MULTI_OBJECTIVE,
    Bounds,
    Constraint,
    DesignSpace,
    RunConfig,
    maximize,
    minimize,
    track,
)
from perfusio.decision import Decision
from perfusio.errors import EmptyDesignSpace, FitFailed, ModelError
from perfusio.state import SETPOINT_INDEX, SPECIES_INDEX, Setpoints
from perfusio.testing import GrowingModel, make_state
from perfusio.testing.fakes import GrowingFutures
from perfusio.trajectory import Trajectory

SPACE = DEFAULT_AMBR250_DESIGN_SPACE
NOMINAL = SPACE.nominal
CONFIG = RunConfig(duration_days=14, forecast_days=5, n_paths=32)


def trajectory(vcd=30.0, reactor="R01"):
    return Trajectory(reactor_id=reactor, states=(make_state(vcd=vcd),))


def decide(vcd=30.0, *, model=None, current=NOMINAL, space=SPACE, day=0, **config):
    decisions = BEDPolicy().decide(
        {"R01": trajectory(vcd)}, {"R01": current}, model or GrowingModel(), space, CONFIG.model_copy(update=config),
        day=day,
    )  # fmt: skip
    return decisions["R01"]


def assert_allowed(decision, current, space=SPACE):
    assert isinstance(decision, Decision), decision
    u = decision.setpoints.vector()
    assert (u >= space.low - 1e-12).all()
    assert (u <= space.high + 1e-12).all()
    assert (np.abs(u - current.vector()) <= space.max_step + 1e-12).all()
    assert decision.setpoints.bleed_rate <= decision.setpoints.perfusion_rate


@dataclass(frozen=True)
class Taught(GrowingModel):
    """Learnt from runs in which only perfusion, bleed and glucose were varied, and agitation was 900."""

    def tried(self):
        low, high = NOMINAL.vector(), NOMINAL.vector()
        low[:3], high[:3] = SPACE.low[:3], SPACE.high[:3]
        low[4] = high[4] = 900.0
        return low, high


class TestWhatNobodyTried:
    def test_a_setpoint_that_no_run_varied_stays_or_goes_where_it_was(self):
        for vcd in (20.0, 36.0, 50.0):
            found = decide(vcd, model=Taught(), current=replace(NOMINAL, agitation=870.0))
            assert found.setpoints.temperature == NOMINAL.temperature
            assert found.setpoints.pyruvate_feed == NOMINAL.pyruvate_feed
            assert 870.0 <= found.setpoints.agitation <= 900.0
            assert found.setpoints.bleed_rate != NOMINAL.bleed_rate

    def test_flows_move_though_no_run_varied_them(self):
        """What bleed does to cells is a balance, not a guess: else nothing could be done against too many."""

        @dataclass(frozen=True)
        class Untaught(GrowingModel):
            def tried(self):
                return NOMINAL.vector(), NOMINAL.vector()

        found = decide(45.0, model=Untaught())
        assert found.setpoints.bleed_rate > NOMINAL.bleed_rate + 0.05
        assert found.setpoints.temperature == NOMINAL.temperature

    def test_somebody_may_let_it_move(self):
        found = decide(36.0, model=Taught(), untried="move", objective=maximize("viability"))
        assert found.setpoints.temperature < NOMINAL.temperature


class TestWhatIsProposed:
    @pytest.mark.parametrize("seed", range(6))
    def test_it_stays_in_the_design_space_and_within_a_step(self, seed):
        rng = np.random.default_rng(seed)
        current = Setpoints.of(SPACE.low + rng.random(6) * (SPACE.high - SPACE.low))
        assert_allowed(decide(5.0 + 60.0 * rng.random(), current=current, seed=seed), current)

    def test_a_vessel_slightly_outside_is_brought_back(self):
        current = replace(NOMINAL, temperature=38.0)
        assert_allowed(decide(current=current), current)

    def test_a_vessel_far_outside_is_an_error_with_a_remedy(self):
        found = decide(current=replace(NOMINAL, temperature=40.0))
        assert isinstance(found, EmptyDesignSpace)
        assert "temperature in force is 40" in str(found)

    def test_bleed_stays_below_perfusion_at_the_very_next_step(self):
        """The way to an allowed destination leads through each day's own step."""
        bounds = SPACE.bounds | {
            "bleed_rate": Bounds(low=0.05, high=1.5, nominal=0.15, max_step=0.5),
            "perfusion_rate": Bounds(low=0.5, high=2.0, nominal=1.0, max_step=0.05),
        }
        space = DesignSpace(bounds=bounds)
        current = replace(NOMINAL, perfusion_rate=0.6, bleed_rate=0.55)
        assert_allowed(decide(55.0, model=GrowingModel(growth=1.5), current=current, space=space), current, space)

    @pytest.mark.parametrize(("vcd", "sign"), [(36.0, 1), (24.0, -1)])
    def test_it_steers_towards_the_target(self, vcd, sign):
        """Too many cells are bled off, too few are kept; at 30 the bleed equals the growth."""
        assert sign * (decide(vcd).setpoints.bleed_rate - 0.15) > 0.03

    def test_on_target_it_holds_the_bleed_that_balances_growth(self):
        found = decide(30.0, model=GrowingModel(growth=0.20), current=replace(NOMINAL, bleed_rate=0.2))
        assert found.setpoints.bleed_rate == pytest.approx(0.2, abs=0.02)

    def test_maximising_goes_the_other_way(self):
        u = decide(objective=maximize("productivity"), constraints=()).setpoints
        assert u.perfusion_rate - u.bleed_rate > NOMINAL.perfusion_rate - NOMINAL.bleed_rate

    def test_another_target_is_another_decision(self):
        assert (
            decide(objective=track(vcd=40)).setpoints.bleed_rate < decide(objective=track(vcd=20)).setpoints.bleed_rate
        )

    def test_perfusion_rises_no_faster_than_the_cells(self):
        idle = GrowingModel(growth=0.0, growth_sd=1e-6)
        for vcd in (10.0, 30.0):
            d = decide(vcd, model=idle, objective=maximize("productivity"), constraints=()).setpoints.perfusion_rate
            assert d <= NOMINAL.perfusion_rate * 1.01
        growing = GrowingModel(growth=0.5)
        fast = decide(10.0, model=growing, objective=maximize("productivity"), constraints=()).setpoints
        assert fast.perfusion_rate > 1.2

    @pytest.mark.parametrize("name", ACQUISITIONS)
    def test_every_acquisition_function_completes_a_decision(self, name):
        several = {"objective": (track(vcd=30), minimize("medium", horizon_days=3))} if name in MULTI_OBJECTIVE else {}
        found = decide(36.0, acquisition=name, **several)
        assert_allowed(found, NOMINAL)
        assert found.acquisition == name
        assert np.isfinite(found.score)
        assert found.setpoints.bleed_rate > 0.15


class TestConstraints:
    def test_kept_where_they_can_be(self):
        """Viability is 102.5 - 2 (T - 35): above 95 up to 38.75 °C, with a limit at 100 up to 36.25."""
        limit = (Constraint(quantity="viability", low=100.0, probability=0.98),)
        found = decide(constraints=limit)
        assert found.setpoints.temperature <= 36.25 + 1e-9
        assert found.reason.feasible

    def test_the_least_violating_is_taken_and_said_where_none_keeps_them(self):
        found = decide(model=GrowingModel(alive=94.0), constraints=(Constraint(quantity="viability", low=95.0),))
        assert found.setpoints.temperature == pytest.approx(35.5, abs=0.15)  # a step of 1 °C towards the least
        assert not found.reason.feasible
        assert "no choice keeps viability >= 95 as surely as asked" in found.reason.text
        assert found.reason.limiting_probability < 0.02

    def test_a_vessel_below_its_limit_is_brought_back_however_much_it_would_yield(self):
        """Tomorrow is lost whatever is done. Warmth yields more here and keeps the vessel below its limit."""

        @dataclass(frozen=True)
        class Lost(GrowingFutures):
            def play(self, plans):
                paths = super().play(plans)
                warm = plans[..., SETPOINT_INDEX["temperature"]] - 35.0
                recovered = 0.5 * np.arange(plans.shape[1]) - np.cumsum(0.3 * warm, axis=1)
                paths[..., SPECIES_INDEX["viability"]] = (94.0 + recovered - recovered[:, :1])[:, None]
                paths[..., SPECIES_INDEX["titer"]] *= np.exp(warm)[:, None]
                return paths

        class Sick(GrowingModel):
            def futures(self, trajectory, **settings):
                healthy = super().futures(trajectory, **settings)
                return Lost(**{f.name: getattr(healthy, f.name) for f in fields(healthy)})

        limit = (Constraint(quantity="viability", low=95.0),)
        found = decide(model=Sick(), constraints=limit, objective=maximize("productivity"))
        assert not found.reason.feasible
        assert found.setpoints.temperature == pytest.approx(35.5, abs=0.15)  # a step of 1 °C towards the coldest

    def test_cells_are_not_starved(self):
        found = decide(60.0, constraints=(Constraint(quantity="cspr", low=15.0, probability=0.95),))
        assert 1000.0 * found.setpoints.perfusion_rate / found.chosen["vcd"].mean[0] >= 15.0 - 0.3


class TestDecision:
    def test_its_forecasts_are_of_the_proposal_and_of_holding(self):
        d = decide(36.0, model=GrowingModel(growth_sd=1e-9))
        assert d.chosen.times_h.tolist() == d.hold.times_h.tolist() == [72.0 + 24.0 * k for k in range(1, 6)]
        assert d.hold["vcd"].mean == pytest.approx(np.full(5, 36.0), rel=1e-6)
        assert d.chosen["vcd"].mean[0] == pytest.approx(36.0 * np.exp(0.15 - d.setpoints.bleed_rate), rel=1e-6)
        assert d.chosen.samples.shape[0] == 32
        assert d.model_id == "growing-0"
        assert d.reactor_id == "R01"

    def test_a_forecast_shorter_than_the_horizon_is_no_problem(self):
        assert isinstance(decide(forecast_days=1), Decision)

    def test_an_interval_longer_than_the_forecast_is_no_problem(self):
        assert isinstance(decide(forecast_days=1, sampling_interval_hours=72.0), Decision)

    def test_the_reason_says_what_moves_why_and_what_is_tight(self):
        d = decide(36.0)
        text = d.reason.text
        assert f"-> {d.setpoints.bleed_rate:.3g} 1/day" in text
        assert "expect vcd" in text
        assert "in 3 days instead of 36" in text
        assert "(target 30)" in text
        assert "tightest limit" in text
        assert text.endswith(".")
        assert d.reason.improvement > 0

    def test_the_disturbance_of_the_tightest_limit_is_told_where_the_model_knows_it(self):
        class Drifting(GrowingModel):
            def disturbance(self, trajectory):
                return -0.1 * np.arange(9.0), 0.01 * np.arange(9.0)

        limit = (Constraint(quantity="viability", low=95.0),)
        told = decide(model=Drifting(), constraints=limit).reason
        assert (told.disturbance, told.disturbance_sd) == (pytest.approx(-0.1), pytest.approx(0.01))
        derived = decide(model=Drifting(), constraints=(Constraint(quantity="cspr", low=15.0),)).reason
        silent = decide(constraints=limit).reason
        assert np.isnan([derived.disturbance, silent.disturbance]).all()

    def test_doing_nothing_is_called_holding(self):
        held = SPACE.holding(**{n: getattr(NOMINAL, n) for n in SETPOINT_INDEX})
        d = decide(36.0, space=held)
        assert d.setpoints == NOMINAL
        assert d.reason.text.startswith("hold: ")
        assert d.reason.improvement == 0.0

    def test_seeds_and_days_draw_anew_and_repeat(self):
        same, again, other_day, other_seed = decide(36.0), decide(36.0), decide(36.0, day=1), decide(36.0, seed=1)
        assert same.setpoints == again.setpoints
        assert same.score == again.score
        assert same.score != other_day.score != other_seed.score


class TestManyVessels:
    def decide(self, model, **vcds):
        trajectories = {r: trajectory(v, r) for r, v in vcds.items()}
        return BEDPolicy().decide(trajectories, dict.fromkeys(vcds, NOMINAL), model, SPACE, CONFIG, day=3)

    def test_a_vessel_decides_alike_whoever_is_beside_it(self):
        alone = self.decide(GrowingModel(), R02=36.0)["R02"]
        for others in ({"R01": 20.0}, {"R03": 50.0}, {"R00": 9.0, "R01": 9.0, "R03": 9.0}):
            beside = self.decide(GrowingModel(), R02=36.0, **others)["R02"]
            assert beside.setpoints == alone.setpoints
            assert beside.score == alone.score

    def test_vessels_in_the_same_state_do_not_draw_the_same(self):
        both = self.decide(GrowingModel(), R01=36.0, R02=36.0)
        assert both["R01"].score != both["R02"].score

    @pytest.mark.parametrize(
        "error", [FitFailed("no"), ValueError("shapes"), FloatingPointError("log"), np.linalg.LinAlgError("singular")]
    )
    def test_one_vessels_fault_is_its_own(self, error):
        class Faulty(GrowingModel):
            def futures(self, trajectory, **settings):
                if trajectory.reactor_id == "R01":
                    raise error
                return super().futures(trajectory, **settings)

        found = self.decide(Faulty(), R01=30.0, R02=36.0)
        assert isinstance(found["R01"], ModelError)
        assert str(error) in str(found["R01"])
        assert found["R02"].setpoints == self.decide(GrowingModel(), R02=36.0)["R02"].setpoints

    def test_paths_that_are_no_numbers_are_no_decision(self):
        found = decide(model=GrowingModel(growth=nan))
        assert not isinstance(found, Decision) or not found.chosen.is_finite()
