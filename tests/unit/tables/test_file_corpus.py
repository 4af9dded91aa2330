"""Files of instruments, workbooks and Parquet files, good, odd and bad: each with its verdict.

Somebody's own CSV files have a corpus of their own in `test_tables.py`.
"""

import codecs

import pytest

from perfusio.errors import UnreadableSource
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.read_any import read_any

FLEX = (
    "Date & Time,Sample ID,Sample Type,Gln,Glu,Gluc,Lac,NH4+,Na+,pH,Total Density,Viable Density,Viability,"
    "Avg. Live Diameter,Vessel ID,Batch ID,\n"
)
FLEX_ROW = "2024-05-13 09:10:05,s1,Cell culture,5.9,0.5,5.1,0.3,0.80,140,7.1,0.6,0.52,97.5%,17.2,R01,B7,\n"
FLEX_NEXT = "2024-05-14 09:10:05,s2,Cell culture,5.2,0.7,4.3,0.6,1.20,140,7.1,1.6,1.52,98.5%,17.3,R01,B7,\n"
BLU = "Sample ID,Viable (x10^6) cells/mL,Viability (%),Average diameter (μm),Analysis date/time,Dilution\n"
XR = "Sample ID,Viable cells/ml (x10^6),Viability (%),Avg. diam. (microns),Sample date/time\n"
HIRES = "Date;Reactor identifer;Viable Cell Conc.;Viability\n"


def result(when, sample, code, unit, value, *, kind="SAM", dilution="", flag=""):
    """Return a line as software 6 and 7 of a Cedex Bio HT write it."""
    test = f"{kind}\t{dilution:8}\t{code}\t        \t{unit}\t{flag:1}"
    return f"40\t{when}\t{sample}\t\t{test}\t  {value}\t  0.04\tR\n"


ARCHIVE = "0\t2024-05-20 17:02:11\t#ARC-FILE#\t1.1a\t\t2024-05-20\tCEDEX BIO HT\t700001\t6.0.0.1905 (1905)\tLAB\n"
BIO_HT = (
    ARCHIVE
    + result("2024-05-13 09:30:00", "R01-D00", "GLN2B", "mmol/L", "5.8")
    + result("2024-05-14 09:30:00", "R01-D01", "GLN2B", "mmol/L", "4.8")
)
AMMONIA = result("2024-05-13 09:30:40", "R01-D00", "NH3B", "mmol/L", "0.4")
V5 = "40\t2024-05-13 09:30:00\tGLN2B\t\t\tR01-D00\tSAM\tmmol/L\t< TEST RNG\t< 0.100\t  0.00290\tR\n"
TAGS = "timestamp,tag,numerical_value,batchname,unitname\n"
OWU = "run,timesteps,X:VCD,X:Glc,X:Lac,X:Titer,W:Feed\n"
LONG = "reactor,time [h],quantity,value,unit\n"
VCD, GLC, LAC, T = "vcd", "glucose", "lactate", "time_h"

