"""Rows of a database in other units than the table has: asked before anything else, and read as a person tells."""

import asyncio

import pytest

from perfusio.connectors.database.samples import SqlSample, add_samples
from perfusio.connectors.sql import SqlStore
from perfusio.errors import ConfigError, QuestionOpen
from perfusio.state import Setpoints
from perfusio.testing import make_state

IN_FORCE = Setpoints(perfusion_rate=1.0, bleed_rate=0.1)


@pytest.fixture
def filled(tmp_path):
    def made(n=4, **values):
        where = tmp_path / "lab.sqlite"
        rows = [SqlSample(reactor="R01", state=make_state(day=i, **values), setpoints=IN_FORCE) for i in range(n)]
        add_samples(where, rows)
        return where

    return made


def first(store):
    return asyncio.run(store.read_sample())


def test_another_unit_is_asked_with_both_readings_and_the_option(filled):
    where = filled(glucose=25.0)
    with pytest.raises(QuestionOpen) as asked:
        first(SqlStore(where))
    for words in ("lab.sqlite, R01", 'glucose = "mmol/L"', 'glucose = "g/L"', "SqlStore(..., units="):
        assert words in str(asked.value)


@pytest.mark.parametrize(("unit", "is_read"), [("mmol/L", 4.504), ("g/L", 25.0), ("not measured", None)])
def test_each_answer_is_taken_and_nothing_is_asked_twice(filled, unit, is_read):
    store = SqlStore(filled(glucose=25.0), units={"glucose": unit})
    assert first(store).measured().get("glucose") == pytest.approx(is_read)
    assert store.describe()["units"] == {"glucose": unit}


def test_values_of_zero_are_asked_about_once_all_rows_are_there(filled):
    where = filled(glutamine=0.0)
    with pytest.raises(QuestionOpen, match="glutamine is 0 in all samples"):
        first(SqlStore(where))
    assert first(SqlStore(where, units={"glutamine": "mmol/L, truly zero"})).glutamine == 0.0
    assert first(SqlStore(where, follow=True)).glutamine == 0.0


def test_few_rows_of_a_growing_table_leave_the_unit_to_the_next_samples(filled):
    where = filled(n=1)
    growing, finished = SqlStore(where, follow=True), SqlStore(where)
    assert first(growing) == first(finished)
    assert "glucose" in growing.untold_units
    assert not finished.untold_units


def test_each_vessel_of_a_database_is_read_in_the_told_units(filled):
    (vessel,) = SqlStore(filled(glucose=25.0), units={"glucose": "mmol/L"}).vessels().values()
    assert first(vessel).glucose == pytest.approx(4.504)


@pytest.mark.parametrize(
    ("units", "words"), [({"glucoze": "g/L"}, "glucose"), ({"glucose": "rpm"}, "is not a unit of glucose")]
)
def test_a_unit_that_cannot_be_is_refused(tmp_path, units, words):
    with pytest.raises(ConfigError, match=words):
        SqlStore(tmp_path / "lab.sqlite", create=True, units=units)
