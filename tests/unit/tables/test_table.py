"""A corpus of good, odd and bad files: each with its verdict and the words that its message must hold."""

import codecs
import contextlib
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfusio.errors import QuestionOpen, UnreadableSource
from perfusio.events import state_to_json
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.table import parse_table, read_table

HEAD = "day,VCD,Via,Glc\n"
GOOD = HEAD + "0,0.5,97.5,5\n1,1.1,98,4.6\n2,2.4,97,4.1\n"


def read(content, **options):
    data = content.encode() if isinstance(content, str) else content
    return parse_table(data, "my.csv", ReadOptions(**options))


def column(table, name):
    return [getattr(row.state, name) for row in table.rows]


# -- refused: name, content, words of the message ----------------------------------------------------------------------

REFUSED = [
    ("empty", "", "is empty|right file"),
    ("blank", "\n\n  \n", "is empty"),
    ("header only", HEAD, "has a header but no samples"),
    ("no header", "0,1,97,5\n1,2,97,5\n", "no header|line 1"),
    ("one column", "day\n1\n", "single cell|separated by comma, semicolon or tab"),
    ("prose", "Dear colleague\nplease find the data attached\n", "single cell"),
    ("xlsx", b"PK\x03\x04rest", "Excel workbook (.xlsx)|Save As > CSV UTF-8"),
    ("xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel workbook (.xls)"),
    ("parquet", b"PAR1\x00\x00", "Parquet"),
    ("pdf", b"%PDF-1.7\n", "PDF"),
    ("gzip", b"\x1f\x8b\x08\x00", "gzip"),
    ("web page", "<!DOCTYPE html>\n<html><body>Sign in</body></html>", "web page"),
    ("xml workbook", '<?xml version="1.0"?>\n<Workbook/>', "XML"),
    ("binary", b"\x00\x01\x02\xff" * 20, "byte 0 is zero"),
    ("utf-16 without mark", GOOD.encode("utf-16-le"), "zero|UTF-8"),
    ("unknown code page", "day,VCD,Via,Größe\n".encode("cp1252"), "line 1|0xf6|'ö'|it is 'Größe': --encoding cp1252"),
    ("code page in a row", ("day,VCD,clone\n0,1,Zürich\n").encode("cp1252"), "line 2|0xfc|CSV UTF-8"),
    ("damaged utf-16", codecs.BOM_UTF16_LE + GOOD.encode("utf-16-le")[:-1], "is not utf-16"),
    ("stray quote", 'day,VCD\n0,"1\n1,2\n', "quotes do not close|line 2"),
    ("text after quote", 'day,VCD\n0,"1"2\n', "quotes do not close"),
    ("two separators", "day;VCD,Via\n0;1,97\n", "comma|semicolon|cut it into columns"),
    ("title above", "Run 5,,,\n" + GOOD, "'Run 5' is no header; line 2 looks like one|Delete line 1"),
    ("title lines above", "Run 5\nCloneX\n\n" + GOOD, "line 4 looks like one|lines 1 to 3"),
    ("header twice", HEAD + GOOD, "line 2: repeats the header"),
    ("two runs joined", GOOD + GOOD, "line 5: repeats the header|column 'run'|line 6|rise"),
    ("unknown column", "day,VCD,Glucos\n0,1,5\n", "'Glucos' is not a quantity|Did you mean 'glucose'|ignore="),
    ("dates that can be two", "Date,VCD,Via\n01/02/2026,1,97\n", "'01/02/2026' can be 1 Feb or 2 Jan|date_order="),
    ("no date", "Date,VCD,Via\nMonday,1,97\n", "'Monday' is no date with time|2024-05-31 16:30"),
    ("dates as days", "day,VCD\n2026-02-01,1\n", "looks like a date|culture age"),
    ("clock times", "time,VCD\n09:30,1\n", "hours and minutes"),
    ("no time", "VCD,Via\n1,97\n", "no column gives the time|'day' or 'time [h]'"),
    ("no cells", "day,Via,Glc\n0,97,5\n", "no column gives the viable cell density"),
    ("glu alone", "day,VCD,Glu\n0,1,5\n", "is it glucose or glutamate?|columns={"),
    ("letter", "day,VCD,T\n0,1,37\n", "'T' can mean several things|temperature"),
    ("duplicate header", "day,VCD,VCD\n0,1,1\n", "all give vcd"),
    ("duplicate quantity", "day,VCD,Xv\n0,1,1\n", "'VCD' (column 2) and 'Xv' (column 3)"),
    ("wrong unit", "day,VCD [kg]\n0,1\n", "'kg', which is no unit of vcd"),
    ("data without header", "day,VCD,\n0,1,5\n", "column 3 has values but no name"),
    ("too few fields", HEAD + "0,1,97,5\n1,2\n", "line 3: has 2 values, expected 4"),
    ("too many fields", HEAD + "0,1,97,5,9\n", "line 2: has 5 values, expected 4"),
    ("decimal commas in commas", HEAD + "0,0,5,97,1,5,2\n", "7 values|decimal commas|';'"),
    ("torn last row", HEAD + "0,1,97,5\n1,2,9", "line 3: has 3 values|middle of this row"),
    ("no line break at the end", GOOD[:-2], "line 4: is the last one and has no line break, so '4.'|press Enter"),
    ("text", HEAD + "0,high,97,5\n", "line 2, column 'VCD': 'high' is not a number|n.d."),
    ("formula error", HEAD + "0,#VALUE!,97,5\n", "'#VALUE!' is an error value of a spreadsheet"),
    ("underscore", HEAD + "0,1_0,97,5\n", "'1_0' has digits in groups"),
    ("blank inside", HEAD + "0,1 0,97,5\n", "'1 0' has digits in groups"),
    ("swiss thousands", HEAD + "0,1'250,97,5\n", "digits in groups"),
    ("quoted thousands", 'day,VCD,titer\n0,1,"1,250.5"\n', "digits in groups"),
    ("quoted decimal comma", 'day,VCD,Glc\n0,1,"3,5"\n', "has a comma|';' or a tab"),
    ("full width digits", HEAD + "0,１２,97,5\n", "plain digits 0 to 9"),
    ("infinity", HEAD + "0,inf,97,5\n", "not a measured number|>150"),
    ("a word for a time", GOOD + ",,,\nlater,1,97,4\n", "'later' is no time. Every row is one sample"),
    ("note below", GOOD + "checked by J.\n", "line 5: has 1 value, expected 4 as in the header. Complete the row, or"),
    ("no known time", "Tag,VCD,Via\n0,1,97\n", "'Tag' is not a quantity|no column gives the time"),
    ("beyond floating point", HEAD + "0,1e999,97,5\n", "'1e999' is beyond every measurable value"),
    ("two years", HEAD + "0,1,97,5\n800,1,97,5\n", "more than 366 days"),
    ("unit in cell", HEAD + "0,1,97,5 g/L\n", "'5 g/L' is not a number"),
    ("two points", HEAD + "0,1.2.3,97,5\n", "'1.2.3'"),
    ("hex", HEAD + "0,0x10,97,5\n", "'0x10' is not a number"),
    ("negative", HEAD + "0,1,97,-0.2\n", "'-0.2' is negative|'<0.1'"),
    ("viability above 100", HEAD + "0,1,101,5\n", "'101' is not possible, expected 0 to 100 %"),
    ("fraction above 1", HEAD + "0,1,0.97,5\n1,1,1.02,5\n", "column 'Via': '1.02' is not possible"),
    ("impossible temperature", "day,VCD,temp sp\n0,1,310.15\n", "'310.15' is not possible, expected 15 to 45 °C"),
    ("day below zero", HEAD + "-1,1,97,5\n0,1,97,5\n", "'-1' is before the start|Remove the rows"),
    ("no day", HEAD + "0,1,97,5\n,1,97,5\n", "line 3, column 'day': '' is no time"),
    ("day not detected", HEAD + "<1,1,97,5\n", "'<1' is a limit"),
    ("setpoint limit", "day,VCD,bleed\n0,1,<0.1\n", "'<0.1' is a limit|it is set"),
    ("unsorted", HEAD + "0,1,97,5\n2,1,97,5\n1,1,97,5\n", "line 4, column 'day': '1' comes after '2' in line 3"),
    ("two values for a time", HEAD + "0,1,97,5\n0,1,97,4\n", "line 3: states glucose = 4 g/L at 0 h, but line 2"),
    ("days called hours", "time,VCD\n0,1\n1,2\n2,3\n", "samples are 1 apart: hours, or days|'time [day]'"),
    ("hours called days", "day,VCD\n0,1\n24,2\n48,3\n", "samples are 24 apart: days, or hours"),
    ("one sample at time 3", "time,VCD\n3,1\n", "hours, or days"),
    ("two times", "day,time [h],VCD\n0,0,1\n1,20,2\n", "give two times, 20 h and 24 h"),
    ("glucose in mmol/L", HEAD + "0,1,97,27\n1,2,97,22\n", "far above what cultures have; read as mmol/L"),
    ("glucose in mg/L", HEAD + "0,1,97,4500\n",
     "--column 'Glc=glucose [mg/L]'|--column 'Glc=glucose [g/L]'"),
    ("cells/mL", HEAD + "0,500000,97,5\n1,1.1e6,97,5\n", "read as cells/mL it is 0.5 x 1e6 cells/mL"),
    ("titer in g/L", "day,VCD,titer\n0,1,0\n1,5,.1\n2,9,.2\n3,20,.5\n",
     "'.5' is, as mg/L, very little|'titer=titer [g/L]'"),
    ("perfusion per hour", "day,VCD,perfusion\n0,1,0.04\n", "read as 1/h it is 0.96 1/day"),
    ("diameter in nm", "day,VCD,diameter\n0,1,17000\n", "read as nm it is 17 um"),
    ("fractions and per cent", "day,VCD,Via\n0,1,98.4\n1,1,.97\n2,1,.96\n", "line 3|'.97'|line 2 has '98.4'"),
    ("thousands or decimals", "day;VCD;titer\n0;1,500;1,250\n", "1.500 or 1500|decimal="),
    ("point thousands", "day;VCD;titer\n0;1.500;1.250\n", "1.500 or 1500|decimal="),
    ("both marks", "day;VCD;Via\n0;1.5;97\n1;2,5;97\n2;3,5;97\n", "'1.5' has a decimal point|decimal commas"),
    ("no run", "run,day,VCD\nA,0,1\n,1,2\n", "line 3, column 'run': '' is empty"),
    ("two clones", "clone,day,VCD\nX,0,1\nY,1,2\n", "line 3: the clone is 'Y'|'X'"),
]