READ = [
    ("flex2", FLEX + FLEX_ROW + FLEX_NEXT, "glutamate", [0.5, 0.7]),
    ("flex2: Gluc is glucose", FLEX + FLEX_ROW + FLEX_NEXT, GLC, [5.1, 4.3]),
    ("flex2: lactate is in g/L", FLEX + FLEX_ROW, LAC, [3.3304]),
    ("flex2: percent signs", FLEX + FLEX_ROW + FLEX_NEXT, "viability", [97.5, 98.5]),
    ("flex2: hours since the first", FLEX + FLEX_ROW + FLEX_NEXT, T, [0, 24]),
    ("flex2: newest first", FLEX + FLEX_NEXT + FLEX_ROW, T, [0, 24]),
    ("flex2: chemistry only", FLEX + FLEX_ROW.replace("0.6,0.52,97.5%,17.2", ",,,") + FLEX_NEXT, GLC, [5.1, 4.3]),
    ("flex2: units row", FLEX + ",,,mmol/L,mmol/L,g/L,mmol/L,mmol/L,mmol/L,,,,%,um,,,\n" + FLEX_ROW, LAC, [0.3]),
    ("flex2: lines above", "FLEX2 export\nLab 3\n" + FLEX + FLEX_ROW, GLC, [5.1]),
    ("flex2: american clock", FLEX + FLEX_ROW.replace("2024-05-13 09:10:05", "5/13/2024 9:10:05 PM"), VCD, [0.52]),
    ("flex2: below the limit", FLEX + FLEX_ROW.replace("0.80", "<0.20"), "ammonium", [0.2]),
    ("flex2: no vessel column filled", FLEX + FLEX_ROW.replace("R01,B7", ","), VCD, [0.52]),
    ("vi-cell blu", BLU + "R1-D0,0.5,97,17,2024-05-13 10:00,1\nR1-D1,1.5,98,18,2024-05-14 10:00,1\n", VCD, [0.5, 1.5]),
    ("vi-cell blu, other mu", BLU.replace("μ", "µ") + "R1-D0,0.5,97,17,2024-05-13 10:00,1\n", "diameter", [17]),
    ("vi-cell blu, utf-16", codecs.BOM_UTF16_LE + (BLU + "R1,0.5,97,17,13.05.2024 10:00,1\n").encode("utf-16-le"),
     VCD, [0.5]),
    ("vi-cell xr", XR + "R1 day 0,0.5,97,17,13 May 2024 10:00\n", VCD, [0.5]),
    ("vi-cell xr, sic", XR.replace("Sample date", "Sample data") + "R1-D0,0.5,97,17,2024-05-13\n", VCD, [0.5]),
    ("vi-cell xr, spaced", "RunDate,Total viable cells / ml (x 10^6),Viability (%)\n2024-05-13,0.5,97\n", VCD, [0.5]),
    ("cedex hires", HIRES + "13.05.2024 10:00;R1;520000;97,5\n", VCD, [0.52]),
    ("cedex hires, unit in the header", HIRES.replace("Conc.", "Conc. [10^5 cells/mL]") + "13.05.2024;R1;5,2;97\n", VCD,
     [0.52]),
    ("cedex bio ht", BIO_HT, "glutamine", [5.8, 4.8]),
    ("cedex bio ht: two analytes", BIO_HT + AMMONIA, "ammonium", [0.4, None]),
    ("cedex bio ht: other analytes", BIO_HT + AMMONIA.replace("NH3B", "LDH2B"), "glutamine", [5.8, 4.8]),
    ("cedex bio ht: one sample, not two", BIO_HT + AMMONIA, T, [0, 24]),
    ("cedex bio ht: without the archive line", BIO_HT.removeprefix(ARCHIVE), "glutamine", [5.8, 4.8]),
    ("cedex bio ht: padded", BIO_HT.replace("LAB", "LAB\t\t").replace("R\n", "R\t\n"), "glutamine", [5.8, 4.8]),
    ("cedex bio ht: controls", BIO_HT + AMMONIA.replace("SAM", "QC"), "glutamine", [5.8, 4.8]),
    ("cedex bio ht: the later repeat counts", BIO_HT + AMMONIA.replace("NH3B", "GLN2B"), "glutamine", [0.4, 4.8]),
    ("cedex bio ht: a repeat of a named day on the next day", BIO_HT + result("2024-05-15 09:50:00", "R01-D01", "GLN2B",
     "mmol/L", "4.9"), T, [0, 24]),
    ("cedex bio ht: software 5", ARCHIVE.replace("6.0.0", "5.0.0") + V5, "glutamine", [0.1]),
    ("cedex bio ht: a test that changed its unit", BIO_HT.replace("mmol/L", "umol/L", 1).replace("5.8", "5800"),
     "glutamine", [5.8, 4.8]),
    ("cedex bio ht: limit", BIO_HT.replace("5.8", "< 0.2"), "glutamine", [0.2, 4.8]),
    ("datahow: hours", OWU + "1,0,0.5,5,1,10,0\n1,24,1.5,4,2,20,0\n", T, [0, 24]),
    ("datahow: days", OWU + "1,0,0.5,5,1,10,0\n1,1,1.5,4,2,20,0\n", T, [0, 24]),
    ("datahow: glucose", OWU + "1,0,0.5,5,1,10,0\n1,1,1.5,4,2,20,0\n", GLC, [5, 4]),
    ("tags", TAGS + "2024-05-13 09:00,HT1.VCD,3.5,B1,HT1\n2024-05-14 09:00,HT1.VCD,4.5,B1,HT1\n", VCD, [3.5, 4.5]),
    ("tags with units", TAGS + "2024-05-13 09:00,HT1/Glucose (mmol/L),27.753,B1,HT1\n", GLC, [5]),
    ("tags: others unread", TAGS + "2024-05-13,HT1.VCD,3.5,B1,HT1\n2024-05-13,HT1.DO,40,B1,HT1\n", VCD, [3.5]),
    ("long", LONG + "A,0,vcd,1.5,1e6 cells/mL\nA,24,glucose,27.753,mmol/L\n", GLC, [None, 5]),
    ("own dates", "Date,VCD\n31.05.2024,1\n01.06.2024,2\n", T, [0, 24]),
    ("own dates, mdy by one of them", "Date,VCD\n05/30/2024,1\n06/01/2024,2\n", T, [0, 48]),
    ("own dates, dmy by one of them", "Date,VCD\n30/05/2024,1\n01/06/2024,2\n", T, [0, 48]),
    ("own dates backwards", "Date,VCD\n2024-06-01,2\n2024-05-31,1\n", VCD, [1, 2]),
    ("dates beside days", "day,Date,VCD\n3,2024-06-01,2\n4,2024-06-02,3\n", T, [72, 96]),
    ("dates with time zone", "Date,VCD\n2024-06-01T10:00:00+02:00,2\n2024-06-01T20:00:00Z,3\n", T, [0, 12]),
    ("a date beside a clock time", "Date,Time,VCD\n2024-06-01,09:00,1\n2024-06-02,10:30,2\n", T, [0, 25.5]),
    ("sample date beside sample time", "Sample date,Sample time,VCD\n01.06.2024,9:00 PM,1\n02.06.2024,9:00 AM,2\n", T,
     [0, 12]),
    ("two pairs of date and clock", "Sample date,Sample time,Analysis date,Analysis time,VCD\n"
     "2024-06-01,09:00,2024-06-02,12:00,1\n2024-06-02,10:30,2024-06-02,12:05,2\n", T, [0, 25.5]),
    ("drawn before measured", "Sample date,Analysis date,VCD\n2024-06-01 09:00,2024-06-04 09:00,1\n"
     "2024-06-02 09:00,2024-06-04 09:05,2\n", T, [0, 24]),
    ("elapsed hours and minutes", "Elapsed time,VCD\n0:00,1\n23:30,2\n", T, [0, 23.5]),
    ("elapsed beyond a day", "Time,VCD\n00:00,1\n24:30,2\n", T, [0, 24.5]),
    ("elapsed with a unit", "Culture time [hh:mm],VCD\n0:00,1\n9:15,2\n", T, [0, 9.25]),
    ("elapsed, decimal commas", "Culture time [hh:mm];VCD\n0:00;1,25\n9:15;2,5\n", T, [0, 9.25]),
    ("elapsed, units below", "Time,VCD\nhh:mm,1e6 cells/mL\n0:00,1\n9:15,2\n", T, [0, 9.25]),
    ("days named in samples that start late", "Sample ID,Date,VCD\nR1-D3,2024-06-04 09:00,1\n"
     "R1-D5,2024-06-06 09:00,2\n", T, [72, 120]),
    ("a date of inoculation", "Date,inoculated,VCD\n2024-06-04 09:00,2024-06-01 09:00,1\n2024-06-05 09:00,,2\n", T,
     [72, 96]),
    ("month names", "Date,VCD\n1-Jun-2024 10:00,1\n2-Jun-2024 22:00,2\n", T, [0, 36]),
    ("groups above names", ",Cells,,Metabolites,\nday,VCD,Via,Glc,Lac\n0,1,97,5,2\n", LAC, [2]),
    ("groups above, time above", "Day,Cells,,Metabolites,\n,VCD,Via,Glc,Lac\n0,1,97,5,2\n", LAC, [2]),
    ("feeds", "day,VCD,feed_fraction,feed_glucose\n0,1,0.02,400\n1,2,,\n", VCD, [1, 2]),
    ("remarks of an export", 'day,VCD,quality\n0,1,"{""vcd"": ""counted twice""}"\n', VCD, [1]),
]  # fmt: skip

