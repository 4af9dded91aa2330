"""The how-to page for workbooks does what it says: its tables as a workbook, its map, its code, in order."""

import contextlib
import io
import re
from datetime import datetime
from pathlib import Path

from perfusio.state import SETPOINTS
from perfusio.tables.columns.column_map import ColumnMap, FeedSheet

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "read-an-excel-workbook.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def typed(text):
    """A cell of the page as Excel would keep it."""
    with contextlib.suppress(ValueError):
        return datetime.fromisoformat(text) if ":" in text else float(text)
    return text


def tables():
    """Rows of cells of each table of the page."""
    found = re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE)
    lines = [[line for line in table.splitlines() if not set(line) <= set("|-")] for table in found]
    return [[[typed(c.strip()) for c in line.strip().strip("|").split("|")] for line in table] for table in lines]


def test_the_code_prints_what_the_page_shows(tmp_path, monkeypatch, write_xlsx):
    samples, feeds, _ = tables()
    assert [len(row) for row in samples] == [10] * 5
    write_xlsx(tmp_path / "cultures.xlsx", {"Samples": samples, "Feeds": feeds})
    (tmp_path / "mapping.toml").write_text(blocks("toml")[0], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code, expected in zip(blocks("python"), blocks("text"), strict=True):
        with contextlib.redirect_stdout(io.StringIO()) as stdout:
            exec(compile(code, "<how-to>", "exec"), names)
        assert stdout.getvalue() == expected


def test_every_entry_of_a_map_is_explained():
    words = set(re.findall(r"[a-z_]+", PAGE))
    entries = {*ColumnMap.__dataclass_fields__, *FeedSheet.__dataclass_fields__, *SETPOINTS}
    entries -= {"panel"}  # which is no part of the file
    assert not entries - words