@pytest.mark.parametrize(("name", "content", "words"), REFUSED, ids=[r[0] for r in REFUSED])
def test_refused_with_file_place_rule_and_remedy(name, content, words):
    with pytest.raises(UnreadableSource) as refused:
        read(content)
    said = str(refused.value)
    for word in words.split("|"):
        assert word in said, said
    assert "my.csv" in said
    assert all(p[0] != " " and (p.rstrip()[-1] in ".?)" or "Which is it?" in p) for p in refused.value.problems), said
    assert refused.value.exit_code == (2 if isinstance(refused.value, QuestionOpen) else 3)


def test_all_problems_of_a_file_are_reported_together():
    rows = "0,1,97,27\n1,-2,101,25\n2,x\n3,y,97,24\n4,-4,97,24\n"
    with pytest.raises(UnreadableSource) as refused:
        read("day,VCD,Via,Glc,Glucos\n" + rows.replace("\n", ",1\n"))
    said = "\n".join(refused.value.problems)
    for word in ("'Glucos'", "line 4: has 3 values", "'y' is not a number", "'-2' is negative", "'101'", "mmol/L"):
        assert word in said, said
    assert "The same in line 6." in said, "one rule broken twice is one sentence"


# -- accepted: name, content, quantity, its values ---------------------------------------------------------------------

