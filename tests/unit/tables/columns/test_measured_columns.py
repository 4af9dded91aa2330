"""What a vessel had and what it was asked are two things: which of them a column is, and when it is asked."""

import pytest

from perfusio.errors import UnreadableSource
from perfusio.process import CHO_PERFUSION, Setpoint, Species
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.exporting import write_table
from perfusio.tables.read_any import read_any
from perfusio.tables.table import parse_table

PANEL = CHO_PERFUSION.without("pyruvate", "pyruvate_feed").with_(
    Species("asparagine", unit="mmol/L", role="solute", molar_mass=132.12, aliases=("Asn",)),
    Setpoint("ph", unit="pH", role="condition", low=6.0, high=8.0),
    Setpoint("dissolved_oxygen", unit="%", role="condition", low=0, high=100, aliases=("DO", "pO2")),
)


def read(text, panel=PANEL, **options):
    return parse_table(text.encode(), "my.csv", ReadOptions(panel=panel, **options))


def columns(header, panel=PANEL, **options):
    cells = ["37" if "emp" in name else "7" for name in header.split(",")]
    return list(read(f"{header}\n{','.join(cells)}\n", panel, **options).columns.values())[2:]


@pytest.mark.parametrize(
    ("header", "meaning"),
    [
        ("pH", "ph_measured [pH]"), ("pH [pH]", "ph_measured [pH]"), ("pH (-)", "ph_measured [-]"),
        ("DO [%]", "dissolved_oxygen_measured [%]"), ("pO2", "dissolved_oxygen_measured [%]"),
        ("pH SP", "ph [pH]"), ("pH_set", "ph [pH]"), ("set pH", "ph [pH]"), ("pH setpoint [pH]", "ph [pH]"),
        ("pH target", "ph [pH]"), ("pH Soll", "ph [pH]"), ("pH actual", "ph_measured [pH]"),
        ("pH PV", "ph_measured [pH]"), ("ph_measured [pH]", "ph_measured [pH]"), ("ph [pH]", "ph [pH]"),
    ],
)  # fmt: skip
def test_a_bare_name_is_what_the_vessel_had_unless_it_says_setpoint(header, meaning):
    assert columns(f"day,VCD,{header}") == [meaning]


def test_a_setpoint_that_is_only_named_as_such_has_a_bare_name_too():
    oxygen = Setpoint("dissolved_oxygen", unit="%", role="condition", low=0, high=100, aliases=("DO setpoint",))
    panel = CHO_PERFUSION.with_(oxygen)
    assert columns("day,VCD,DO [%]", panel) == ["dissolved_oxygen_measured [%]"]
    assert columns("day,VCD,DO setpoint", panel) == columns("day,VCD,DO SP", panel) == ["dissolved_oxygen [%]"]


def test_both_may_stand_in_one_sheet():
    row = read("day,VCD,pH,pH SP\n0,1,7.04,7.0\n").rows[0]
    assert (row.state.ph_measured, row.setpoints.ph) == (7.04, 7.0)


def test_names_as_perfusio_writes_them_are_setpoints_beside_other_setpoints():
    assert columns("day,VCD,perfusion_rate,ph,temperature")[1:] == ["ph [pH]", "temperature [°C]"]


@pytest.mark.parametrize(
    ("header", "name"),
    [("day,VCD,perfusion_rate,pH", "ph"), ("day,VCD,Bleed [1/day],pH", "ph"), ("day,VCD,ph", "ph"),
     ("day,VCD,perfusion_rate,Temperature", "temperature")],
)  # fmt: skip
def test_where_either_can_be_meant_it_is_asked(header, name):
    asked = header.split(",")[-1]
    text = f"{header}\n0,1{',7' * (header.count(',') - 2)},{37 if name == 'temperature' else 7}\n"
    with pytest.raises(UnreadableSource, match=f"'{asked}' can be the measured value or the setpoint: is it "
                                               f"{name}_measured or {name}\\?") as refused:  # fmt: skip
        read(text)
    assert f'columns={{"{asked}": "{name}"}}' in str(refused.value)
    assert read(text, columns={asked: name}).columns[asked] == f"{name} [{PANEL[name].unit}]"


