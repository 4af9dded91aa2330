"""Workbooks as people and attackers make them: each with its verdict, read without a map as `perfusio import` does."""

import random
import zipfile
from datetime import datetime

import pytest

from perfusio.errors import UnreadableSource
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.read_any import read_any

NAN = float("nan")
HEAD = ["day", "VCD", "Via", "Glc"]
ROWS = [[0, 0.5, 97.5, 5], [1, 1.1, 98, 4.6]]
GOOD = {"Samples": [HEAD, *ROWS]}
DATES = [["Date", "VCD"], [datetime(2024, 5, 13, 9), 0.5], [datetime(2024, 5, 14, 21), 1.1]]

READ = [
    ("plain", GOOD, "glucose", [5, 4.6]),
    ("a sheet of notes beside it", {"Read me": [["Made by J."], ["Run 5"]], **GOOD}, "glucose", [5, 4.6]),
    ("empty sheets around it", {"Sheet1": [], **GOOD, "Sheet3": []}, "glucose", [5, 4.6]),
    ("dates as Excel keeps them", {"S": DATES}, "time_h", [0, 36]),
    ("groups above names", {"S": [["", "Cells", "", "Metabolites"], HEAD, *ROWS]}, "glucose", [5, 4.6]),
    ("a row of units", {"S": [HEAD, ["d", "1e6/mL", "%", "mmol/L"], [0, 0.5, 97, 27.753]]}, "glucose", [5]),
    ("numbers kept as texts", {"S": [HEAD, ["0", "0.5", "97", "5.2"]]}, "glucose", [5.2]),
    ("percent as Excel keeps it", {"S": [HEAD, [0, 0.5, 0.975, 5], [1, 1, 1, 5]]}, "viability", [97.5, 100]),
    ("a limit", {"S": [HEAD, [0, 0.5, 97, "<0.2"]]}, "glucose", [0.2]),
    ("an error of a formula", {"S": [HEAD, [0, 0.5, 97, "#DIV/0!"], [1, 1, 97, 4]]}, "glucose", [NAN, 4]),
    ("gaps", {"S": [HEAD, [0, 0.5, 97, None], [None] * 4, [1, 1, 97, "n.d."], [2, 1, 97, 4]]}, "glucose",
     [NAN, NAN, 4]),
    ("a column without name that is empty", {"S": [[*HEAD, ""], [*ROWS[0], ""]]}, "glucose", [5]),
    ("one sheet per vessel", {"R01": [HEAD, *ROWS], "R02": [HEAD, *ROWS]}, "glucose", [5, 4.6, 5, 4.6]),
    ("long", {"S": [["time [h]", "quantity", "value", "unit"], [0, "vcd", 0.5, "1e6/mL"], [24, "vcd", 1, "1e6/mL"]]},
     "vcd", [0.5, 1]),
]  # fmt: skip

REFUSED = [
    ("nothing in it", {"Sheet1": []}, "bad.xlsx"),
    ("notes only", {"Sheet1": [["Made by J."], ["on Monday"]], "B": [["x"]]}, "no sheet has a header|'Sheet1', 'B'"),
    ("header only", {"S": [HEAD]}, "has a header but no samples"),
    ("text in a value", {"S": [HEAD, [0, "many", 97, 5]]}, "line 2, column 'VCD': 'many' is not a number"),
    ("comma in a text", {"S": [HEAD, [0, "0,5", 97, 5]]}, "'0,5' has a comma"),
    ("truth as a value", {"S": [HEAD, [0, True, 97, 5]]}, "'True' is not a number"),
    ("a date in a value", {"S": [HEAD, [0, datetime(2024, 5, 1), 97, 5]]},
     "column 'VCD': '2024-05-01' looks like a date"),
    ("negative", {"S": [HEAD, [0, 0.5, 97, -1]]}, "'-1' is negative"),
    ("too much viability", {"S": [HEAD, [0, 0.5, 101, 5]]}, "'101' is not possible"),
    ("mmol/L for g/L", {"S": [HEAD, [0, 0.5, 97, 27], [1, 1, 97, 22]]}, "read as mmol/L"),
    ("a date that is a number", {"S": [["Date", "VCD"], [45413.4, 1]]}, "'45413.4' is no date with time"),
    ("a date that can be two", {"S": [["Date", "VCD"], ["05/06/2024", 1]]}, "5 Jun or 6 May"),
    ("a header twice", {"S": [["day", "VCD", "VCD"], [0, 1, 1]]}, "all give vcd"),
    ("a glu that can be two", {"S": [["day", "VCD", "Glu"], [0, 1, 1]]}, "glucose or glutamate"),
    ("a word for a time", {"S": [HEAD, *ROWS, ["then", 1, 97, 5]]}, "'then' is no time"),
    ("vessels, one of them bad", {"R01": [HEAD, *ROWS], "R02": [HEAD, [0, "x", 97, 5]]}, "sheet 'R02'|'x' is not a"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "sheets", "quantity", "values"), READ, ids=[r[0] for r in READ])
