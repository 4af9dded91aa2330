"""A file that grew is read on, with the result of reading it as a whole."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfusio.errors import UnreadableSource
from perfusio.tables import grown_table
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.grown_table import parsed, read_on
from perfusio.tables.table import parse_table

OPTIONS = ReadOptions()
PLAIN = "day,VCD,Via,Glc\n" + "".join(f"{d},{1 + d},0.9{d},4.{d}\n" for d in range(8))
DATED = "reactor;Date;VCD;Glc\n" + "".join(
    f"R0{1 + d % 2};{13 + d // 2}.05.2024 09:00;{d + 1},5;4,{d}\n" for d in range(8)
)
UNITS = "time,VCD,Via\nh,1e6 cells/mL,%\n" + "".join(f"{24 * d},{1 + d},9{d}\n" for d in range(8))
FLEET = "run,reactor,clone,day,VCD\n" + "".join(f"A,R0{r},X,{d},{d + r}\n" for d in range(4) for r in (1, 2))


def whole(content, options=OPTIONS):
    return parse_table(content, "my.csv", options, may_be_short=True, has_started=True)


def equal(a, b):
    names = ("sha256", "n_bytes", "columns", "rows", "clones", "starts", "decimal", "has_fractions", "profile")
    return all(repr(getattr(a, name)) == repr(getattr(b, name)) for name in names)


@pytest.mark.parametrize("text", [PLAIN, DATED, UNITS, FLEET], ids=["plain", "dated", "units", "fleet"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_row_by_row_it_is_what_the_whole_file_is(text, line_break):
    lines = [f"{line}{line_break}".encode() for line in text.splitlines()]
    start = 4
    now = parsed(b"".join(lines[:start]), whole(b"".join(lines[:start])))
    for n in range(start + 1, len(lines) + 1):
        content = b"".join(lines[:n])
        grown = read_on(now, content, OPTIONS)
        assert grown is not None, "it can be read on"
        assert equal(grown.table, whole(content))
        assert grown.table.lineage is now.table.lineage
        now = grown


@pytest.mark.parametrize(
    "added",
    [
        "8,x,0.9,4\n",  # no number
        "8,9,0.9\n",  # too few cells
        "7,8,0.97,4.7\n",  # the same sample again
        "3,8,0.97,4.7\n",  # out of order
        "8,9,97,4\n",  # so they are no fractions
        "8,9,90%,4\n",
        '8,"9",0.9,4\n',
        "8,9,0.9,µ\n",
        "day,VCD,Via,Glc\n",
    ],
)
def test_what_could_mean_something_else_among_few_rows_is_left_to_the_whole_file(added):
    before = parsed(PLAIN.encode(), whole(PLAIN.encode()))
    assert before.head is not None
    assert read_on(before, PLAIN.encode() + added.encode(), OPTIONS) is None


def test_a_file_that_changed_before_its_end_is_no_longer_one_that_grew():
    before = parsed(PLAIN.encode(), whole(PLAIN.encode()))
    assert read_on(before, PLAIN.replace("4.3", "4.4").encode() + b"8,9,0.9,4\n", OPTIONS) is None


CELLS = st.sampled_from(
    ["", "0.5", "1", "97", "0.97", "4,5", "<0.1", "n.d.", "x", "97%", "13.05.2024 08:00", "05/06/2024"]
)


@given(
    st.sampled_from([PLAIN, DATED, UNITS, FLEET]),
    st.lists(st.tuples(st.integers(0, 4), CELLS), max_size=3),
    st.integers(2, 6),
    st.randoms(use_true_random=False),
)
@settings(max_examples=150, deadline=None)
def test_reading_on_never_says_anything_else_than_the_whole_file(text, changes, n, rng: random.Random):
    lines = text.splitlines()
    for place, cell in changes:
        row = rng.randrange(n, len(lines))
        sign = ";" if ";" in lines[0] else ","
        cells = lines[row].split(sign)
        cells[place % len(cells)] = cell
        lines[row] = sign.join(cells)
    start, content = ("\n".join(part).encode() + b"\n" for part in (lines[:n], lines))
    try:
        before = parsed(start, whole(start))
    except UnreadableSource:
        return
    grown = read_on(before, content, OPTIONS)
    if grown is not None:
        assert equal(grown.table, whole(content))


def test_only_what_was_added_is_parsed(monkeypatch):
    lines = [f"{d / 24:.6f},{1 + d % 7},97,4.5\n" for d in range(3000)]
    start = ("day,VCD,Via,Glc\n" + "".join(lines)).encode()
    now = parsed(start, whole(start))
    sizes = []

    def measured(content, *args, **options):
        sizes.append(len(content))
        return parse_table(content, *args, **options)

    monkeypatch.setattr(grown_table, "parse_table", measured)
    for d in range(3000, 3010):
        now = read_on(now, now.content + f"{d / 24:.6f},5,97,4.5\n".encode(), OPTIONS)
    assert len(now.table.rows) == 3010
    assert max(sizes) < 200
    assert replace(now.table, rows=()).sha256 == now.table.sha256