NAN = math.nan
ACCEPTED = [
    ("plain", GOOD, "glucose", [5, 4.6, 4.1]),
    ("windows line ends", GOOD.replace("\n", "\r\n"), "glucose", [5, 4.6, 4.1]),
    ("old mac line ends", GOOD.replace("\n", "\r"), "glucose", [5, 4.6, 4.1]),
    ("utf-8 mark", codecs.BOM_UTF8 + GOOD.encode(), "glucose", [5, 4.6, 4.1]),
    ("utf-16 le", codecs.BOM_UTF16_LE + GOOD.encode("utf-16-le"), "glucose", [5, 4.6, 4.1]),
    ("utf-16 be", codecs.BOM_UTF16_BE + GOOD.encode("utf-16-be"), "glucose", [5, 4.6, 4.1]),
    ("cp1252 micro", "day,VCD,diameter (µm)\n0,1,17\n".encode("cp1252"), "diameter", [17]),
    ("cp1252 degree", "day,VCD,temp [°C]\n0,1,37\n".encode("cp1252"), "vcd", [1]),
    ("semicolons", GOOD.replace(",", ";"), "glucose", [5, 4.6, 4.1]),
    ("tabs", GOOD.replace(",", "\t"), "glucose", [5, 4.6, 4.1]),
    ("german", GOOD.replace(",", ";").replace(".", ","), "glucose", [5, 4.6, 4.1]),
    ("german tabs", GOOD.replace(",", "\t").replace(".", ","), "vcd", [0.5, 1.1, 2.4]),
    ("excel separator line", "sep=;\n" + GOOD.replace(",", ";"), "vcd", [0.5, 1.1, 2.4]),
    ("comma in a header", "day;VCD;glucose, g/L\n0;0,4;4,5\n1;0,8;4,2\n", "glucose", [4.5, 4.2]),
    ("quoted", '"day","VCD"\n"0","1.5"\n', "vcd", [1.5]),
    ("header over two lines", '"day","Glucose\n(g/L)","VCD"\n0,5,1\n', "glucose", [5]),
    ("blank rows", "\n" + HEAD + "0,1,97,5\n,,,\n\n1,2,97,4\n", "glucose", [5, 4]),
    ("trailing commas", "day,VCD,\n0,1,\n1,2,\n", "vcd", [1, 2]),
    ("trailing commas in rows only", "day,VCD\n0,1,\n1,2,\n", "vcd", [1, 2]),
    ("blanks around", "day , VCD\n 0 , 1.5 \n", "vcd", [1.5]),
    ("exponents", "day,VCD [cells/mL]\n0,5e5\n1,1.25E+06\n", "vcd", [0.5, 1.25]),
    ("missing", "day,VCD,Glc\n0,1,\n1,1,n.d.\n2,1,-\n3,1,NA\n4,1,NaN\n5,1,N/A\n6,1,3\n", "glucose", [NAN] * 6 + [3]),
    ("limit below", HEAD + "0,1,97,<0.1\n1,2,97,3\n", "glucose", [0.1, 3]),
    ("limit above", "day,VCD,Lac\n0,1,>150\n", "lactate", [150]),
    ("limit in another unit", "day,VCD,Glc [mmol/L]\n0,1,< 0.5\n", "glucose", [0.09008]),
    ("fractions", "day,VCD,Via\n0,1,0.97\n1,1,1\n2,1,0.5\n", "viability", [97, 100, 50]),
    ("declared fractions", "day,VCD,viability [fraction]\n0,1,0.97\n", "viability", [97]),
    ("percent signs", "day,VCD,Via\n0,1,97.5%\n1,1,1 %\n", "viability", [97.5, 1]),
    ("few viable cells said so", "day,VCD,Via\n0,1,97\n1,1,0.5 %\n", "viability", [97, 0.5]),
    ("a culture that dies", "day,VCD,Via\n0,1,97\n1,1,60\n2,1,20\n3,1,1.2\n", "viability", [97, 60, 20, 1.2]),
    ("lean glucose", HEAD + "0,1,97,0.2\n1,1,97,0.1\n2,1,97,0\n", "glucose", [0.2, 0.1, 0]),
    ("rich glucose", HEAD + "0,1,97,10\n1,1,97,11\n", "glucose", [10, 11]),
    ("glucose in mmol/L said so", "day,VCD,Glc [mM]\n0,1,27.753\n", "glucose", [5]),
    ("much glucose said so", "day,VCD,Glc [g/L]\n0,1,20\n", "glucose", [20]),
    ("titer begins at zero", "day,VCD,titer\n0,.4,0\n1,.8,0.05\n2,1.5,12\n3,3,40\n", "titer", [0, 0.05, 12, 40]),
    ("hardly any product in the first days", "day,VCD,titer\n0,.5,0\n1,1,.1\n2,2,.2\n", "titer", [0, 0.1, 0.2]),
    ("no product said so", "day,VCD,titer [mg/L]\n0,9,.1\n1,9,.1\n2,9,.1\n3,9,.1\n", "titer", [0.1] * 4),
    ("few cells", HEAD + "0,0.2,97,5\n1,0.3,97,5\n", "vcd", [0.2, 0.3]),
    ("no cells", HEAD + "0,0,0,5\n1,0,0,5\n", "vcd", [0, 0]),
    ("many cells", HEAD + "0,150,97,5\n1,200,97,5\n", "vcd", [150, 200]),
    ("no glutamine left", "day,VCD,Gln\n0,1,0.02\n1,1,0\n", "glutamine", [0.02, 0]),
    ("hourly samples", "time [h],VCD\n0,1\n1,1.1\n", "time_h", [0, 1]),
    ("hours without unit", "time,VCD\n0,1\n24,2\n48,3\n", "time_h", [0, 24, 48]),
    ("half days", "day,VCD\n0.0,1\n0.5,2\n1.0,3\n", "time_h", [0, 12, 24]),
    ("late start", "day,VCD\n3,10\n4,12\n", "time_h", [72, 96]),
    ("a week between samples", "day,VCD\n0,1\n7,2\n", "time_h", [0, 168]),
    ("day and hours", "day,time [h],VCD\n0,0,1\n1,24,2\n", "time_h", [0, 24]),
    ("units row", "day,VCD,Via,Glc\nd,1e6/mL,%,mmol/L\n0,1,97,27.753\n", "glucose", [5]),
    ("row numbers of pandas", ",day,VCD\n0,0,1\n1,1,2\n", "vcd", [1, 2]),
    ("equal rows", HEAD + "0,1,97,5\n0,1,97,5\n", "glucose", [5]),
    ("complementary rows", HEAD + "0,1,97,\n0,,,5\n", "glucose", [5]),
    ("runs side by side", "run,day,VCD\nA,0,1\nB,0,2\nA,1,3\nB,1,4\n", "vcd", [1, 2, 3, 4]),
]  # fmt: skip


