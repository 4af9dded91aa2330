import pytest

from perfusio.errors import ConfigError
from perfusio.quantities import normalised
from perfusio.state import QUANTITIES, SETPOINTS
from perfusio.tables.columns.column import Role
from perfusio.tables.columns.columns import is_units_row, read_header
from perfusio.tables.columns.problems import Problems

FIRST = "day,VCD,viability,glucose,lactate,glutamine,glutamate,titer,perfusion_rate,bleed_rate"
SECOND = "day,VCD,Via,Glc,Gln,Glu,Lac,Amm,Pyr,Titer"


def understood(header, **options):
    problems = Problems("run01.csv")
    columns = read_header(header.split(",") if isinstance(header, str) else header, problems, **options)
    return columns, "\n".join(problems.sentences())


def one(header, **options):
    columns, problem = understood([header], **options)
    assert not problem
    return columns[0].name, columns[0].factor


def refusal(header, **options):
    return understood(header, **options)[1]


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (FIRST, "time vcd viability glucose lactate glutamine glutamate titer perfusion_rate bleed_rate"),
        (SECOND, "time vcd viability glucose glutamine glutamate lactate ammonium pyruvate titer"),
    ],
)
def test_the_two_headers_that_people_use(header, names):
    columns, problem = understood(header)
    assert not problem
    assert [c.name for c in columns] == names.split()
    assert all(c.is_bare for c in columns)


def test_no_two_quantities_share_an_alias():
    forms = [(normalised(word), q.name) for q in QUANTITIES.values() for word in {q.name, q.label, *q.aliases}]
    by_form = {}
    for form, name in forms:
        assert by_form.setdefault(form, name) == name, f"{form!r} is an alias of two quantities"


@pytest.mark.parametrize(
    "quantity", [q for q in QUANTITIES.values() if q.role != "condition"], ids=lambda q: q.name
)  # what a condition is called says not yet whether it was measured: test_measured_columns.py
def test_every_registered_name_and_header_is_read_back(quantity):
    for word in (quantity.name, quantity.label, quantity.header, quantity.axis_label, quantity.name.upper()):
        assert one(word) == (quantity.name, 1.0), word


@pytest.mark.parametrize(
    ("header", "name", "factor"),
    [
        ("Glucose [mmol/L]", "glucose", 0.18016),
        ("GLC (g/L)", "glucose", 1.0),
        ("glucose g/L", "glucose", 1.0),
        ("glucose_mM", "glucose", 0.18016),
        ("glucose / mmol/L", "glucose", 0.18016),
        ("Glucose (mg/L)", "glucose", 1e-3),
        ("Viable cell density (10^6 cells/mL)", "vcd", 1.0),
        ("VCD [10⁶ cells/mL]", "vcd", 1.0),
        ("VCD [×10⁶ cells/mL]", "vcd", 1.0),
        ("Viable_Cell-Density[cells/mL]", "vcd", 1e-6),
        ("Viability (%)", "viability", 1.0),
        ("viability [-]", "viability", 100.0),
        ("Average diameter (μm)", "diameter", 1.0),
        ("Average diameter (µm)", "diameter", 1.0),
        ("Avg Live Diameter", "diameter", 1.0),
        ("NH4+ [mg/L]", "ammonium", 1 / 18.04),
        ("Lac [g/L]", "lactate", 1e3 / 90.08),
        ("IgG (g/L)", "titer", 1e3),
        ("Perfusion rate (VVD)", "perfusion_rate", 1.0),
        ("perfusion [d⁻¹]", "perfusion_rate", 1.0),
        ("perfusion_rate [1/h]", "perfusion_rate", 24.0),
        ("Temperature SP [°C]", "temperature", 1.0),
        ("Glc setpoint [mmol/L]", "glucose_setpoint", 0.18016),
        ("Stir speed setpoint (rpm)", "agitation", 1.0),
        ("Glucose\n(g/L)", "glucose", 1.0),
        ("  glucose  ", "glucose", 1.0),
        ("ＶＣＤ", "vcd", 1.0),
    ],
)
def test_names_and_units(header, name, factor):
    found, by = one(header)
    assert found == name
    assert by == pytest.approx(factor, rel=1e-4)


@pytest.mark.parametrize(
    ("header", "hours"),
    [
        ("day", 24), ("Days", 24), ("culture day", 24), ("time", 1), ("time_h", 1), ("time [h]", 1), ("Time[day]", 24),
        ("time (d)", 24), ("hours", 1), ("Culture duration [h]", 1), ("Culture time (days)", 24), ("T [h]", 1),
    ],
)  # fmt: skip
def test_times(header, hours):
    columns, problem = understood([header])
    assert not problem
    assert (columns[0].role, columns[0].factor) == (Role.TIME, hours)


@pytest.mark.parametrize("header", ["Glu", "GLU", "Glu [mmol/L]", "T", "G", "L", "V", "P", "D", "T [x]", "G [g/L]"])
def test_what_can_mean_several_things_is_asked(header):
    said = refusal(["day", "VCD", header])
    assert "can mean several things" in said
    assert "columns={" in said


