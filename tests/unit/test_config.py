"""Configuration refuses what it does not know, in sentences, and its design space does its geometry."""

from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfusio.config import (
    ACQUISITIONS,
    DEFAULT_ALARMS,
    DEFAULT_AMBR250_DESIGN_SPACE,
    DEFAULT_CONSTRAINTS,
    DERIVED,
    MULTI_OBJECTIVE,
    AlarmLimits,
    Bounds,
    Constraint,
    DesignSpace,
    Objective,
    RunConfig,
    forecast_unit,
    in_words,
    maximize,
    minimize,
    track,
)
from perfusio.errors import ConfigError, EmptyDesignSpace, OutOfRange, UnknownQuantity
from perfusio.objective import of_record
from perfusio.state import SETPOINTS, Setpoints

SPACE = DEFAULT_AMBR250_DESIGN_SPACE


class TestRunConfig:
    def test_the_code_of_the_front_page(self):
        config = RunConfig(duration_days=28, sampling_interval_hours=24.0, retrain_every=3, acquisition="LogEI")
        assert (config.n_turns, config.forecast_days, config.n_paths, config.seed) == (28, 28, 128, 0)
        assert config.objective == track(vcd=30)
        assert config.mode is None

    def test_a_misspelt_option_never_vanishes(self):
        with pytest.raises(ConfigError, match=r"no option 'retrain_evry'. Did you mean 'retrain_every'"):
            RunConfig(duration_days=14, retrain_evry=3)

    def test_a_misspelt_acquisition_is_answered(self):
        with pytest.raises(ConfigError, match=r"'LogIE' is not an acquisition function. Did you mean 'LogEI'"):
            RunConfig(duration_days=14, acquisition="LogIE")

    @pytest.mark.parametrize("name", ACQUISITIONS)
    def test_known_acquisitions(self, name):
        two = (maximize("productivity"), minimize("medium"))
        assert RunConfig(duration_days=1, acquisition=name, objective=two).acquisition == name

    @pytest.mark.parametrize("name", MULTI_OBJECTIVE)
    def test_a_front_needs_two_objectives(self, name):
        with pytest.raises(ConfigError, match=f"{name} weighs several objectives, found one: give a tuple, e.g."):
            RunConfig(duration_days=1, acquisition=name)

    def test_a_misspelt_search_is_answered(self):
        with pytest.raises(ConfigError, match=r"'gradiant' is not a search. Did you mean 'gradient'"):
            RunConfig(duration_days=1, search="gradiant")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"duration_days": 0}, {"duration_days": 1.5}, {"sampling_interval_hours": 0.0},
            {"sampling_interval_hours": nan}, {"retrain_every": 0}, {"n_paths": 1}, {"seed": -1}, {"mode": "auto"},
            {"exploration": 1.5}, {"forecast_days": 0}, {"duration_days": None}, {"plan_pieces": 0},
        ],
    )  # fmt: skip
    def test_values_that_cannot_be_are_refused_by_name(self, wrong):
        with pytest.raises(ConfigError) as caught:
            RunConfig(**({"duration_days": 14} | wrong))
        assert f"RunConfig.{next(iter(wrong))}" in str(caught.value)

    def test_all_problems_at_once(self):
        with pytest.raises(ConfigError) as caught:
            RunConfig(duration_days=0, acquisition="EII", colour="red")
        assert len(str(caught.value).splitlines()) >= 3

    def test_nothing_can_be_changed(self):
        with pytest.raises(Exception, match="frozen"):
            RunConfig(duration_days=1).seed = 3

    @pytest.mark.parametrize(("days", "hours", "turns"), [(14, 24.0, 14), (1, 8.0, 3), (7, 48.0, 4), (14, 12.0, 28)])
    def test_turns(self, days, hours, turns):
        assert RunConfig(duration_days=days, sampling_interval_hours=hours).n_turns == turns