REFUSED = [
    ("flex2: no date", FLEX + FLEX_NEXT + FLEX_ROW.replace("2024-05-13 09:10:05", ""), "'' is no time|Fill it in"),
    ("flex2: date in doubt", FLEX + FLEX_ROW.replace("2024-05-13", "5/6/2024"), "5 Jun or 6 May|date_order"),
    ("flex2: some without vessel", FLEX + FLEX_ROW + FLEX_NEXT.replace("R01", ""), "line 3|'Vessel ID'|is empty"),
    ("flex2: negative", FLEX + FLEX_ROW.replace(",5.1,", ",-5.1,"), "'-5.1' is negative"),
    ("flex2: impossible viability", FLEX + FLEX_ROW.replace("97.5%", "197.5%"), "'197.5%' is not possible"),
    ("flex2: text in a value", FLEX + FLEX_ROW.replace(",5.1,", ",ERR,"), "'ERR' is not a number"),
    ("flex2: torn", FLEX + FLEX_ROW + FLEX_NEXT[:40], "line 3|expected 17|middle of this row"),
    ("flex2: two runs of one time", FLEX + FLEX_ROW + FLEX_ROW.replace("5.1", "4.4"), "line 3: states glucose"),
    ("blu: names that say nothing", BLU + "abc,1,97,17,2024-05-13,1\nxyz,1,97,17,2024-05-14,1\n",
     "which vessel is each sample from|--reactor R01|--vessel-pattern '(?P<reactor>.+)'"),
    ("xr: a number that can be the day or the vessel", XR + "R1_0,0.5,97,17,2024-05-13\n",
     "vessel R1, day 0|--vessel-pattern"),
    ("hires: decimal points too", HIRES + "13.05.2024;R1;520000.5;97,5\n14.05.2024;R1;1e6;98,5\n",
     "decimal point|decimal commas"),
    ("bio ht: other software", BIO_HT.replace("6.0.0", "5.0.0"), "do not fit its software 5.0.0"),
    ("bio ht: a unit of something else", BIO_HT.replace("mmol/L", "U/L"), "line 2: GLN2B is in 'U/L'"),
    ("bio ht: torn", BIO_HT + "40\t2024-05-15 09:30\tR01-D02\tGLN2B\n", "line 4: has 4 values"),
    ("tags: torn", TAGS + "2024-05-13 09:00,HT1.VCD\n", "has 2 values, expected 5"),
    ("tags: nothing known", TAGS + "2024-05-13 09:00,HT1.DO,40,B1,HT1\n", "has a header but no samples"),
    ("tags: no time stamp", TAGS + "yesterday,HT1.VCD,1,B1,HT1\n", "'yesterday' is no date with time"),
    ("long: unknown quantity", LONG + "A,0,albumin,300,mg/L\n", "'albumin [mg/L]' is not a quantity"),
    ("long: wrong unit", LONG + "A,0,glucose,5,kg\n", "'kg', which is no unit of glucose"),
    ("long: contradiction", LONG + "A,0,vcd,1,\nA,0,vcd,2,\n", "line 3|'2'|earlier line states '1'"),
    ("long: no line break", LONG + "A,0,vcd,1.53,", "line 2: is the last one and has no line break"),
    ("tags: no line break", TAGS + "2024-05-13,HT1.VCD,3.5,B1,HT1", "'HT1' may be cut short"),
    ("flex2: no line break", FLEX + FLEX_ROW.rstrip(",\n"), "expected 17|middle of this row"),
    ("long: torn", LONG + "A,0,vcd\n", "has 3 values, expected 5"),
    ("datahow: feeds", OWU + "1,0,0.5,5,1,10,0\n1,1,1.5,4,2,20,0.1\n", "column 'W:Feed' is not a quantity perfusio"),
    ("datahow: negative", OWU + "1,0,-0.5,5,1,10,0\n", "'-0.5' is negative"),
    ("dates: no such day", "Date,VCD\n31.02.2024,1\n", "'31.02.2024' is no date in the calendar"),
    ("dates: both orders", "Date,VCD\n30/05/2024,1\n05/31/2024,2\n", "'05/31/2024' is no date in the calendar"),
    ("dates: mixed zones", "Date,VCD\n2024-06-01T10:00Z,1\n2024-06-02T10:00,2\n", "time zone and others have none"),
    ("dates: unsorted", "Date,VCD\n2024-06-01,1\n2024-06-03,2\n2024-06-02,3\n", "'2024-06-02' comes after a later one"),
    ("dates: years apart", "Date,VCD\n2021-06-01,1\n2024-06-03,2\n", "more than 366 days after the first"),
    ("dates: two columns", "Date,Sample time,VCD\n2024-06-01,2024-06-01,1\n", "all give timestamp"),
    ("dates: some without an hour", "Date,VCD\n2024-06-01 09:00,1\n2024-06-02,2\n", "line 3|has no time of day"),
    ("clock times without dates", "Time,VCD\n09:00,1\n10:00,2\n", "no column of dates beside it|'Time=time [hh:mm]'"),
    ("dates of two kinds", "Date,Analysis date,VCD\n2024-06-01,2024-06-02,1\n", "all give timestamp|--ignore Date"),
    ("two dates of inoculation", "day,inoculated,VCD\n0,2024-06-01 09:00,1\n1,2024-06-02 09:00,1\n",
     "line 3|another date than 2024-06-01"),
    ("dates: gap", "Date,VCD\n2024-06-01,1\n,2\n", "line 3, column 'Date': '' is no time"),
    ("feeds without volume", "day,VCD,feed_glucose\n0,1,400\n", "none how much|feed_fraction"),
    ("feeds without volume in a row", "day,VCD,feed_fraction,feed_glucose\n0,1,,400\n", "line 2|fraction = nan"),
    ("feeds negative", "day,VCD,feed_fraction\n0,1,-0.1\n", "'-0.1' is negative"),
    ("remarks of somebody", "day,VCD,quality\n0,1,good\n", "'good' is no remark that perfusio wrote|ignore="),
    ("groups with one name twice", ",Before,,After,\nday,VCD,Glc,Glc,Lac\n0,1,5,6,1\n",
     "'Before / Glc'|'After / Glc'|not quantities"),
]  # fmt: skip


