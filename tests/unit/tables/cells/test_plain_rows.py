"""Rows that are decoded when they are asked for are those of every other reader, and columns of bytes its numbers."""

import csv
import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfusio.tables.cells import sheets
from perfusio.tables.cells.cells import _plain_numbers, _with_point, read_numbers
from perfusio.tables.cells.plain_rows import PlainRows, plain_rows
from perfusio.tables.cells.sheets import sheet_of
from perfusio.tables.table import parse_table

NUMBERS = st.one_of(
    st.integers(-(10**6), 10**18).map(str),
    st.floats(-1e9, 1e9).map(repr),
    st.floats(0, 1e4).map(lambda v: f"{v:.5g}"),
    st.floats(0, 1e4).map(lambda v: f"{v:.{int(v) % 12}f}"),
    st.sampled_from(["", " ", "-", "n.d.", "<0.2", "> 5", "+3", "-0", "1.", ".5", ".", "1.2.3", "-.5", "+", "1e5",
                     "1,5", " 7", "7 ", "--1", "0000000000000000001.5", "1_000", "inf", "nan", "9007199254740993"]),
)  # fmt: skip
TEXTS = st.text("R01-D ab;'<>", max_size=5)


def bits(value):
    return struct.pack("<d", value) if value == value else b"nan"


@given(st.lists(NUMBERS, min_size=1, max_size=30), st.sampled_from([".", ","]))
@settings(max_examples=100, deadline=None)
def test_a_column_of_bytes_is_read_to_the_last_bit_as_its_texts_are(cells, decimal):
    cells = [cell.replace(",", ".") if decimal == "." else cell.replace(".", ",") for cell in cells]
    rows, _ = plain_rows("\n".join(["h;g", *(f"{cell};x" for cell in cells)]), ";")
    column = rows[1:].column(0)
    assert list(column) == cells
    ours, theirs = read_numbers(column, decimal=decimal), read_numbers(cells, decimal=decimal)
    assert list(map(bits, ours.values)) == list(map(bits, theirs.values))
    assert (ours.limits, ours.refused) == (theirs.limits, theirs.refused)


def test_floats_as_programs_write_them_are_read_as_bytes_to_the_last_bit():
    rng = np.random.default_rng(3)
    cells = [f"{v:.5g}" for v in rng.lognormal(2, 3, 5000)] + [f"{v:.11f}" for v in rng.uniform(0, 99, 5000)]
    rows, _ = plain_rows("\n".join(f"{cell},x" for cell in cells), ",")
    values, others = rows.column(0).numbers(".")
    as_text = {i for i, cell in enumerate(cells) if "e" in cell}
    assert set(others.tolist()) == as_text
    assert all(values[i] == float(cells[i]) for i in range(len(cells)) if i not in as_text)
    assert _plain_numbers([_with_point("1,5")])[0] == 1.5


@given(
    st.lists(st.lists(TEXTS, min_size=3, max_size=3), min_size=1, max_size=12),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_rows_and_lines_are_those_of_the_csv_module(rows, line_end, is_ended):
    text = line_end.join(",".join(row) for row in [["µ", "b", "c"], *rows]) + (line_end if is_ended else "")
    known = plain_rows(text, ",")
    assert known is not None
    kept = [(row, n) for n, row in enumerate(csv.reader(io.StringIO(text, newline="")), start=1)
            if any(cell.strip() for cell in row)]  # fmt: skip
    assert list(known[0]) == [row for row, _ in kept]
    assert list(known[1]) == [n for _, n in kept]
    assert [known[0][i] for i in range(len(kept))] == [row for row, _ in kept]


@pytest.mark.parametrize("text", ["a,b\n1,2\n3\n", "a,b\n1,µ\n", ""])
def test_rows_of_other_lengths_and_letters_below_the_header_are_left_to_the_others(text):
    assert plain_rows(text, ",") is None


def test_a_long_table_is_read_the_same_either_way(monkeypatch):
    lines = ["run,clone,day,VCD [1e6 cells/mL],glucose [g/L],titer [mg/L]"]
    lines += [
        f"R{i // 8},C{i // 16},{i % 8},{1.5 + i % 8:.3f},{5 - 0.3 * (i % 8):.2f},{'<0.5' if i % 9 == 0 else i % 8}"
        for i in range(64)
    ]
    data = ("\n".join(lines) + "\n").encode()
    monkeypatch.setattr(sheets, "LONG", 1)
    assert isinstance(sheet_of(data.decode(), "f.csv").rows, PlainRows)
    quick = parse_table(data, "f.csv")
    monkeypatch.setattr(sheets, "LONG", 10**9)
    slow = parse_table(data, "f.csv")
    assert quick.rows == slow.rows
    assert (quick.clones, quick.columns, quick.reads, quick.warnings) == (
        slow.clones, slow.columns, slow.reads, slow.warnings)  # fmt: skip
    assert quick.clones["R0", ""] == "C0"