class TestObjectives:
    def test_one_stands_alone_and_several_in_a_tuple(self):
        one, two = track(vcd=40), (track(vcd=40), minimize("medium", weight=0.5))
        assert RunConfig(duration_days=1, objective=one).objectives == (one,)
        assert RunConfig(duration_days=1, objective=two).objectives == two
        assert in_words(two) == "hold vcd at 40 1e6 cells/mL and minimize medium [1/day] (weight 0.5)"

    @pytest.mark.parametrize("objective", [track(vcd=40), (track(vcd=40), minimize("medium", weight=0.5))])
    def test_a_record_gives_them_back(self, objective):
        config = RunConfig(duration_days=1, objective=objective)
        assert of_record(config.model_dump(mode="json")["objective"]) == config.objectives

    @pytest.mark.parametrize("objective", [(), (track(vcd=30), track(vcd=40))])
    def test_none_and_contradictions_are_refused(self, objective):
        with pytest.raises(ConfigError, match="one objective or several different ones"):
            RunConfig(duration_days=1, objective=objective)

    @pytest.mark.parametrize("weight", [0.0, -1.0, nan, inf])
    def test_weights_are_positive(self, weight):
        with pytest.raises(ConfigError, match="weight"):
            minimize("medium", weight=weight)

    @pytest.mark.parametrize("name", DERIVED)
    def test_every_derived_quantity_has_a_unit_and_can_be_asked_for(self, name):
        assert forecast_unit(name) in str(maximize(name))

    def test_medium_is_used_not_tracked(self):
        with pytest.raises(ConfigError, match=r"use minimize\('medium'\)"):
            track(medium=1.0)


class TestObjective:
    def test_words(self):
        assert str(track(vcd=30)) == "hold vcd at 30 1e6 cells/mL"
        assert str(maximize("productivity")) == "maximize productivity [mg/L/day]"
        looks = (track(vcd=30), maximize("titer"), minimize("medium"))
        assert [o.horizon_days for o in looks] == [3, 3, 7]
        assert Objective(kind="minimize", quantity="medium") == minimize("medium")  # as a file says it
        assert Objective(kind="minimize", quantity="medium", horizon_days=4).horizon_days == 4

    def test_one_target_only(self):
        with pytest.raises(ConfigError, match="one quantity and its target"):
            track(vcd=30, glucose=3)
        with pytest.raises(ConfigError, match="one quantity"):
            track()

    def test_unknown_quantities_are_answered(self):
        with pytest.raises(ConfigError, match="Did you mean 'glucose'"):
            track(glucos=3)
        with pytest.raises(ConfigError, match="Did you mean 'productivity'"):
            maximize("productivty")

    @pytest.mark.parametrize("fields", [{"kind": "track"}, {"kind": "maximize", "target": 3.0}])
    def test_targets_belong_to_tracking(self, fields):
        with pytest.raises(ConfigError, match="tracking needs a target"):
            Objective(quantity="vcd", **fields)

    @pytest.mark.parametrize("target", [0.0, -1.0, nan])
    def test_targets_are_positive(self, target):
        with pytest.raises(ConfigError):
            track(vcd=target)


class TestLimits:
    def test_a_constraint_needs_a_limit_and_a_sure_probability(self):
        with pytest.raises(ConfigError, match="low or high"):
            Constraint(quantity="viability")
        with pytest.raises(ConfigError):
            Constraint(quantity="viability", low=95, probability=0.4)
        assert str(Constraint(quantity="glucose", low=0.3, high=8)) == "glucose >= 0.3 and <= 8"

    def test_defaults_are_those_of_the_design(self):
        assert {(c.quantity, c.low, c.high, c.probability) for c in DEFAULT_CONSTRAINTS} == {
            ("viability", 95.0, None, 0.98), ("glucose", 0.3, None, 0.98), ("ammonium", None, 10.0, 0.95),
            ("cspr", 15.0, None, 0.95),
        }  # fmt: skip
        assert {(a.quantity, a.warn, a.act) for a in DEFAULT_ALARMS} == {
            ("viability", 97.0, 95.0), ("glucose", 1.0, 0.3), ("ammonium", 8.0, 12.0), ("lactate", 25.0, 40.0),
        }  # fmt: skip
        assert AlarmLimits(quantity="viability", warn=97, act=95).is_lower