def test_read_as_meant(tmp_path, write_xlsx, name, sheets, quantity, values):
    table = read_any(write_xlsx(tmp_path / "good.xlsx", sheets), ReadOptions(is_part=True))
    assert [getattr(row.state, quantity) for row in table.rows] == pytest.approx(values, rel=1e-3, nan_ok=True)


@pytest.mark.parametrize(("name", "sheets", "words"), REFUSED, ids=[r[0] for r in REFUSED])
def test_refused_with_place_and_remedy(tmp_path, write_xlsx, name, sheets, words):
    with pytest.raises(UnreadableSource) as refused:
        read_any(write_xlsx(tmp_path / "bad.xlsx", sheets), ReadOptions(is_part=True))
    for word in words.split("|"):
        assert word in str(refused.value)
    assert all(p.startswith("bad.xlsx") for p in refused.value.problems)
    assert all(p.rstrip()[-1] in ".?)" or "Which is it?" in p for p in refused.value.problems)


def bomb(path, *, n_bytes=3_000_000):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(n_bytes))


def liar(path, write_xlsx):
    """A directory that claims gigabytes."""
    data = bytearray(write_xlsx(path, GOOD).read_bytes())
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = (4_000_000_000).to_bytes(4, "little")
    path.write_bytes(data)


def laughs(path, write_xlsx):
    """A text that doubles itself thirty times, if a reader lets it."""
    write_xlsx(path, GOOD)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    entities = "".join(f'<!ENTITY a{i} "&a{i - 1};&a{i - 1};">' for i in range(1, 31))
    sheet = parts["xl/worksheets/sheet1.xml"].decode().replace("<t>VCD</t>", "<t>&a30;</t>")
    parts["xl/worksheets/sheet1.xml"] = f'<!DOCTYPE x [<!ENTITY a0 "VCD">{entities}]>{sheet}'.encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def document(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<w:document/>")


ATTACKS = {
    "zip bomb": (lambda path, _: bomb(path), "unpacks from"),
    "directory that lies": (liar, "unpacks from"),
    "text that doubles itself": (laughs, "bad.xlsx"),
    "a text document": (lambda path, _: document(path), "cannot be read as an Excel workbook"),
    "an empty archive": (lambda path, _: zipfile.ZipFile(path, "w").close(), "cannot be read as an Excel workbook"),
    "old workbook, damaged": (lambda path, _: path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
                              "cannot be read as an Excel workbook"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "words"), ATTACKS.values(), ids=ATTACKS)
def test_an_attack_is_a_sentence(tmp_path, write_xlsx, make, words):
    make(tmp_path / "bad.xlsx", write_xlsx)
    with pytest.raises(UnreadableSource) as refused:
        read_any(tmp_path / "bad.xlsx", ReadOptions(is_part=True))
    assert words in str(refused.value)


def test_no_part_of_a_workbook_is_taken_for_a_whole_one(tmp_path, write_xlsx):
    data = write_xlsx(tmp_path / "good.xlsx", GOOD).read_bytes()
    part = tmp_path / "part.xlsx"
    for n in range(8, len(data), 41):
        part.write_bytes(data[:n])
        with pytest.raises(UnreadableSource):
            read_any(part)


def test_a_flipped_bit_is_refused_or_changes_nothing(tmp_path, write_xlsx):
    path = write_xlsx(tmp_path / "good.xlsx", GOOD)
    data, whole = path.read_bytes(), read_any(path).rows
    damaged, draw = tmp_path / "damaged.xlsx", random.Random(7)
    n_refused = 0
    for _ in range(200):
        flipped = bytearray(data)
        flipped[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        damaged.write_bytes(flipped)
        try:
            assert read_any(damaged).rows == whole
        except UnreadableSource:
            n_refused += 1
    assert n_refused > 100