def test_the_corpus_is_large_enough():
    assert len(REFUSED) + len(ACCEPTED) >= 120


@pytest.mark.parametrize(("name", "content", "quantity", "values"), ACCEPTED, ids=[a[0] for a in ACCEPTED])
def test_accepted_as_meant(name, content, quantity, values):
    assert column(read(content), quantity) == pytest.approx(values, rel=1e-3, abs=1e-12, nan_ok=True)


def test_missing_is_never_zero_and_zero_is_never_missing():
    state = read("day,VCD,Glc,Lac\n0,1,n.d.,0\n").rows[0].state
    assert math.isnan(state.glucose)
    assert math.isnan(state.ammonium)
    assert state.lactate == 0.0


def test_limits_are_flagged_in_the_canonical_unit():
    table = read("day,VCD,Glc [mg/L],Lac\n0,1,<100,>40\n1,2,3000,5\n")
    assert table.rows[0].state.quality == {
        "glucose": "below the detection limit of 0.1",
        "lactate": "above the measuring range of 40",
    }
    assert table.rows[1].state.quality == {}


def test_setpoints_are_read_with_units_and_unknown_ones_are_nan():
    setpoints = read("day,VCD,perfusion_rate [1/h],temperature\n0,1,0.05,36.5\n").rows[0].setpoints
    assert setpoints.perfusion_rate == pytest.approx(1.2)
    assert setpoints.temperature == 36.5
    assert math.isnan(setpoints.bleed_rate)


