import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfusio.tables.cells.csv_files import csv_bytes, escaped, replace_file, unescaped


@pytest.mark.parametrize("text", ["=1+1", "+1x", "-R01", "@x", "\tx", "\rx", "'=x", "-"])
def test_formula_texts_are_escaped_and_come_back(text):
    assert escaped(text)[0] == "'"
    assert unescaped(escaped(text)) == text


@pytest.mark.parametrize("text", ["R01", "", "'quoted'", "a=b", "-0.5", "+1", "-1e-05", "<0.1"])
def test_harmless_texts_and_numbers_stay(text):
    assert escaped(text) == text
    assert unescaped(text) == text


@given(st.text())
def test_every_text_comes_back(text):
    assert unescaped(escaped(text)) == text


def test_rows_become_utf8_with_line_breaks():
    assert csv_bytes([["run", "°C"], ["=A,1", "-0.5"]]) == "run,°C\n\"'=A,1\",-0.5\n".encode()


def test_a_failure_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    replace_file(path, b"old")

    def fails(source, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(PermissionError):
        replace_file(path, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]
    assert path.read_bytes() == b"old"
