"""What a model cannot say of a process is said; of the default one there is nothing to say."""

from pathlib import Path

import pytest

from perfusio.kinetics.parameters import parameters_of
from perfusio.kinetics.unknown import learnt_only, unsaid, without_bounds, without_law, without_precursor
from perfusio.process import CHO_PERFUSION, Medium, Setpoint, Species
from perfusio.process.document import read_process
from perfusio.process.facts import Noise

FOLDER = Path(__file__).parents[2] / "fixtures" / "processes"


def test_the_default_process_has_a_law_for_everything():
    assert unsaid(CHO_PERFUSION) == ()
    assert without_law(CHO_PERFUSION) + learnt_only(CHO_PERFUSION) + without_bounds(CHO_PERFUSION) == ()


def test_a_species_without_a_law_is_named():
    (said,) = unsaid(read_process(FOLDER / "asparagine.toml"))
    assert said.startswith("No rate law is known for asparagine: the specific rate is unknown, with a wide prior")


def test_a_known_name_in_another_role_is_not_known():
    assert without_law(CHO_PERFUSION.with_(Species("titer", unit="mg/L", role="solute"))) == ("titer",)


def test_conditions_are_learnt_and_need_bounds():
    process = CHO_PERFUSION.with_(
        Setpoint("ph", unit="-", role="condition"), Setpoint("dissolved_oxygen", unit="%", role="condition"),
        Species("capacitance", unit="pF/cm", role="signal"),
        Species("cells_online", unit="1e6 cells/mL", role="signal", measures="vcd",
                noise=Noise(relative=0.1, absolute=0.1, floor=0.1)),
    )  # fmt: skip
    learnt, signal, bounds = unsaid(process)
    assert learnt.startswith("What ph and dissolved_oxygen do to the cells is learnt from runs in which they differ")
    assert signal == "No balance is known for capacitance: measured, not forecast."
    assert bounds.startswith("What may be written to ph and dissolved_oxygen is not declared")


def test_what_is_absent_is_said():
    assert "Without a bleed" in unsaid(read_process(FOLDER / "no_bleed.toml"))[-1]
    fed = " ".join(unsaid(read_process(FOLDER / "fed_batch.toml")))
    assert "Without perfusion nothing is held constant: the volume follows feeds and what samples take." in fed
    bare = " ".join(unsaid(CHO_PERFUSION.without("viability", "ammonium")))
    assert "Without viability" in bare
    assert "neither limiting nor inhibiting: ammonium" in bare


@pytest.mark.parametrize("file", [None, *sorted(FOLDER.iterdir())], ids=lambda f: f.stem if f else "default")
@pytest.mark.parametrize("less", [(), ("glucose", "glucose_setpoint"), ("glutamine",), ("titer",)])
def test_what_is_said_to_have_no_law_has_generic_rates_and_nothing_else_has(file, less):
    base = CHO_PERFUSION if file is None else read_process(file)
    process = base.without(*(n for n in less if n in base.by_name))
    names = {p.name for p in parameters_of(process)[0]}
    made = {name for name in process.species_names if f"{name}_production" in names}
    assert made | {n for n in process.of_role("product") if f"{n}_productivity" in names} == {
        *without_law(process), *without_precursor(process),
    }  # fmt: skip


def test_a_by_product_without_its_precursor_is_named():
    said = unsaid(CHO_PERFUSION.without("glutamine"))
    assert "ammonium is made from glutamine, which is not in the process: how much is learnt from samples." in said


def test_a_limit_on_what_no_longer_follows_goes_with_its_quantities():
    assert [limit.quantity for limit in CHO_PERFUSION.without("perfusion_rate", "bleed_rate").limits] == [
        "viability", "glucose", "ammonium",
    ]  # fmt: skip
    assert CHO_PERFUSION.without("pyruvate", "pyruvate_feed").limits == CHO_PERFUSION.limits
    assert CHO_PERFUSION.with_(medium=Medium(glucose=3.0)).limits == CHO_PERFUSION.limits