def test_conversions_and_joins_are_said():
    table = read("day,VCD,Via\n0,1,0.97\n0,1,0.97\n1,2,0.96\n")
    said = "\n".join(table.warnings)
    assert all(w.startswith("my.csv: ") for w in table.warnings)
    assert "taken as fractions and converted to %" in said
    assert "lines 2 and 3 are the same sample (0 h) and were joined" in said
    assert "no column for glucose" in said


def test_columns_and_digest_go_into_the_record():
    table = read("day,VCD,Glc [mM],pH\n0,1,27,7\n", ignore=("pH",))
    assert table.columns == {"day": "time [day]", "VCD": "vcd [1e6 cells/mL]", "Glc [mM]": "glucose [mM]"}
    assert len(table.sha256) == 64


def test_declared_encoding_and_decimal_mark_settle_what_is_open():
    assert read("day;VCD;titer\n0;1,500;1,250\n", decimal=",").rows[0].state.titer == 1.25
    assert read("day;VCD;titer\n0;1.500;1.250\n", decimal=".").rows[0].state.vcd == 1.5
    text = "clone,day,VCD\nZürich,0,1\n"
    assert read(text.encode("cp1252"), encoding="cp1252").clones == {("", ""): "Zürich"}
    with pytest.raises(UnreadableSource, match="not an encoding"):
        read(text, encoding="utf-88")


