"""Hidden rows are asked about, and formulas that nobody worked out are refused, not read as nothing."""

import shlex

import pytest
from openpyxl import Workbook

from perfusio.errors import QuestionOpen, UnreadableSource
from perfusio.tables.cells.missing_by_name import missing_of
from perfusio.tables.cells.workbook_rows import formulas_without_values, hidden_rows
from perfusio.tables.columns.typed_columns import ReadOptions
from perfusio.tables.read_any import read_any

HEAD = ["day", "VCD", "Via"]


@pytest.fixture
def write(tmp_path):
    def writer(rows, hidden=()):
        book = Workbook()
        for row in [HEAD, *rows]:
            book.active.append(row)
        for n in hidden:
            book.active.row_dimensions[n].hidden = True
        book.save(tmp_path / "a.xlsx")
        return tmp_path / "a.xlsx"

    return writer


def test_a_formula_without_its_value_is_refused(write):
    path = write([[0, 1, "=97+1"], [1, 2, 97]])
    assert formulas_without_values(path.read_bytes(), "Sheet") == ("C2",)
    with pytest.raises(UnreadableSource, match=r"1 formulas have no stored value \(C2\).*Open the file in Excel"):
        read_any(path)


def test_hidden_rows_are_asked_about_once(write):
    path = write([[0, 1, 98], [1, 2, 97], [2, 3, 96]], hidden=(3,))
    assert hidden_rows(path.read_bytes(), "Sheet") == (3,)
    with pytest.raises(QuestionOpen, match="line 3: is hidden") as asked:
        read_any(path)
    out, keep = asked.value.questions[0].readings
    assert [r.state.day for r in read_any(path, ReadOptions(**out.entry)).rows] == [0, 2]
    assert [r.state.day for r in read_any(path, ReadOptions(**keep.entry)).rows] == [0, 1, 2]


def test_a_plain_workbook_and_other_bytes_have_neither(write):
    data = write([[0, 1, 98]]).read_bytes()
    assert hidden_rows(data, "Sheet") == formulas_without_values(data, "Sheet") == ()
    assert hidden_rows(data[: len(data) // 2], "Sheet") == hidden_rows(b"day,VCD", "Sheet") == ()


def test_an_error_value_is_no_empty_cell(tmp_path):
    book = Workbook()
    head, rows = ("day", "VCD", "Glc [g/L]"), ((0, 1, 5), (1, 2, "#VALUE!"), (2, 3, "#N/A"), (3, "#REF!", 4))
    for row in (head, *rows, (4, 5, "#DIV/0!")):
        book.active.append(row)
    book.save(tmp_path / "b.xlsx")
    with pytest.raises(UnreadableSource, match="is an error value of a spreadsheet") as refused:
        read_any(tmp_path / "b.xlsx")
    said = [shlex.split(text)[0].rstrip(".") for text in str(refused.value).split("--set-missing ")[1:]]
    assert said == ["line 5: VCD", "line 3: Glc [g/L]"]
    table = read_any(tmp_path / "b.xlsx", ReadOptions(set_missing=missing_of(said)))
    assert [row.state.glucose == row.state.glucose for row in table.rows] == [True, False, False, True, False]
    assert any("column 'Glc [g/L]': #DIV/0! counts as not measured: line 6" in w for w in table.warnings)
