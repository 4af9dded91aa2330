"""A panel can lack and add quantities, keeps its order, and refuses what cannot be a process."""

from dataclasses import replace

import pytest

from perfusio.errors import ConfigError, UnknownQuantity
from perfusio.process import CHO_PERFUSION, Medium, Setpoint, Species
from perfusio.process.facts import Allowed, Noise, Prior, Unexplained
from perfusio.process.species import in_words

NOISE = Noise(relative=0.06, absolute=0.02, floor=0.1)
PRIOR = Prior(mean=3.0, sd=0.8)
UNEXPLAINED = Unexplained(drift_sd=0.1, drift_walk=0.04, white_sd=0.05, usual=0.3, limit=0.6, clear_change=0.5)
ASPARAGINE = Species(
    "asparagine", unit="mmol/L", role="solute", high=60, molar_mass=132.12, aliases=("Asn",),
    noise=NOISE, prior=PRIOR, unexplained=UNEXPLAINED,
)  # fmt: skip
CAPACITANCE = Species("capacitance", unit="pF/cm", role="signal", high=400)
OXYGEN = Setpoint(
    "dissolved_oxygen", unit="%", role="condition", clear_change=10.0,
    allowed=Allowed(low=20, high=60, nominal=40, max_step=10),
)  # fmt: skip


def test_quantities_join_last_of_their_kind_and_leave_with_all_that_was_said_of_them():
    process = CHO_PERFUSION.without("pyruvate", "pyruvate_feed", "glucose_setpoint", "glucose").with_(
        ASPARAGINE, OXYGEN
    )
    assert [s.name for s in process.modelled][-2:] == ["titer", "asparagine"]
    assert [s.name for s in process.setpoints] == [
        "perfusion_rate", "bleed_rate", "temperature", "agitation", "dissolved_oxygen",
    ]  # fmt: skip
    assert process.critical == ("vcd", "viability")
    assert "glucose" not in (*process.alarmed, *(limit.quantity for limit in process.limits))
    assert CHO_PERFUSION["glucose"].unit == "g/L"


def test_a_quantity_of_a_known_name_takes_its_place():
    finer = replace(CHO_PERFUSION["glucose"], noise=NOISE, label="")
    process = CHO_PERFUSION.with_(finer)
    assert [s.name for s in process.species] == [s.name for s in CHO_PERFUSION.species]
    assert process["glucose"].label == "Glucose"
    assert process.noise[2] is NOISE


def test_what_has_no_balance_is_measured_and_not_modelled():
    process = CHO_PERFUSION.with_(CAPACITANCE)
    assert process["capacitance"] in process.species
    assert process.modelled == CHO_PERFUSION.modelled
    assert len(process.noise) == len(process.prior) == len(process.unexplained) == len(process.modelled)


def test_names_are_found_by_role_in_order():
    assert CHO_PERFUSION.of_role("cells", "product") == ("vcd", "titer")
    assert CHO_PERFUSION.of_role("condition") == ("temperature", "agitation")


def test_the_only_quantity_of_a_role_is_found_or_the_question_refused():
    assert CHO_PERFUSION.the("held_concentration") == "glucose_setpoint"
    with pytest.raises(UnknownQuantity, match="temperature, agitation with the role 'condition', expected one"):
        CHO_PERFUSION.the("condition")
    with pytest.raises(UnknownQuantity, match="no quantity with the role 'signal'"):
        CHO_PERFUSION.the("signal")


def test_names_become_labels():
    assert in_words("dissolved_oxygen") == OXYGEN.label == "Dissolved oxygen"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: CHO_PERFUSION.without("vcd"), "0 species have the role 'cells' .*exactly 1"),
        (lambda: CHO_PERFUSION.with_(replace(ASPARAGINE, role="cells")), "2 species have the role 'cells'"),
        (lambda: CHO_PERFUSION.with_(replace(ASPARAGINE, role="viability")), "'viability' .*at most 1"),
        (lambda: CHO_PERFUSION.without("pyruvate"), "setpoints name 'pyruvate', expected modelled species"),
        (lambda: replace(CHO_PERFUSION, critical=("glucoses",)), "critical name 'glucoses'"),
        (lambda: replace(CHO_PERFUSION, alarmed=("titer",)), "titer in alarmed, expected species with levels"),
        (lambda: CHO_PERFUSION.with_(replace(OXYGEN, name="glucose")), "glucose declared twice"),
    ],
)
def test_what_cannot_be_a_process_is_refused(make, words):
    with pytest.raises(ConfigError, match=words):
        make()


def test_an_unknown_name_is_answered_with_the_nearest_one():
    with pytest.raises(UnknownQuantity, match="Did you mean 'glutamine'"):
        CHO_PERFUSION["glutamin"]
    with pytest.raises(UnknownQuantity, match="is no quantity of CHO cells in perfusion"):
        CHO_PERFUSION.without("oxygen")


def test_a_species_of_which_little_is_declared_is_expected_within_wide_margins():
    panel = CHO_PERFUSION.with_(Species("asparagine", unit="mmol/L", role="solute"), medium=Medium(asparagine=12.0))
    asparagine = panel["asparagine"]
    assert asparagine.prior.mean == 6.0
    assert asparagine.prior.sd > CHO_PERFUSION["glucose"].prior.sd
    assert asparagine.noise.floor == pytest.approx(0.3)
    assert len(panel.noise) == len(panel.prior) == len(panel.unexplained) == len(panel.species_names)
    assert panel["glucose"] == CHO_PERFUSION["glucose"]


@pytest.mark.parametrize("name", ["time_h", "panel", "cspr", "medium", "with_values"])
def test_a_name_that_means_something_else_is_refused(name):
    with pytest.raises(ConfigError, match=f"'{name}' has a meaning of its own.*another name"):
        CHO_PERFUSION.with_(Species(name, unit="mmol/L", role="solute"))


@pytest.mark.parametrize("name", ["", "Asn", "cell count", "9c", "_x", "x" * 65, "é"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ConfigError, match="is no name of a quantity: expected small letters"):
        CHO_PERFUSION.with_(Species(name, unit="mmol/L", role="solute"))


@pytest.mark.parametrize("role", ["perfusion", "bleed"])
def test_what_is_balanced_once_is_set_once(role):
    second = Setpoint("second", unit="1/day", role=role)
    words = rf"2 setpoints have the role '{role}' \({role}_rate, second\), expected at most 1"
    with pytest.raises(ConfigError, match=words):
        CHO_PERFUSION.with_(second)
