"""What is exported reads back the same, digit by digit, in every layout and format."""

import math
from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from perfusio.errors import ConfigError, QuestionOpen
from perfusio.process import CHO_PERFUSION
from perfusio.state import SETPOINT_QUANTITIES, STATE_QUANTITIES, Setpoints, State
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.columns.header_names import names_of
from perfusio.tables.exporting import as_read, write_table
from perfusio.tables.read_any import read_any
from perfusio.tables.rows.samples import TableRow
from perfusio.tables.rows.table import empty_table
from perfusio.tables.table import parse_table
from perfusio.trajectory import Feed

FORMATS = [(layout, ending) for layout in ("wide", "long") for ending in ("csv", "xlsx", "parquet")]
NAMES = st.text("abcR09 =+-@';,\"\nμ", min_size=1, max_size=6).map(str.strip).filter(
    lambda t: t and t.strip("'") and not t.startswith("'")
)


def values(quantities):
    any_of = {n: st.floats(q.low, q.high, allow_subnormal=False) for n, q in quantities.items()}
    one = {n: st.none() | f.map(lambda v, q=quantities[n]: as_read(q, v)) for n, f in any_of.items()}
    return st.fixed_dictionaries(one).map(lambda d: {n: math.nan if v is None else v for n, v in d.items()})


@st.composite
def tables(draw):
    rows, clones = [], {}
    for reactor in draw(st.lists(NAMES, min_size=1, max_size=2, unique=True)):
        group = ("B 7", reactor)
        if clone := draw(st.none() | NAMES):
            clones[group] = clone
        time_h = 0.0
        for _ in range(draw(st.integers(1, 3))):
            known = draw(values(STATE_QUANTITIES))
            known["viability"] = max(known["viability"], 2.0)  # fractions are converted, whatever the header says
            quality = {}
            name = draw(st.sampled_from(list(STATE_QUANTITIES)))
            if known[name] == known[name]:
                at = f"{known[name]:g}"
                limits = [f"below the detection limit of {at}", f"above the measuring range of {at}"]
                quality[name] = draw(st.sampled_from([*limits, 'checked; "twice"\nby J.']))
            feed = draw(st.none() | st.just(Feed(fraction=1 / 3, **dict.fromkeys(names_of(CHO_PERFUSION).fed, 2 / 3))))
            state = State(time_h=time_h, quality=quality, **known)
            setpoints = Setpoints(**draw(values(SETPOINT_QUANTITIES)))
            rows.append(TableRow(line=0, run=group[0], reactor=reactor, state=state, setpoints=setpoints, feed=feed))
            time_h += round(draw(st.floats(0.5, 50)), 6)
            time_h = round(time_h, 6)
    told = frozenset(STATE_QUANTITIES)  # nobody is asked about columns of zeros
    return replace(empty_table("made", b""), rows=tuple(rows), clones=MappingProxyType(clones), truly_zero=told)


OPEN = b"Sample ID,date,VCD [1e6 cells/mL]\nS_1,2031-03-02 09:00,1.5\nS_2,2031-03-02 09:20,2.5\n"


@pytest.mark.parametrize(("layout", "ending"), FORMATS)
def test_samples_of_open_vessels_keep_their_names_and_dates_and_stay_open(tmp_path, layout, ending):
    options = ReadOptions(is_part=True, may_stay_open=True)
    table = parse_table(OPEN, "counts.csv", options)
    assert table.has_open_vessels
    path = tmp_path / f"out.{ending}"
    write_table(path, table, layout=layout)
    again = read_any(path, options)
    assert again.has_open_vessels
    assert [(r.reactor, r.state.vcd) for r in again.rows] == [("S_1", 1.5), ("S_2", 2.5)]
    assert again.starts == table.starts
    with pytest.raises(QuestionOpen, match="which vessel is each sample from"):
        read_any(path)


@pytest.mark.parametrize(("layout", "ending"), FORMATS[:2])
def test_digits_that_only_arithmetic_made_are_not_written(tmp_path, layout, ending):
    state = State(time_h=24.0, vcd=1.1 + 2.2, viability=97.0, quality={"titer": "below the detection limit of 0.3"},
                  titer=0.1 + 0.2)  # fmt: skip
    row = TableRow(line=0, run="", reactor="", state=state, setpoints=Setpoints(temperature=368 * 0.1))
    path = tmp_path / f"out.{ending}"
    write_table(path, replace(empty_table("made", b""), rows=(row,)), layout=layout)
    (again,) = read_any(path).rows
    assert (again.state.vcd, again.state.titer, again.setpoints.temperature) == (3.3, 0.3, 36.8)


def said(table):
    return [repr(replace(row, line=0)) for row in table.rows], dict(table.clones)


@pytest.mark.parametrize(("layout", "ending"), FORMATS)
@settings(max_examples=40, deadline=None)
@given(table=tables())
def test_import_of_an_export_is_the_identity(tmp_path_factory, layout, ending, table):
    assume(any(v == v for row in table.rows for v in (*row.state.vector(), *row.setpoints.vector())))
    path = tmp_path_factory.mktemp("export") / f"out.{ending}"
    write_table(path, table, layout=layout)
    assert said(read_any(path, ReadOptions(is_part=True))) == said(table)


@pytest.mark.parametrize(("layout", "ending"), FORMATS)
def test_converted_units_and_limits_survive(tmp_path, layout, ending):
    table = parse_table(b"day,VCD,Glc [mmol/L],Lac [g/L]\n0,1,<0.5,1\n0.3,2,27,>13\n", "a.csv")
    write_table(tmp_path / f"a.{ending}", table, layout=layout)
    again = read_any(tmp_path / f"a.{ending}")
    assert (again.rows[0].state.lactate, again.rows[1].state.lactate) == (11.1012, 144.316)  # 1/0.09008 has no end
    assert [r.state.glucose for r in again.rows] == [0.09008, 4.86432]
    assert [r.state.quality for r in again.rows] == [r.state.quality for r in table.rows]
    assert again.rows[0].state.quality == {"glucose": "below the detection limit of 0.09008"}


def test_a_spreadsheet_runs_nothing_and_keeps_numbers(tmp_path):
    from openpyxl import load_workbook

    table = parse_table(b"run,day,VCD\n'=1+1,0,1.5\n", "a.csv")
    write_table(tmp_path / "a.xlsx", table)
    cells = next(load_workbook(tmp_path / "a.xlsx").active.iter_rows(min_row=2))
    assert (cells[0].value, cells[0].data_type) == ("'=1+1", "s")
    assert (cells[2].value, cells[2].data_type) == (1.5, "n")
    write_table(tmp_path / "a.csv", table)
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()[1].startswith("'=1+1,0.0,1.5")


def test_other_endings_layouts_and_places_are_refused(tmp_path):
    table = parse_table(b"day,VCD\n0,1\n", "a.csv")
    (tmp_path / "taken").write_text("")
    for path, layout, words in (
        ("a.ods", "wide", "expected .csv or .xlsx or .parquet"),
        ("a.csv", "tall", "expected wide or long"),
        ("taken/a.csv", "wide", "cannot be written"),
    ):
        with pytest.raises(ConfigError, match=words):
            write_table(tmp_path / path, table, layout=layout)
