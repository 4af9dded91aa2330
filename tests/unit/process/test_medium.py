"""Amounts with units, media and the vessel."""

import pytest

from perfusio.errors import ConfigError
from perfusio.process import CHO_PERFUSION, Equipment, Medium

DISSOLVED = CHO_PERFUSION.dissolved


def test_amounts_are_turned_into_canonical_units():
    medium = Medium(glucose="45 mmol/L", glutamine=0.5).of(DISSOLVED)
    assert medium["glucose"] == pytest.approx(45 * 0.18016)
    assert medium["glutamine"] == 0.5
    assert medium["lactate"] == 0.0


def test_a_medium_with_units_of_its_own_gives_no_number():
    with pytest.raises(ConfigError, match=r"panel\.medium"):
        Medium(glucose="45 mmol/L")["glucose"]


@pytest.mark.parametrize(
    ("medium", "says"),
    [
        (Medium(glucos=5.0), "'glucose'"),
        (Medium(vcd=5.0), "no dissolved species"),
        (Medium(glucose="5 parsec"), "parsec"),
        (Medium(glucose="much"), "no amount"),
        (Medium(glucose=-1.0), "not possible"),
        (Medium(glucose=float("nan")), "not possible"),
        (Medium(glucose="5000 g/L"), "not possible"),
        (Medium(glucose=True), "no amount"),
    ],
)
def test_what_cannot_be_dissolved_is_refused(medium, says):
    with pytest.raises(ConfigError, match=says):
        medium.of(DISSOLVED)


def test_a_concentrate_may_hold_more_than_a_culture():
    assert Medium(glucose=400.0).of(DISSOLVED, is_concentrated=True)["glucose"] == 400.0


def test_flows_of_volume_need_the_volume():
    vessel = Equipment(working_volume="0.25 L", sampling_flow="3 mL/day")
    assert vessel.volume_ml == 250.0
    assert vessel.sampling == pytest.approx(0.012)
    assert vessel.per_volume("12 mL/h", "perfusion_rate") == pytest.approx(12 * 24 / 250)
    assert vessel.per_volume("0.5 L/day", "perfusion_rate") == pytest.approx(2.0)
    assert vessel.per_volume("2 VVD", "perfusion_rate") == 2.0
    assert vessel.per_volume(1.5, "perfusion_rate") == 1.5
    with pytest.raises(ConfigError, match="working volume is not declared"):
        Equipment().per_volume("12 mL/h", "perfusion_rate")
    with pytest.raises(ConfigError, match="mL/h"):
        vessel.per_volume("12 furlong", "perfusion_rate")
    with pytest.raises(ConfigError, match="sampling_flow"):
        Equipment(sampling_flow=-0.1)


def test_a_panel_takes_in_media_and_forgets_with_the_species():
    lean = CHO_PERFUSION.with_(medium=Medium(glucose="10 mmol/L", pyruvate=1.0), media={"rich": Medium(glucose=10.0)})
    assert lean.medium["glucose"] == pytest.approx(1.8016)
    assert lean.medium_named("rich")["glucose"] == 10.0
    assert "pyruvate" not in lean.without("pyruvate", "pyruvate_feed").medium
    with pytest.raises(Exception, match="'rich'"):
        lean.medium_named("richh")
