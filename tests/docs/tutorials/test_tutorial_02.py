"""T02 prints what it shows: example 02 as the page calls it, then its code as one script on what the example wrote.

Write the outputs anew: python tests/docs/pages.py docs/tutorials/T02-fit-and-score.md
"""

import contextlib
import re
from pathlib import Path

import pytest

from ..pages import NUMBER, ROOT, STDOUT, executed, misprints

PAGE = ROOT / "docs" / "tutorials" / "T02-fit-and-score.md"
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The page, executed once in an empty folder: (folder, blocks)."""
    folder = tmp_path_factory.mktemp("t02")
    with contextlib.chdir(folder):
        return folder, executed(TEXT)


def test_the_page_prints_what_it_shows(done):
    assert misprints(TEXT, done[1]) == []


def test_the_row_that_the_page_explains_is_the_rrmse_of_the_table(done):
    table, miss, intervals, _ = (text for kind, text in done[1] if kind == "text")
    row = re.search(r"^vcd .*$", table, re.MULTILINE)[0].split()
    n, hybrid, _, _, persistence, _, inside = int(row[1]), *map(float, row[2:8])
    assert float(miss.split()[-1]) == pytest.approx(hybrid, abs=0.0011)
    assert hybrid < 0.6 * persistence
    kept = [low <= value <= high for low, high, value in
            (map(float, re.findall(r"\d+\.\d+", line)) for line in intervals.splitlines())]  # fmt: skip
    assert len(kept) == n
    assert 100.0 * sum(kept) / n == pytest.approx(inside, abs=0.51)  # as printed, in whole per cent


def test_the_example_prints_its_table_and_writes_what_the_page_lists(done):
    folder, blocks = done
    printed = (folder / STDOUT).read_text(encoding="utf-8")
    for horizon in ("1 day ahead", "3 days ahead", "7 days ahead", "Trajectory: every day"):
        assert f"\n{horizon}" in printed
    table = next(text for kind, text in blocks if kind == "text")
    seven_days = next(block for block in printed.split("\n\n") if block.startswith("7 days ahead"))
    assert NUMBER.sub("#", re.sub(r"\n  Not better than .*", "", seven_days)).split() == NUMBER.sub("#", table).split()
    out = folder / "fit-and-score"
    assert "runs.csv" in printed
    assert len((out / "runs.csv").read_text(encoding="utf-8").splitlines()) == 1 + 13 * 15
    for name in ("parity.png", "coverage.png", "forecast.png"):
        assert f"{Path('fit-and-score') / name}" in printed
        assert (out / name).stat().st_size > 10_000


def test_its_links_lead_somewhere():
    links = [x for x in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in x]
    assert links
    assert not [link for link in links if not (PAGE.parent / link).exists()]
