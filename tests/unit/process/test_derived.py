"""Quantities that follow from species and plans, against numbers that can be worked out by hand."""

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import OutOfRange
from perfusio.process import derived
from perfusio.process.derived import DERIVED, DERIVED_QUANTITIES, forecast_unit, quantity_paths
from perfusio.state import SETPOINT_INDEX, SPECIES, SPECIES_INDEX
from perfusio.testing import make_state

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal.vector()


def paths(n_plans=1, n_paths=4, horizon=3, **values):
    """Healthy paths (G, S, H, Q); a value by name is broadcast to (G, S, H)."""
    out = np.tile(make_state().vector(), (n_plans, n_paths, horizon, 1))
    for name, value in values.items():
        out[..., SPECIES_INDEX[name]] = value
    return out


def plans(n_plans=1, horizon=3, **values):
    out = np.tile(NOMINAL, (n_plans, horizon, 1))
    for name, value in values.items():
        out[..., SETPOINT_INDEX[name]] = value
    return out


@pytest.mark.parametrize(("rate", "vcd", "expected"), [(1, 20, 50), (1, 50, 20), (2, 80, 25), (1.5, 100, 15)])
def test_cspr(rate, vcd, expected):
    assert derived.cspr(rate, vcd) == pytest.approx(expected)


@pytest.mark.parametrize(("vcd", "diameter"), [(140, 16), (98, 18), (66, 20.5), (50, 22.5)])
def test_vcv_of_thirty_percent(vcd, diameter):
    assert derived.vcv(vcd, diameter) == pytest.approx(30.0, rel=0.01)


def test_productivity_counts_only_what_passes_the_membrane():
    assert derived.harvest_titer(800.0, 0.75) == pytest.approx(600.0)
    assert derived.volumetric_productivity(800.0, 0.75, 0.9) == pytest.approx(540.0)


def test_each_name_has_a_unit_and_a_value():
    for name in DERIVED:
        assert forecast_unit(name) == DERIVED_QUANTITIES[name].unit
        assert quantity_paths(name, paths(), plans(), size=16.0).shape == (1, 4, 3)


def test_a_volume_without_a_diameter_is_refused():
    with pytest.raises(OutOfRange, match="needs a measured cell diameter"):
        quantity_paths("vcv", paths(), plans())


class TestQuantities:
    @pytest.mark.parametrize("name", SPECIES)
    def test_species_are_picked_by_name(self, name):
        assert (quantity_paths(name, paths(), plans()) == getattr(make_state(), name)).all()

    def test_cspr_is_per_cell(self):
        found = quantity_paths("cspr", paths(vcd=40.0), plans(perfusion_rate=1.2))
        assert found == pytest.approx(np.full((1, 4, 3), 1000.0 * 1.2 / 40.0), rel=1e-6)

    def test_productivity_is_what_is_harvested(self):
        found = quantity_paths("productivity", paths(titer=500.0), plans(perfusion_rate=1.2, bleed_rate=0.2))
        assert found == pytest.approx(np.full((1, 4, 3), 500.0 * (1.2 - 0.2)))

    def test_each_day_has_its_own_setpoints(self):
        ramp = plans()
        ramp[0, :, SETPOINT_INDEX["perfusion_rate"]] = [1.0, 1.5, 2.0]
        assert quantity_paths("cspr", paths(vcd=50.0), ramp)[0, 0] == pytest.approx([20.0, 30.0, 40.0], rel=1e-6)


