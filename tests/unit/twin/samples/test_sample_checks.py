"""Samples that cannot be what they say: units mixed up, impossible changes, frozen and surprising values."""

from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.events import SampleQuarantined, to_json
from perfusio.forecast import Forecast
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory
from perfusio.twin.samples.likelihoods import FOREIGN, Explained
from perfusio.twin.samples.sample_checks import ENOUGH_TRANSITIONS, Expected, checked, expected_at, recordable

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal


def varied(day):
    """A sample with values of its own, so that nothing is frozen by accident."""
    return make_state(day=day, vcd=20.01 + 0.13 * day, viability=95.03 + 0.11 * day, glucose=4.03 + 0.017 * day,
                      glutamine=2.03 + 0.011 * day, glutamate=1.03 + 0.013 * day, lactate=10.03 + 0.07 * day,
                      ammonium=3.03 + 0.019 * day, pyruvate=0.503 + 0.0017 * day, titer=500.3 + 1.1 * day,
                      diameter=17.03 + 0.011 * day)  # fmt: skip


def after(n_days):
    run = Trajectory(reactor_id="R01")
    for day in range(n_days):
        run = run.observe(varied(day), NOMINAL)
    return run


def verdict(run, expected=None, **values):
    return checked(replace(varied(len(run.states)), **values), run, NOMINAL, expected)


def test_a_good_sample_passes_unchanged():
    for n in (0, 1, 2, 12):
        found = verdict(after(n))
        assert found.quarantined == ""
        assert found.sample is not None
        assert found.sample == varied(n)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"viability": 0.953}, "fraction"),
        ({"glucose": 22.4}, "mmol/L"),
        ({"lactate": 903.0}, "mg/L"),
        ({"ammonium": 55.0}, "mg/L"),
        ({"titer": 0.503}, "g/L"),
        ({"vcd": 2.0e-5}, "1e12 cells/mL"),
        ({"vcd": 190.0}, "no culture"),
        ({"titer": 9000.0}, "no culture"),
    ],
)
def test_a_mixed_up_unit_or_an_impossible_change_quarantines_the_sample(values, word):
    found = verdict(after(2), **values)
    assert word in found.quarantined
    assert next(iter(values)) in found.quarantined.lower()


@pytest.mark.parametrize(
    "values",
    [
        {"viability": 40.0, "vcd": 4.0},  # a crash is no mistake
        {"glucose": 11.0},  # a bolus
        {"glucose": 0.05},
        {"lactate": 2.0},
        {"vcd": 39.0},
        {"vcd": nan, "titer": 600.0, "lactate": nan},
    ],
)
def test_what_a_culture_can_do_is_never_quarantined(values):
    assert verdict(after(2), **values).quarantined == ""


def test_a_first_sample_with_a_viability_as_a_fraction_is_seen():
    assert "97" in verdict(after(0), viability=0.97).quarantined


def test_a_dying_culture_may_reach_the_last_per_cent():
    run = after(1).observe(replace(varied(1), viability=6.0, vcd=1.2), NOMINAL)
    assert checked(replace(varied(2), viability=0.8, vcd=0.3), run, NOMINAL).quarantined == ""


def frozen_run(n_days, names):
    run = after(n_days)
    old = run.states[-1]
    frozen = {n: getattr(old, n) for n in names}
    return run.observe(replace(varied(n_days), **frozen), NOMINAL), frozen


def test_three_equal_values_are_remarked_and_still_used_at_first():
    run, frozen = frozen_run(3, ("glutamine", "ammonium"))
    sample = verdict(run, **frozen).sample
    assert sample.ammonium == frozen["ammonium"]
    assert set(sample.quality) == {"glutamine", "ammonium"}
    assert "3 samples" in sample.quality["ammonium"]


def test_two_equal_values_are_nothing():
    run = after(3)
    assert verdict(run, ammonium=run.states[-1].ammonium).sample.quality == {}


def test_an_instrument_that_repeats_itself_is_not_used_once_the_vessel_is_known():
    run, frozen = frozen_run(ENOUGH_TRANSITIONS, ("glutamine", "ammonium"))
    sample = verdict(run, **frozen).sample
    assert sample.missing() == ("glutamine", "ammonium")
    assert f"{frozen['ammonium']:g} was found and not used" in sample.quality["ammonium"]


def test_one_value_that_repeats_itself_is_used_even_then():
    run, frozen = frozen_run(ENOUGH_TRANSITIONS, ("ammonium",))
    sample = verdict(run, **frozen).sample
    assert sample.ammonium == frozen["ammonium"]
    assert "ammonium" in sample.quality