class TestDesignSpace:
    def test_defaults_are_those_of_the_design(self):
        assert SPACE.low.tolist() == [0.5, 0.05, 2.0, 35.0, 700.0, 0.0]
        assert SPACE.high.tolist() == [2.0, 0.30, 8.0, 37.5, 1050.0, 5.0]
        assert SPACE.max_step.tolist() == [0.3, 0.1, 1.5, 1.0, 100.0, 1.5]
        assert SPACE.nominal.vector().tolist() == [1.0, 0.15, 4.0, 36.5, 850.0, 1.0]

    @settings(deadline=None, max_examples=100)
    @given(st.lists(st.floats(0, 1), min_size=6, max_size=6))
    def test_the_unit_cube_round_trips(self, unit):
        u = SPACE.from_unit(np.array(unit))
        assert SPACE.to_unit(u) == pytest.approx(unit, abs=1e-12)
        assert ((SPACE.low - 1e-9 <= u) & (u <= SPACE.high + 1e-9)).all()

    def test_held_setpoints_sit_in_the_middle(self):
        held = SPACE.holding(temperature=36.0)
        assert held.nominal.temperature == 36.0
        assert held.to_unit(held.nominal.vector())[SETPOINTS.index("temperature")] == 0.5
        assert held.from_unit(np.full((4, 6), 0.9))[:, SETPOINTS.index("temperature")].tolist() == [36.0] * 4
        with pytest.raises(UnknownQuantity, match="Did you mean 'temperature'"):
            SPACE.holding(temprature=36.0)

    @pytest.mark.parametrize("name", SETPOINTS)
    def test_contains_has_edges_and_no_more(self, name):
        b = SPACE.bounds[name]
        for value, inside in ((b.low, True), (b.high, True), (np.nextafter(b.high, inf), False), (nan, False)):
            assert SPACE.contains(replace(SPACE.nominal, **{name: float(value)})) is inside
        assert not SPACE.contains(replace(SPACE.nominal, **{name: float(np.nextafter(b.low, -inf))}))

    def test_contains_knows_bleed_below_perfusion(self):
        wide = DesignSpace(bounds=SPACE.bounds | {"bleed_rate": Bounds(low=0.05, high=1.5, nominal=0.15, max_step=0.1)})
        assert not wide.contains(replace(SPACE.nominal, perfusion_rate=0.6, bleed_rate=0.7))
        assert wide.contains(replace(SPACE.nominal, perfusion_rate=0.7, bleed_rate=0.685))

    @settings(deadline=None, max_examples=100)
    @given(st.lists(st.floats(-0.3, 1.3), min_size=6, max_size=6))
    def test_what_is_reachable_is_inside_and_within_a_step(self, unit):
        current = Setpoints.of(SPACE.from_unit(np.array(unit)))
        u = current.vector()
        try:
            low, high = SPACE.reachable(current)
        except EmptyDesignSpace:
            assert ((u > SPACE.high + SPACE.max_step) | (u < SPACE.low - SPACE.max_step)).any()
            return
        assert (low <= high).all()
        assert (low >= SPACE.low).all()
        assert (high <= SPACE.high).all()
        assert (np.abs(np.array([low, high]) - u) <= SPACE.max_step + 1e-9).all()

    def test_too_far_outside_says_what_to_do(self):
        with pytest.raises(EmptyDesignSpace, match=r"temperature in force is 39 °C.*by hand"):
            SPACE.reachable(replace(SPACE.nominal, temperature=39.0))

    def test_unknown_setpoints_in_force_reach_nothing(self):
        with pytest.raises(EmptyDesignSpace):
            SPACE.reachable(replace(SPACE.nominal, temperature=nan))

    def test_bounds_are_complete_known_and_possible(self):
        with pytest.raises(ConfigError, match="no bounds for pyruvate_feed"):
            DesignSpace(bounds={n: b for n, b in SPACE.bounds.items() if n != "pyruvate_feed"})
        with pytest.raises(ConfigError, match="Did you mean 'temperature'"):
            DesignSpace(bounds={**SPACE.bounds, "temperatur": SPACE.bounds["temperature"]})
        with pytest.raises(OutOfRange):
            DesignSpace(bounds=SPACE.bounds | {"temperature": Bounds(low=35, high=60, nominal=36, max_step=1)})
        with pytest.raises(EmptyDesignSpace, match="No setpoint keeps the volume"):
            DesignSpace(bounds=SPACE.bounds | {"bleed_rate": Bounds(low=2.5, high=3, nominal=2.5, max_step=1)})

    @pytest.mark.parametrize(
        "wrong", [{"low": 3.0}, {"nominal": 5.0}, {"max_step": 0.0}, {"max_step": -1.0}, {"low": nan}, {"width": 1.0}]
    )
    def test_bounds_are_ordered(self, wrong):
        with pytest.raises(ConfigError, match="Bounds"):
            Bounds(**({"low": 0.0, "high": 2.0, "nominal": 1.0, "max_step": 0.5} | wrong))
