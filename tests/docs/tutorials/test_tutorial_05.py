"""T05 prints what it shows: example 05 as the page calls it, then its code and its command on what the example wrote.

Write the outputs anew: python tests/docs/pages.py docs/tutorials/T05-transfer-between-clones.md
"""

import contextlib
import csv
import re
from pathlib import Path

import pytest

from perfusio.hybrid.checkpoints import read_checkpoint

from ..pages import ROOT, STDOUT, executed, misprints

PAGE = ROOT / "docs" / "tutorials" / "T05-transfer-between-clones.md"
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The page, executed once in an empty folder: (folder, blocks)."""
    folder = tmp_path_factory.mktemp("t05")
    with contextlib.chdir(folder):
        return folder, executed(TEXT)


@pytest.fixture
def rows(done):
    with (done[0] / "transfer" / "scores.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_page_prints_what_it_shows(done):
    assert misprints(TEXT, done[1]) == []


def test_relatives_help_most_where_least_is_known(rows):
    assert [row["own runs"] for row in rows] == ["0", "1", "6"]
    gain = [float(row["alone"]) - float(row["with relatives"]) for row in rows]
    assert gain[0] > 0.1
    assert gain[0] > gain[-1]
    assert all(float(row["with relatives"]) < float(row["pooled"]) for row in rows)


def test_intervals_are_widest_without_a_run(rows):
    widths = [float(row["80 % width"]) for row in rows]
    assert widths[0] == max(widths)
    assert widths[-1] == min(widths)


def test_what_the_page_lists_is_there(done):
    out = done[0] / "transfer"
    printed = (done[0] / STDOUT).read_text(encoding="utf-8")
    for name in ("clones.png", "scores.csv", "runs.csv", "model/checkpoint.json"):
        assert str(Path("transfer") / name) in printed
    assert (out / "clones.png").stat().st_size > 10_000
    assert {run.clone for run in read_checkpoint(out / "model").training} == {"CloneY"}
    assert len(read_checkpoint(out / "model").training) == 6


def test_its_links_lead_somewhere():
    links = [x for x in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in x]
    assert links
    assert not [link for link in links if not (PAGE.parent / link).exists()]