def test_nothing_is_frozen_at_a_detection_limit_or_where_values_are_coarse():
    run = after(1)
    limit = {"ammonium": "below the detection limit of 0.1"}
    for day in (1, 2):
        run = run.observe(replace(varied(day), ammonium=0.105, quality=limit, viability=98.0, pyruvate=0.0), NOMINAL)
    sample = verdict(run, ammonium=0.105, quality=limit, viability=98.0, pyruvate=0.0).sample
    assert sample.quality == limit


EXPECTED = Expected(time_h=24.0, mean={"lactate": 10.0, "viability": 95.0}, sd={"lactate": 1.0, "viability": 0.5})


def test_a_surprise_is_remarked_and_used_at_first_and_not_used_later():
    early = verdict(after(3), EXPECTED, lactate=16.0).sample
    assert early.lactate == 16.0
    assert "6 sd" in early.quality["lactate"]
    late = verdict(after(ENOUGH_TRANSITIONS + 1), EXPECTED, lactate=16.0, viability=95.2).sample
    assert late.missing() == ("lactate",)
    assert "16 was found and not used" in late.quality["lactate"]
    assert verdict(after(3), EXPECTED, lactate=14.9, viability=95.2).sample.quality == {}


def test_a_surprise_that_the_next_sample_confirms_is_the_culture():
    run = after(ENOUGH_TRANSITIONS + 1)
    first = verdict(run, EXPECTED, lactate=16.0, viability=95.2).sample
    second = verdict(run.observe(first, NOMINAL), EXPECTED, lactate=16.3, viability=95.2).sample
    assert second.lactate == 16.3


def test_no_surprise_at_a_detection_limit():
    limit = {"lactate": "below the detection limit of 0.1"}
    assert verdict(after(3), EXPECTED, lactate=0.1, viability=95.2, quality=limit).sample.quality == limit


def test_values_that_contradict_each_other_are_remarked():
    assert "at odds" in verdict(after(0), vcd=0.0, viability=95.1).sample.quality["vcd"]
    assert "death leave" in verdict(after(2), vcd=0.0, viability=95.1).quarantined
    assert "at odds" in verdict(after(2), vcd=20.3, viability=0.0).sample.quality["viability"]


def test_what_was_forecast_is_read_from_the_record_for_the_time_of_the_sample_only():
    paths = np.random.default_rng(0).normal(5.0, 0.1, (50, 2, 9))
    hold = Forecast.from_samples(np.array([24.0, 48.0]), paths).to_json()
    expected = expected_at(47.0, hold)
    assert expected.time_h == 48.0
    assert expected.mean["glucose"] == pytest.approx(5.0, abs=0.1)
    # of what is measured, not of the true value: 5 % of 5 come to the 0.1 of the forecast
    assert expected.sd["vcd"] == pytest.approx(np.hypot(0.1, 0.25), rel=0.2)
    assert expected_at(72.0, hold) is None
    assert expected_at(24.0, {}) is None


def test_a_sample_with_an_infinite_value_can_go_on_record():
    found = recordable(make_state(day=1, vcd=inf, titer=-inf))
    assert to_json(SampleQuarantined(state=found))["state"]["vcd"] is None
    assert found.quality == {"vcd": "inf was found", "titer": "-inf was found"}
    assert recordable(make_state(day=1, vcd=nan)).quality == {}


def grown_by(factor, day):
    """A sample of a culture that grew by so much more than was forecast, and the forecast."""
    usual = varied(day)
    mean = {n: v for n in usual.panel.species_names if (v := getattr(usual, n)) == v}
    expected = Expected(time_h=24.0 * day, mean=mean, sd={n: 0.1 * v for n, v in mean.items()} | {"viability": 1.3})
    more = {n: factor * mean[n] for n in ("vcd", "lactate", "titer")}
    return usual.with_values(**more, **{n: mean[n] / factor for n in ("glutamine", "pyruvate", "glucose")}), expected


def test_after_a_gap_one_cause_may_have_moved_many_values():
    run = after(5)
    (soon, forecast), (late, later) = grown_by(1.5, 5), grown_by(1.7, 6)
    odds = sum(Explained(late, run.states, later).foreign(late).values())
    assert FOREIGN < odds < 2.0 * FOREIGN
    assert "Several values" in checked(soon, run, NOMINAL, forecast).quarantined
    assert checked(late, run, NOMINAL, later).quarantined == ""
    stranger, later = grown_by(2.0, 6)
    assert "Several values" in checked(stranger, run, NOMINAL, later).quarantined


def test_a_count_that_was_not_used_is_a_gap():
    run, blind = after(6), after(6)
    last = run.states[-1]
    unused = replace(last.with_values(vcd=nan), quality={"vcd": "31 not used"})
    blind = replace(blind, states=(*run.states[:-1], unused))
    late, forecast = grown_by(1.45, 6)
    assert "Several values" in checked(late, run, NOMINAL, forecast).quarantined
    assert checked(late, blind, NOMINAL, forecast).quarantined == ""
