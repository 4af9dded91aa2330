"""A table in any known layout, however it was written, comes back equal or is asked about; never equal to another."""

import importlib
import random
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from perfusio.errors import QuestionOpen
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.read_any import table_of
from perfusio.tables.table import parse_table

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
clean_tables = importlib.import_module("clean_tables")
written_layouts = importlib.import_module("written_layouts")
sys.path.pop(0)
EXAMPLES = {"wide": 40, "sheets": 12, "tags": 15, "datahow_runs": 15}


def examples(layout):
    """Twelve of each layout, more of those in which more is left to people."""
    return EXAMPLES.get(layout, 12)


@pytest.mark.parametrize("layout", written_layouts.WRITERS)
def test_it_comes_back_equal_or_is_asked_about(layout, tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")

    @given(seed=st.integers(0, 10**6))
    @settings(max_examples=examples(layout), deadline=None)
    def comes_back(seed):
        written = written_layouts.WRITERS[layout](random.Random(seed))
        path = folder / f"f{written.ending}"
        path.write_bytes(written.content)
        try:
            table = table_of(written.content, path, ReadOptions(is_part=True))
        except QuestionOpen:
            event("asked")
            return
        if layout == "datahow_runs" and any(row.run for row in table.rows):
            table = replace(table, rows=[replace(row, reactor=row.run) for row in table.rows])
        assert clean_tables.found_wrong(table, written.truth) == []

    comes_back()


def test_clean_tables_are_hardly_ever_asked_about():
    asked = 0
    for written in clean_tables.clean_tables(48):
        try:
            parse_table(written.content, "f.csv", ReadOptions(is_part=True))
        except QuestionOpen:
            asked += 1
    assert asked == 0
