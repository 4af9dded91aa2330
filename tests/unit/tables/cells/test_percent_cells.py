"""In Excel a cell formatted as a percentage is one, whatever number it holds."""

import io

import pytest
from openpyxl import Workbook

from perfusio.tables.cells.percent_cells import percent_cells
from perfusio.tables.read_any import read_any


def book(formats, title="Sheet & 1"):
    made = Workbook()
    sheet = made.active
    sheet.title = title
    sheet.append(["day", "VCD", "Via"])
    for i, (value, number_format) in enumerate(formats):
        sheet.append([i, 1.0 + i, value])
        sheet.cell(row=i + 2, column=3).number_format = number_format
    content = io.BytesIO()
    made.save(content)
    return content.getvalue()


def test_cells_are_found_by_their_format():
    data = book([(0.98, "0.0%"), (97.5, "General"), (0.97, "0%"), (96.0, '0.0" %"')])
    assert percent_cells(data, "Sheet & 1") == {(1, 2), (3, 2)}
    assert percent_cells(data, "no such sheet") == frozenset()
    assert percent_cells(b"a,b\n1,2\n", "x") == frozenset()


def test_percentages_and_plain_per_cents_of_one_column_are_alike(tmp_path):
    path = tmp_path / "mixed.xlsx"
    path.write_bytes(book([(0.984, "0.0%"), (98.1, "General"), (0.977, "0.00%")]))
    assert [row.state.viability for row in read_any(path).rows] == pytest.approx([98.4, 98.1, 97.7])
