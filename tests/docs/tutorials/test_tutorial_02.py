"""T02 runs: example 02 as the page calls it, then its code as one script on what the example wrote.

Forecasts change whenever the model does, so of what is printed the words are compared, and the numbers only roughly;
the lines on persistence, which come and go, are left out. Run this file as a script to write the outputs anew.
"""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "tutorials" / "T02-fit-and-score.md"
BLOCK = re.compile(r"```(python|console|text)\n(.*?)```\n", re.DOTALL)
ENV = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def executed(page: str) -> list[tuple[str, str]]:
    """(kind, text) of each block, with what was really printed in place of each text block."""
    names: dict[str, object] = {"__name__": "__main__"}
    blocks, printed = [], ""
    for kind, text in BLOCK.findall(page):
        if kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as stdout:
                exec(compile(text, "<tutorial>", "exec"), names)
            printed = stdout.getvalue()
        elif kind == "console":
            for line in re.findall(r"^\$ python (.*)$", text, re.MULTILINE):
                script, *arguments = shlex.split(line)
                command = [sys.executable, str(ROOT / script), *arguments]
                done = subprocess.run(command, env=ENV, capture_output=True, text=True, check=True)
                assert done.stderr == ""
                Path("printed.txt").write_text(done.stdout, encoding="utf-8")
        blocks.append((kind, printed if kind == "text" else text))
    return blocks


def words_and_numbers(text: str) -> tuple[list[str], list[float]]:
    text = re.sub(r"\n  Not better than .*", "", text)
    return re.sub(r"\d+(\.\d+)?", "#", text).split(), [float(n) for n in re.findall(r"\d+\.\d+", text)]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The page, executed once in an empty folder: (folder, blocks)."""
    folder = tmp_path_factory.mktemp("t02")
    with contextlib.chdir(folder):
        return folder, executed(PAGE.read_text(encoding="utf-8"))


def test_the_page_prints_about_what_it_says(done):
    said = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    for (_, printed), (_, shown) in zip(done[1], said, strict=True):
        (words, numbers), (shown_words, shown_numbers) = words_and_numbers(printed), words_and_numbers(shown)
        assert words == shown_words, "write it anew: python tests/docs/tutorials/test_tutorial_02.py"
        assert numbers == pytest.approx(shown_numbers, rel=0.5, abs=0.3), "write it anew, see above"


def test_the_row_that_the_page_explains_is_the_rrmse_of_the_table(done):
    table, miss, intervals, _ = (text for kind, text in done[1] if kind == "text")
    row = re.search(r"^vcd .*$", table, re.MULTILINE)[0].split()
    n, hybrid, _, persistence, _, inside = int(row[1]), *map(float, row[2:7])
    assert float(miss.split()[-1]) == pytest.approx(hybrid, abs=0.0011)
    assert hybrid < 0.6 * persistence
    kept = [low <= value <= high for low, high, value in
            (map(float, re.findall(r"\d+\.\d+", line)) for line in intervals.splitlines())]  # fmt: skip
    assert len(kept) == n
    assert 100.0 * sum(kept) / n == pytest.approx(inside, abs=0.51)  # as printed, in whole per cent


def test_the_example_prints_its_table_and_writes_what_the_page_lists(done):
    folder, blocks = done
    printed = (folder / "printed.txt").read_text(encoding="utf-8")
    for horizon in ("1 day ahead", "3 days ahead", "7 days ahead", "Trajectory: every day"):
        assert f"\n{horizon}" in printed
    table = next(text for kind, text in blocks if kind == "text")
    seven_days = next(block for block in printed.split("\n\n") if block.startswith("7 days ahead"))
    assert words_and_numbers(seven_days)[0] == words_and_numbers(table)[0]
    out = folder / "fit-and-score"
    assert "runs.csv" in printed
    assert len((out / "runs.csv").read_text(encoding="utf-8").splitlines()) == 1 + 13 * 15
    for name in ("parity.png", "coverage.png", "forecast.png"):
        assert f"{Path('fit-and-score') / name}" in printed
        assert (out / name).stat().st_size > 10_000


def test_its_links_lead_somewhere():
    links = [x for x in re.findall(r"\]\(([^)#]+)\)", PAGE.read_text(encoding="utf-8")) if "://" not in x]
    assert links
    assert not [link for link in links if not (PAGE.parent / link).exists()]


def rewrite() -> None:
    page = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        blocks = iter(executed(page))
    PAGE.write_text(BLOCK.sub(lambda _: "```{}\n{}```\n".format(*next(blocks)), page), encoding="utf-8")


if __name__ == "__main__":
    rewrite()
