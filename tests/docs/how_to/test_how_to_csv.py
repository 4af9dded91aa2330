"""The how-to page for CSV files does what it says, word for word."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from perfusio.errors import UnreadableSource
from perfusio.tables.columns.columns import read_header
from perfusio.tables.columns.problems import Problems
from perfusio.tables.table import parse_table

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "prepare-a-csv.md").read_text(encoding="utf-8")


def block(language):
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


def test_the_code_prints_what_the_page_shows(tmp_path):
    (tmp_path / "my_data.csv").write_text(block("csv"))
    run = subprocess.run(
        [sys.executable, "-c", block("python")], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert run.stdout == block("text")
    assert run.stderr == ""


def headers():
    table = re.search(r"\| column \|.*?\n\n", PAGE, re.DOTALL)[0]
    cells = [line.split("|")[3] for line in table.splitlines()[2:] if line]
    return [header for cell in cells for header in re.findall(r"`([^`]+)`", cell)]


@pytest.mark.parametrize("header", headers())
def test_every_header_of_the_page_is_known(header):
    problems = Problems("page.csv")
    beside = "bleed_rate" if "bleed_rate" not in header else "perfusion_rate"  # as in the tables of the page
    column, _ = read_header([header, beside], problems)
    assert problems.sentences() == ()
    assert column.header == header


@pytest.mark.parametrize(
    "content",
    ["day,VCD,Glc\n0,1,27\n", "day,VCD\n0,5e5\n", "day,VCD\n0,1\n24,2\n", "day,VCD,Via\n0,1,101\n", "day,VCD\n0,1_0\n"],
)
def test_what_the_page_calls_refused_is_refused(content):
    with pytest.raises(UnreadableSource):
        parse_table(content.encode(), "page.csv")
