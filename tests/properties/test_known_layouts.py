"""A table in any known layout, however it was written, comes back equal or is asked about; never equal to another."""

import importlib.util
import random
import sys
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from perfusio.errors import QuestionOpen
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.table import parse_table

PLACE = Path(__file__).parents[2] / "benchmarks" / "clean_tables.py"
_spec = importlib.util.spec_from_file_location("clean_tables", PLACE)
clean_tables = sys.modules["clean_tables"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(clean_tables)


@pytest.mark.parametrize("layout", clean_tables.LAYOUTS)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=12, deadline=None)
def test_it_comes_back_equal_or_is_asked_about(layout, seed):
    written = clean_tables.LAYOUTS[layout](random.Random(seed))
    try:
        table = parse_table(written.content, "f.csv", ReadOptions(is_part=True))
    except QuestionOpen:
        event("asked")
        return
    assert clean_tables.found_wrong(table, written.truth) == []


def test_clean_tables_are_hardly_ever_asked_about():
    asked = 0
    for written in clean_tables.clean_tables(48):
        try:
            parse_table(written.content, "f.csv", ReadOptions(is_part=True))
        except QuestionOpen:
            asked += 1
    assert asked == 0
