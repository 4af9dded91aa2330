"""Workbooks: labels of one or two header rows, cells as a person would type them, and files that are none."""

import zipfile
from datetime import datetime

import pytest

from perfusio.errors import UnreadableSource
from perfusio.tables import excel
from perfusio.tables.columns.problems import Problems
from perfusio.tables.excel import cell_text, open_workbook

GROUPED = [
    ["Run", "", "Before feeding", "", "After feeding", ""],
    ["ID", "", "Glucose (mM)", "Lactate", "Glucose (mM)", "Note"],
    [11, None, 1.5, "<0.1", 2, "a & b"],
    [None] * 6,
    [12, None, "#DIV/0!", True, datetime(2024, 5, 31, 16, 30), ""],
]


@pytest.fixture
def book(tmp_path, write_xlsx):
    sheets = {"Data": GROUPED, "Other one": [["a"], [1]], "Bare": [["a"]]}
    return open_workbook(write_xlsx(tmp_path / "book.xlsx", sheets))


def test_two_header_rows_make_groups_and_names(book):
    sheet = book.labelled("data", header_rows=2)
    assert sheet.labels[2:4] == (("Before feeding", "Glucose (mM)"), ("Before feeding", "Lactate"))
    assert sheet.labels[0] == ("Run", "ID")
    assert sheet.labels[1] == ()  # a column without name is left alone
    assert sheet.lines == (3, 4, 5)
    assert sheet.texts(0) == ["11", "", "12"]
    assert sheet.texts(2) == ["1.5", "", "#DIV/0!"]  # an error is no empty cell
    assert sheet.texts(3) == ["<0.1", "", "True"]
    assert sheet.texts(4) == ["2", "", "2024-05-31 16:30:00"]
    assert sheet.rows[2][4] == datetime(2024, 5, 31, 16, 30)


def test_a_column_is_found_by_its_name_or_with_its_group(book):
    sheet, problems = book.labelled("Data", header_rows=2), Problems("book.xlsx")
    assert sheet.place("lactate", problems) == 3
    assert sheet.place("After feeding / glucose (mM)", problems) == 4
    assert not problems
    assert sheet.place("Glucose (mM)", problems) is None
    assert sheet.place("Lactat", problems) is None
    many, unknown = problems.sentences()
    assert "names 2 columns" in many
    assert "'Before feeding / Glucose (mM)', 'After feeding / Glucose (mM)'" in many
    assert "there is no column 'Lactat', which the column map names. Did you mean 'Lactate'?" in unknown


def test_the_same_label_twice_has_to_be_renamed(tmp_path, write_xlsx):
    path = write_xlsx(tmp_path / "b.xlsx", {"S": [["VCD", "VCD"], [1, 2]]})
    problems = Problems("b.xlsx")
    assert open_workbook(path).labelled("S").place("VCD", problems) is None
    assert "Rename all but one of them." in problems.sentences()[0]


def test_a_turned_sheet_has_its_labels_in_the_first_column(book):
    sheet = book.labelled("Data", turned=True)
    assert [labels[-1:] for labels in sheet.labels] == [("Run",), ("ID",), ("11",), (), ("12",)]
    assert sheet.texts(1) == ["", "Glucose (mM)", "Lactate", "Glucose (mM)", "Note"]


@pytest.mark.parametrize(
    ("sheet", "rows", "expected"),
    [("Datta", 1, "has no sheet 'Datta'. Did you mean 'Data'? It has 'Data', 'Other one', 'Bare'."),
     ("Bare", 1, "sheet 'Bare' has 1 rows, expected 1 of header and more below")],
)  # fmt: skip
def test_sheets_that_are_not_there_or_empty(book, sheet, rows, expected):
    with pytest.raises(UnreadableSource) as refused:
        book.labelled(sheet, header_rows=rows)
    assert expected in str(refused.value)


@pytest.mark.parametrize("content", [b"hello", b"PK\x03\x04 no archive", b"\xd0\xcf\x11\xe0 old", b""])
def test_files_that_are_no_workbooks(tmp_path, content):
    (tmp_path / "x.xlsx").write_bytes(content)
    with pytest.raises(UnreadableSource, match=r"x\.xlsx cannot be read as an Excel workbook .* save it as \.xlsx"):
        open_workbook(tmp_path / "x.xlsx")


def test_a_missing_workbook_is_looked_for(tmp_path, write_xlsx):
    write_xlsx(tmp_path / "cultures.xlsx", {"S": [["a"], [1]]})
    with pytest.raises(UnreadableSource, match=r"Did you mean 'cultures\.xlsx'\?\n  Excel workbooks there"):
        open_workbook(tmp_path / "culture.xlsx")
    with pytest.raises(UnreadableSource, match="is a folder, expected one Excel workbook"):
        open_workbook(tmp_path)


def test_an_archive_that_unpacks_to_far_more_is_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(3_000_000))
    with pytest.raises(UnreadableSource, match=r"unpacks from 0\.0 to 3 MB, expected at most 200 MB and 100 times"):
        open_workbook(path)
    monkeypatch.setattr(excel, "MAX_RATIO", 10**6)
    with pytest.raises(UnreadableSource, match="cannot be read as an Excel workbook"):
        open_workbook(path)


def test_what_unpacks_to_too_much_is_refused_however_little_it_was_packed(tmp_path, write_xlsx, monkeypatch):
    path = write_xlsx(tmp_path / "large.xlsx", {"S": [["day", "VCD"], [0, 1]]})
    open_workbook(path)
    monkeypatch.setattr(excel, "MAX_UNPACKED", 1_000)
    with pytest.raises(UnreadableSource, match=r"large\.xlsx unpacks from .* Save the sheet that you need"):
        open_workbook(path)


@pytest.mark.parametrize(
    ("cell", "text"),
    [(11.0, "11"), (0.1, "0.1"), (1e-05, "1e-05"), (1e300, "1e+300"), (-3.0, "-3"), (" a ", "a"), (True, "True")],
)
def test_cells_as_a_person_would_type_them(cell, text):
    assert cell_text(cell) == text
