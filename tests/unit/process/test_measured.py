"""What a vessel is asked and what it has are two quantities."""

import pytest

from perfusio.errors import ConfigError
from perfusio.process import CHO_PERFUSION, Setpoint, Species
from perfusio.process.document import panel_of, plain_of

PH = Setpoint("ph", unit="pH", role="condition", low=6, high=8)
WITH_PH = CHO_PERFUSION.with_(PH)


def test_a_condition_has_a_measured_twin_that_no_balance_knows():
    twin = WITH_PH["ph_measured"]
    assert (twin.unit, twin.role, twin.low, twin.high, twin.label) == ("pH", "signal", 6, 8, "Ph, measured")
    assert WITH_PH.species_names == CHO_PERFUSION.species_names
    assert WITH_PH["ph"].measured_name == "ph_measured"


def test_the_default_panel_is_as_it_was():
    assert not [s.name for s in CHO_PERFUSION.species if s.name.endswith("_measured")]


def test_whoever_wants_none_has_none_and_flows_have_one_if_asked():
    assert "ph_measured" not in CHO_PERFUSION.with_(Setpoint("ph", unit="pH", role="condition", measured=False)).by_name
    flow = Setpoint("bleed_rate", unit="1/day", role="bleed", measured=True)
    assert "bleed_rate_measured" in CHO_PERFUSION.with_(flow).by_name
    with pytest.raises(ConfigError, match="measured = 'yes'"):
        Setpoint("ph", unit="pH", role="condition", measured="yes")


def test_a_twin_that_was_declared_is_kept_and_goes_with_its_setpoint():
    own = Species("ph_measured", unit="pH", role="signal", label="Probe")
    assert CHO_PERFUSION.with_(own, PH)["ph_measured"].label == "Probe"
    assert "ph_measured" not in WITH_PH.without("ph").by_name


def test_a_document_says_the_same_panel():
    assert panel_of(plain_of(WITH_PH)) == WITH_PH
    again = panel_of({"setpoints": {"ph": {"unit": "pH", "role": "condition", "measured": False}}})
    assert "ph_measured" not in again.by_name