def test_a_clone_may_stand_in_the_first_row_of_its_run_only():
    table = read("run,clone,day,VCD\nA,X,0,1\nA,,1,2\nB,Y,0,1\n")
    assert table.clones == {("A", ""): "X", ("B", ""): "Y"}
    assert table.groups == (("A", ""), ("B", ""))


GOOD_FILES = {
    "commas": "day,VCD,Via,Glc,clone\n0,0.53,97.5,5.02,X\n1,1.12,98.1,4.61,X\n2,2.44,n.d.,<4.13,X\n",
    "limits last": "day,VCD,Glc\n0,0.53,5.02\n1,1.12,<0.21\n2,2.44,0.17\n",
    "german": "day;VCD;Via;Glc\r\n0;0,53;97,5;5,02\r\n1;1,12;98,1;4,61\r\n2;2,44;;4,13\r\n",
    "tabs and percent": "day\tVCD\tVia\n0\t0.53\t97.51%\n1\t1.12\t98.12%\n",
    "quotes": 'run,day,VCD,clone\nA,0,0.53,"X ""two"" a"\nA,1,1.12,"X ""two"" a"\n',
    "dates last": "VCD,Date\n0.53,2024-05-13 09:00:30\n1.12,2024-05-14 10:30:45\n",
    "empty last": "day,VCD,Glc\n0,0.53,5.02\n1,1.12,\n2,1.5,\n",
    "vessels": "reactor,day,VCD\nR1,0,0.53\nR12,0,1.12\nR1,1,2.44\nR12,1,3.5\n",
    "vessel last": "day,VCD,reactor\n0,0.53,R1\n0,1.12,R12\n1,2.44,R1\n1,3.5,R12\n",
}


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("text", GOOD_FILES.values(), ids=GOOD_FILES)
def test_every_truncation_of_a_good_file_is_refused_or_the_true_prefix(text, codec):
    data, accepted = text.encode(codec), 0
    whole = read(data)
    known = [(row.run, row.reactor, state_to_json(row.state), row.setpoints) for row in whole.rows]
    for n in range(len(data)):
        try:
            table = read(data[:n])
        except UnreadableSource:
            continue
        accepted += 1
        found = [(row.run, row.reactor, state_to_json(row.state), row.setpoints) for row in table.rows]
        assert found == known[: len(found)], data[:n]
        assert table.clones.items() <= whole.clones.items()
    assert accepted >= len(known) - 1


