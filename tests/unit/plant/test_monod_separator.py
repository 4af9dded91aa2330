"""The third plant: each law in its limiting case, and what its separator does."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.plant import monod_separator
from perfusio.plant.families import NAMED
from perfusio.plant.medium import Equipment
from perfusio.plant.monod_separator import LITERATURE, RECYCLED, STATES, cell_rates, growth_at_temperature
from perfusio.plant.vessel import VesselBatch

PLENTY = {"glucose": 1e6, "glutamine": 1e6, "ammonium": 0.0, "lactate": 0.0}


def rates(temperature=37.0, **values):
    held = {name: np.array([0.0]) for name in STATES} | {n: np.array([v]) for n, v in (PLENTY | values).items()}
    return cell_rates(held, np.array([temperature]), LITERATURE)


def test_growth_is_a_product_of_monod_terms():
    assert rates().growth[0] == pytest.approx(LITERATURE.growth_max, rel=1e-5)
    half = rates(ammonium=LITERATURE.ammonium_half, lactate=LITERATURE.lactate_half, glutamine=0.1)
    assert half.growth[0] == pytest.approx(LITERATURE.growth_max / 8.0, rel=1e-5)
    assert rates(glucose=0.0).growth[0] == rates(glutamine=0.0).growth[0] == 0.0


def test_growth_is_linear_in_temperature_and_never_negative():
    shares = growth_at_temperature(np.array([38.0, 37.0, 36.0, 35.0, 20.0]), 0.14)
    np.testing.assert_allclose(shares, [1.14, 1.0, 0.86, 0.72, 0.0])
    assert rates(temperature=35.0).growth[0] == pytest.approx(0.72 * LITERATURE.growth_max, rel=1e-5)


def test_death_rises_with_the_square_of_ammonium():
    deaths = [rates(ammonium=times * LITERATURE.death_ammonium).death[0] for times in (0.0, 1.0, 2.0, 3.0)]
    np.testing.assert_allclose(np.array(deaths) / LITERATURE.death_rate, [1.0, 2.0, 5.0, 10.0])


def test_uptake_ends_with_its_substrate():
    none = rates(glucose=0.0, glutamine=0.0)
    assert none.glucose[0] == none.glutamine[0] == none.lactate[0] == none.ammonium[0] == 0.0


def test_the_separator_lets_8_percent_of_the_cells_in_the_harvest_go():
    """A vessel without growth or death loses cells by bleed and by what the separator misses."""
    still = replace(LITERATURE, growth_max=0.0, death_rate=0.0, lysis_rate=0.0)
    batch = VesselBatch(
        replace(NAMED["Monod-lit"], kinetics=still), replace(SPACE.nominal, glucose_setpoint=0.0), n_vessels=1,
        equipment=Equipment(sampling_flow=0.0),
    )  # fmt: skip
    before = batch.state("viable") + batch.state("dead")
    batch.advance(1.0)
    after = batch.state("viable") + batch.state("dead")
    assert np.log(before / after)[0] == pytest.approx(0.15 + (1.0 - RECYCLED) * 0.85, rel=1e-3)


def test_temperature_matters_and_agitation_does_not():
    nominal = SPACE.nominal
    recipes = [nominal, replace(nominal, temperature=35.0), replace(nominal, agitation=700.0)]
    batch = VesselBatch(NAMED["Monod-lit"], recipes, seeds=[0] * 3)
    batch.advance(20.0)
    usual, cold, gentle = batch.state("viable")
    assert cold < 0.98 * usual  # not by much: the supply of glutamine sets the density
    assert gentle == pytest.approx(usual, rel=1e-9)


def test_drawn_constants_stay_within_their_ranges():
    drawn = monod_separator.drawn(np.random.default_rng(1))
    assert drawn == monod_separator.drawn(np.random.default_rng(1))
    for name in monod_separator.MONOD_SEPARATOR.constant_names:
        about = monod_separator.Constants.__dataclass_fields__[name].metadata
        assert about["low"] <= getattr(drawn, name) <= about["high"]
        assert about["low"] <= getattr(LITERATURE, name) <= about["high"], name