def put(folder, content, name="file.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(("name", "content", "quantity", "values"), READ, ids=[r[0] for r in READ])
def test_read_as_meant(tmp_path, name, content, quantity, values):
    table = read_any(put(tmp_path, content), ReadOptions(is_part=True))
    found = [getattr(row.state, quantity) for row in table.rows]
    expected = [float("nan") if v is None else v for v in values]
    assert found == pytest.approx(expected, rel=1e-3, nan_ok=True)


@pytest.mark.parametrize(("name", "content", "words"), REFUSED, ids=[r[0] for r in REFUSED])
def test_refused_with_place_and_remedy(tmp_path, name, content, words):
    with pytest.raises(UnreadableSource) as refused:
        read_any(put(tmp_path, content), ReadOptions(is_part=True))
    said = str(refused.value)
    for word in words.split("|"):
        assert word in said, said
    assert all(p.startswith("file.csv") for p in refused.value.problems), said
    assert all(p.rstrip()[-1] in ".?)" or "Which is it?" in p for p in refused.value.problems), said


def test_each_instrument_is_known_by_name_and_leaves_the_rest_unread(tmp_path):
    names = {
        "Nova FLEX2": FLEX + FLEX_ROW,
        "Vi-CELL BLU": BLU + "R1,0.5,97,17,2024-05-13 10:00,1\n",
        "Vi-CELL XR": XR + "R1,0.5,97,17,2024-05-13\n",
        "Cedex HiRes": HIRES + "13.05.2024 10:00;R1;520000;97,5\n",
        "Cedex Bio HT": BIO_HT,
        "DataHow layout": OWU + "1,0,0.5,5,1,10,0\n1,1,1.5,4,2,20,0\n",
        "long tags": TAGS + "2024-05-13 09:00,HT1.VCD,3.5,B1,HT1\n",
        "": "day,VCD\n0,1\n",
    }
    for name, content in names.items():
        assert read_any(put(tmp_path, content), ReadOptions(is_part=True)).profile == name
    flex = read_any(put(tmp_path, FLEX + FLEX_ROW))
    assert {r.header for r in flex.reads if not r.meaning} == {"Sample Type", "Na+", "pH", "Total Density"}
    assert (flex.rows[0].run, flex.rows[0].reactor) == ("B7", "R01")


def test_what_the_user_says_goes_before_the_profile(tmp_path):
    options = ReadOptions(columns={"Lac": "lactate [mmol/L]"}, ignore=("Viability",))
    state = read_any(put(tmp_path, FLEX + FLEX_ROW), options).rows[0].state
    assert state.lactate == 0.3
    assert state.viability != state.viability
    assert state.glucose == 5.1


@pytest.mark.parametrize("content", [FLEX + FLEX_ROW + FLEX_NEXT, BIO_HT, LONG + "A,0,vcd,1.53,\nA,24,vcd,2.51,\n"])
def test_every_truncation_is_refused_or_the_true_prefix(tmp_path, content):
    """Of a table with one value a row, the last sample may lack values that would have come."""
    options, whole = ReadOptions(is_part=True), None
    whole = {r.state.time_h: r.state.measured() for r in read_any(put(tmp_path, content), options).rows}
    n_read = 0
    for n in range(len(content)):
        try:
            table = read_any(put(tmp_path, content[:n]), options)
        except UnreadableSource:
            continue
        n_read += 1
        assert content[:n].endswith("\n") or any("it is whole and was read" in w for w in table.warnings)
        for row in table.rows:
            assert row.state.measured().items() <= whole[row.state.time_h].items()
    assert n_read