@pytest.mark.parametrize(
    ("header", "is_glutamate"),
    [
        ("Glc,Gln,Glu", True), ("glucose,glutamine,Glu", True), ("Gluc,Gln,Glu", True), ("Glu,Glucose [mM],GLN", True),
        ("Glu", False), ("Glc,Glu", False), ("Gln,Glu", False),
    ],
)  # fmt: skip
def test_glu_is_glutamate_only_beside_glucose_and_glutamine(header, is_glutamate):
    columns, problem = understood("day,VCD," + header)
    assert ("glutamate" in {c.name for c in columns}) is is_glutamate
    assert ("'Glu' can mean several things: is it glucose or glutamate?" in problem) is not is_glutamate


def test_glu_beside_glucose_and_glutamate_is_neither():
    assert "'Glu' can mean several things" in refusal("day,VCD,glucose,glutamate,Glu")


@pytest.mark.parametrize(
    ("header", "name"), [("P [1/day]", "perfusion_rate"), ("V [%]", "viability"), ("D [1/day]", "perfusion_rate")]
)
def test_a_unit_settles_some_letters(header, name):
    assert one(header)[0] == name


def test_an_unknown_column_gets_the_three_part_message():
    said = refusal("day,VCD,Glucos")
    assert said.startswith(
        "run01.csv, line 1: column 'Glucos' is not a quantity perfusio knows. Did you mean 'glucose'?\n  Known: day, "
    )
    assert said.endswith("--column 'Glucos=NAME [unit]'")
    assert all(name in said for name in SETPOINTS)


def test_many_unknown_columns_are_one_question():
    said = refusal("day,VCD,pH,DO,Amonium,OSMO")
    assert said.count("Known:") == 1
    assert "column 'OSMO' is not a quantity" in said
    assert "column 'Amonium' is not a quantity perfusio knows. Did you mean 'ammonium'?" in said
    assert 'ignore=["Amonium", "OSMO"]' in said


@pytest.mark.parametrize("header", ["Total Density", "Dead cells", "Feed", "pH", "Volume", "OUR", "Osmolality"])
def test_no_suggestion_leads_to_the_wrong_quantity(header):
    assert "Did you mean" not in refusal(["day", "VCD", header])


def test_ignored_and_empty_headers_are_not_read():
    columns, problem = understood("day,VCD,pH,", ignore=["PH"])
    assert not problem
    assert len(columns) == 2


def test_a_misspelt_option_does_not_vanish():
    said = refusal("day,VCD,pH", ignore=["pH", "DOO"], columns={"vcdd": "vcd"})
    assert "no column 'DOO'" in said
    assert "no column 'vcdd'" in said
    assert "Did you mean 'VCD'?" in said


def test_the_user_may_say_what_a_header_means():
    columns, problem = understood("day,OD,Glu", columns={"Glu": "glutamate", "OD": "vcd [cells/mL]"})
    assert not problem
    assert [(c.name, c.factor, c.is_bare) for c in columns[1:]] == [("vcd", 1e-6, False), ("glutamate", 1.0, True)]
    with pytest.raises(ConfigError, match="Did you mean 'glucose'"):
        understood("day,X", columns={"X": "glucoze"})


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("glucose [furlong]", "'furlong', which is no unit of glucose. Expected one of: g/L, mg/L, mmol/L, "),
        ("Temperature [K]", "'K', which is no unit of temperature. Expected one of: °C."),
        ("VCD [%]", "'%', which is no unit of vcd"),
        ("VCD (offline)", "Expected one of: 1e6 cells/mL, cells/mL. Mend"),
    ],
)
def test_a_wrong_unit_is_named(header, words):
    assert words in refusal(["day", header])


def test_duplicates_are_named_with_their_places():
    said = refusal("day,VCD,Glc,glucose")
    assert "'Glc' (column 3) and 'glucose' (column 4) all give glucose" in said
    assert "delete one of them" in refusal("day,VCD,VCD").lower()


def test_runs_vessels_and_clones_are_texts():
    columns, problem = understood("Exp,Reactor ID,Cell line,day,VCD")
    assert not problem
    assert [(c.role, c.name) for c in columns[:3]] == [(Role.TEXT, n) for n in ("run", "reactor", "clone")]


@pytest.mark.parametrize(
    ("row", "is_units"),
    [
        ("d,1e6/mL,%,g/L", True), ("[d],[1e6/mL],[%],[g/L]", True), (",1e6 cells/mL,,", True), ("0,1,97,5", False),
        ("d,1e6/mL,%,furlong", False), ("-,-,-,-", False), ("0,n.d.,-,-", False), (",,,", False),
    ],
)  # fmt: skip
def test_a_row_of_units_below_the_header(row, is_units):
    columns, _ = understood("day,VCD,Via,Glc")
    assert is_units_row(columns, row.split(",")) is is_units


def test_units_below_the_header_are_used_and_must_agree():
    columns, problem = understood("time,VCD,V", units=["d", "cells/mL", "%"])
    assert not problem
    assert [(c.name, c.factor) for c in columns] == [("time", 24), ("vcd", 1e-6), ("viability", 1)]
    assert "row below says 'mM'" in refusal("day,glucose [g/L]", units=["d", "mM"])