def test_reading_from_disk_names_the_file(tmp_path):
    path = tmp_path / "run07.csv"
    path.write_text(GOOD)
    assert read_table(path).name == "run07.csv"
    path.write_text("day,VCD\n0,x\n")
    with pytest.raises(UnreadableSource, match=r"run07.csv, line 2, column 'VCD': 'x'"):
        read_table(path)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_content_ever_raises_anything_but_a_refusal(content):
    for data in (content, HEAD.encode() + content):
        with contextlib.suppress(UnreadableSource):
            parse_table(data, "my.csv")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 60), min_size=1, max_size=8), st.sampled_from([",", ";", "\t"]), st.booleans())
def test_numbers_survive_every_separator_and_decimal_mark(values, separator, comma):
    def cell(x):
        return repr(x).replace(".", ",") if comma and separator != "," else repr(x)

    lines = [["day", "VCD [1e6/mL]"], *([str(i), cell(v)] for i, v in enumerate(values))]
    text = "".join(separator.join(line) + "\n" for line in lines)
    decimal = "," if comma and separator != "," else "."
    assert column(read(text, decimal=decimal), "vcd") == values


def test_a_finished_file_without_a_last_line_break_is_read_where_it_is_whole_for_sure():
    rows = "day,VCD,note\n0,1.5,a\n1,2.5,b"
    table = parse_table(rows.encode(), "my.csv", ReadOptions(ignore=("note",)))
    assert [row.state.vcd for row in table.rows] == [1.5, 2.5]
    assert any("line 3 is the last one and has no line break" in w for w in table.warnings)
    assert [row.state.glucose for row in read("day,VCD,Glc\n0,1,5.25\n1,2,4.50").rows] == [5.25, 4.5]
    for cut in ("day,VCD,Glc\n0,1,5.25\n1,2,4.5", "day,VCD,Glc\n0,1,50\n1,2,45", "day,VCD,Glc\n0,1,5.2\n1,2,"):
        with pytest.raises(UnreadableSource, match="has no line break"):
            read(cut)


def test_rows_are_made_when_they_are_asked_for_and_are_the_same_then():
    rows = read(GOOD).rows
    assert rows[-1].line == 4
    assert rows[0] is rows[0]
    assert [row.line for row in rows] == [2, 3, 4]
    assert repr(rows[:2]) == repr(tuple(rows)[:2])
    with pytest.raises(IndexError):
        rows[3]


def test_a_header_of_short_names_below_a_title_is_found_and_asked_about_name_by_name():
    sheet = b"Metadata:,,,,,,,\nClone,T,Xv,V,G,L,Gln,Glu\nC1,0,0.5,98.4,5.6,0.25,5.0,0.5\n"
    with pytest.raises(UnreadableSource) as refused:
        parse_table(sheet, "s.csv")
    assert "'Metadata:' is no header; line 2 looks like one" in refused.value.problems[0]
    assert not any("Metadata" in problem for problem in refused.value.problems[1:])
