"""Old workbooks (.xls), as a Vi-CELL XR writes them: the smallest that Excel would open, made here byte by byte."""

from struct import pack

import pytest

from perfusio.errors import UnreadableSource
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.read_any import read_any

SECTOR, END, FREE, TABLE = 512, 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
ROWS = [
    ["Sample ID", "Viable cells/ml (x10^6)", "Viability (%)", "Avg. diam. (microns)", "Sample date/time"],
    ["R1 day 0", 0.52, 97.5, 17.1, "13 May 2024 10:00"],
    ["R1 day 1", 1.13, 98.0, 17.4, "14 May 2024 10:30"],
]


def record(kind, content=b""):
    return pack("<HH", kind, len(content)) + content


def cell(row, column, value):
    if isinstance(value, str):
        return record(0x0204, pack("<HHHHB", row, column, 0, len(value), 1) + value.encode("utf-16-le"))
    return record(0x0203, pack("<HHHd", row, column, 0, value))


def book(rows, name="Data"):
    """BIFF8: what the workbook holds, then its only sheet."""
    def begin(kind):
        return record(0x0809, pack("<HHHHII", 0x0600, kind, 0x0DBB, 0x07CC, 0, 6))

    def listed(at):
        return record(0x0085, pack("<IBBBB", at, 0, 0, len(name), 1) + name.encode("utf-16-le"))

    at = len(begin(5) + listed(0) + record(0x000A))
    cells = b"".join(cell(r, c, value) for r, row in enumerate(rows) for c, value in enumerate(row))
    return begin(5) + listed(at) + record(0x000A) + begin(0x10) + cells + record(0x000A)


def compound(content):
    """A compound file with one stream: header, table of sectors, directory, stream."""
    content = content.ljust(4096, b"\0")
    content += bytes(-len(content) % SECTOR)
    n = len(content) // SECTOR
    sectors = [TABLE, END, *(i + 3 for i in range(n - 1)), END]
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += pack("<HHHHH6xIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, END, 0, END, 0, 0)
    head += pack("<108I", *[FREE] * 108)

    def entry(name, kind, start, size, child=FREE):
        text = (name + "\0").encode("utf-16-le") if name else b""
        links = pack("<HBBIII", len(text), kind, 1, FREE, FREE, child)
        return text.ljust(64, b"\0") + links + bytes(36) + pack("<IQ", start, size)

    directory = entry("Root Entry", 5, END, 0, 1) + entry("Workbook", 2, 2, len(content)) + 2 * entry("", 0, 0, 0)
    return head + pack("<128I", *sectors, *[FREE] * (128 - len(sectors))) + directory + content


def test_an_old_workbook_is_read_by_what_is_in_it(tmp_path):
    path = tmp_path / "vicell.xls"
    path.write_bytes(compound(book(ROWS)))
    table = read_any(path, ReadOptions(is_part=True))
    assert table.profile == "Vi-CELL XR"
    found = [(row.reactor, row.state.time_h, row.state.vcd) for row in table.rows]
    assert found == [("R1", 0, 0.52), ("R1", 24.5, 1.13)]
    assert [row.state.diameter for row in table.rows] == [17.1, 17.4]


def test_what_is_wrong_in_it_is_named(tmp_path):
    path = tmp_path / "vicell.xls"
    path.write_bytes(compound(book([*ROWS[:2], [*ROWS[2][:1], -1.0, *ROWS[2][2:]]])))
    with pytest.raises(UnreadableSource, match=r"line 3, column 'Viable cells/ml \(x10\^6\)': '-1' is negative"):
        read_any(path, ReadOptions(is_part=True))


def test_a_part_of_it_is_refused_or_a_sentence(tmp_path):
    path, data = tmp_path / "vicell.xls", compound(book(ROWS))
    whole = None
    for n in (len(data), *range(8, len(data), 173)):
        path.write_bytes(data[:n])
        try:
            found = [row.state for row in read_any(path, ReadOptions(is_part=True)).rows]
        except UnreadableSource:
            continue
        whole = whole or found
        assert found == whole
    assert whole