def test_the_answer_measured_is_understood_too():
    table = read("day,VCD,perfusion_rate,pH\n0,1,1,7.1\n", columns={"pH": "ph_measured"})
    assert table.rows[0].state.ph_measured == 7.1


def test_what_no_twin_takes_is_left_unread_and_said():
    table = read("day,VCD,Temperature\n0,1,36.5\n", CHO_PERFUSION)
    assert table.rows[0].setpoints.temperature != table.rows[0].setpoints.temperature
    (said,) = [w for w in table.warnings if "Temperature" in w]
    assert "the measured value, not the setpoint" in said
    assert 'columns={"Temperature": "temperature"}' in said
    assert [(r.header, r.meaning) for r in table.reads][-1] == ("Temperature", "")


def test_a_table_of_a_panel_is_read_as_it_was_written(tmp_path):
    table = read(
        "run,day,VCD,Glc,Asn,pH,pH SP,perfusion_rate,temperature\n"
        "a,0,1,5,6.5,7.02,7.0,1,36.5\na,1,2,4,5.5,6.98,7.0,1,36.5\n"
    )
    for layout in ("wide", "long"):
        write_table(tmp_path / f"{layout}.csv", table, layout=layout)
        again = read_any(tmp_path / f"{layout}.csv", ReadOptions(panel=PANEL))
        assert [_known(row) for row in again.rows] == [_known(row) for row in table.rows]


def _known(row):
    return row.state.measured(), {name: v for name, v in row.setpoints.by_name().items() if v == v}


def test_what_the_panel_lacks_is_asked_about_as_any_stranger():
    with pytest.raises(UnreadableSource, match="'pyruvate' is not a quantity"):
        read("day,VCD,pyruvate\n0,1,1\n")
    assert not [w for w in read("day,VCD,Via,Glc\n0,1,97,5\n").warnings if "pyruvate" in w]


def test_an_analyzer_gives_what_the_process_declares_beside_what_its_profile_names():
    flex = "Date & Time,Vessel ID,Gln,Glu,Gluc,Lac,NH4+,pH,Asn,Osm\n2031-03-02 09:00,R1,4,1,5,1,0.5,7.1,6.6,300\n"
    table = read(flex, is_part=True)
    assert table.profile == "Nova FLEX2"
    assert (table.rows[0].state.ph_measured, table.rows[0].state.asparagine) == (7.1, 6.6)
    assert "pH" not in read(flex, CHO_PERFUSION, is_part=True).columns


def test_codes_of_an_analyzer_follow_the_panel():
    rows = "40\t2031-03-02 09:00:00\tR1\t\tSAM\t        \t{}\t        \tmmol/L\t \t  {}\t  0.04\tR\n"
    text = rows.format("ASN2H", 6.5) + rows.format("GLU2B", 1.5) + rows.format("PYR", 0.5) + rows.format("LAC2D", 9)
    table = read(text, is_part=True)
    assert (table.rows[0].state.asparagine, table.rows[0].state.glutamate) == (6.5, 1.5)
    assert any("PYR" in w for w in table.warnings)
    assert read(text.replace("ASN2H", "XYZ"), CHO_PERFUSION, is_part=True).rows[0].state.pyruvate == 0.5


def test_tags_of_a_historian_say_which_of_the_two_they_are():
    line = "2031-03-02 09:00,{},{}\n"
    text = "timestamp,tag,value\n" + line.format("R1/VCD", 3) + line.format("R1/pH", 7.05) + line.format("R1/pH_SP", 7)
    row = read(text).rows[0]
    assert (row.state.ph_measured, row.setpoints.ph) == (7.05, 7.0)


def test_a_ph_without_a_unit_is_one_with_a_unit_too():
    panel = CHO_PERFUSION.with_(Setpoint("ph", unit="-", role="condition", low=6, high=8))
    assert columns("day,VCD,pH [pH]", panel) == ["ph_measured [pH]"]
    assert columns("day,VCD,pH (-),pH SP", panel) == ["ph_measured [-]", "ph [-]"]
