"""One limiting case (at least) per effect."""

import numpy as np
import pytest

from perfusio.plant import kinetics
from perfusio.plant.clones import CLONE_X, CLONE_Y

K = CLONE_X.kinetics


def a(*values):
    return np.array(values, dtype=float)


def test_growth_peaks_at_the_optimum_and_about_halves_three_degrees_below():
    at = kinetics.growth_at_temperature(a(K.temperature_optimum, 34.0, 37.0), K)
    assert at[0] == 1.0
    assert at[1] / at[2] == pytest.approx(0.5, abs=0.1)


def test_saturation_is_nothing_half_and_all():
    np.testing.assert_allclose(kinetics.saturation(a(0.0, 0.2, 1e9), 0.2), [0.0, 0.5, 1.0], atol=1e-8)


def test_inhibition_is_none_half_and_all():
    np.testing.assert_allclose(kinetics.inhibition(a(0.0, 8.0, 1e9), 8.0), [1.0, 0.5, 0.0], atol=1e-8)


def test_few_cells_breathe_freely_and_many_share_the_capacity():
    few, many = kinetics.oxygen_supply(a(1.0, 1e4), a(850.0, 850.0), K)
    assert few == pytest.approx(1.0, abs=1e-6)
    assert many * 1e4 * K.oxygen_uptake == pytest.approx(kinetics.OXYGEN_CAPACITY, rel=1e-4)


def test_agitation_brings_oxygen():
    slow, fast = kinetics.oxygen_supply(a(80.0, 80.0), a(700.0, 1050.0), K)
    assert fast > 1.2 * slow


def test_without_stress_only_the_base_rate_kills():
    assert kinetics.death_by_stress(a(0.0), a(0.0), a(36.5), K) == pytest.approx(K.death_rate)


@pytest.mark.parametrize(("ammonium", "byproduct"), [(K.death_ammonium, 0.0), (0.0, K.death_byproduct)])
def test_each_toxin_doubles_death_at_its_constant(ammonium, byproduct):
    assert kinetics.death_by_stress(a(ammonium), a(byproduct), a(36.5), K) == pytest.approx(2.0 * K.death_rate)


def test_heat_kills():
    mild, hot = kinetics.death_by_stress(a(0.0, 0.0), a(0.0, 0.0), a(36.5, 37.5), K)
    assert hot / mild == pytest.approx(np.exp(K.death_heat))


def test_fed_cells_do_not_starve_and_unfed_ones_do():
    assert kinetics.death_by_starvation(a(1.0), a(1.0), a(1.0), K) == 0.0
    assert kinetics.death_by_starvation(a(0.0), a(1.0), a(1.0), K) == pytest.approx(K.death_starvation)
    assert kinetics.death_by_starvation(a(1.0), a(0.0), a(1.0), K) == pytest.approx(0.1 * K.death_starvation)
    assert kinetics.death_by_starvation(a(1.0), a(1.0), a(0.0), K) == pytest.approx(0.5 * K.death_starvation)


def test_shear_is_steep():
    gentle, nominal, harsh = kinetics.death_by_shear(a(0.0, 850.0, 1000.0), K)
    assert gentle == 0.0
    assert harsh == pytest.approx(K.death_shear)
    assert nominal < 0.3 * harsh


def test_nobody_rests_alone_and_a_crowd_does():
    alone, half, crowd = kinetics.arrest_target(a(0.0, K.arrest_half, 1e9), a(36.5, 36.5, 36.5), K)
    assert alone == 0.0
    assert half == pytest.approx(0.5 * K.arrest_max)
    assert crowd == pytest.approx(K.arrest_max)


def test_cold_makes_cells_rest():
    warm, cold = kinetics.arrest_target(a(30.0, 30.0), a(36.5, 35.0), K)
    assert cold > warm


def test_lactate_switch_opens_at_slow_growth_and_modest_glucose():
    slow, fast, sweet = kinetics.switch_target(a(0.0, 9.0, 0.0), a(0.0, 0.0, 900.0), K)
    assert slow == 1.0
    assert fast == pytest.approx(0.0, abs=1e-3)
    assert sweet == pytest.approx(0.0, abs=1e-3)


def test_glucose_uptake_ends_with_the_glucose_and_saturates_in_plenty():
    none, plenty = kinetics.glucose_uptake(a(0.2, 0.2), a(0.0, 1e9), K)
    assert none == 0.0
    assert plenty == pytest.approx(K.glucose_maintenance + 0.2 * K.glucose_growth + K.glucose_overflow)


def test_resting_and_cold_cells_make_more_product():
    fast, rest, cold = kinetics.productivity(a(K.growth_max, 0.0, K.growth_max), a(37.0, 37.0, 35.0), K)
    assert fast == pytest.approx(K.productivity)
    assert rest == pytest.approx(K.productivity * (1.0 + K.productivity_slow))
    assert cold == pytest.approx(K.productivity * np.exp(2.0 * K.productivity_cold))


def test_resting_cells_are_larger():
    fast, rest = kinetics.diameter_target(a(K.growth_max, 0.0), K)
    assert fast == pytest.approx(K.diameter)
    assert rest == pytest.approx(K.diameter + K.diameter_slow)


def test_membrane_fouls_with_cells_and_flow_only():
    none, still, both = kinetics.fouling(a(0.0, 50.0, 50.0), a(1.0, 0.0, 1.0), K)
    assert none == still == 0.0
    assert both == pytest.approx(K.fouling_rate)


def test_clone_y_has_no_lactate_uptake_and_clone_x_has():
    assert CLONE_Y.kinetics.lactate_uptake == 0.0 < K.lactate_uptake
