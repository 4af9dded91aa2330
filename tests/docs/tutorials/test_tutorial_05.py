"""T05 runs: example 05 as the page calls it, then its code and its command on what the example wrote.

Forecasts change whenever the model does, so of what is printed the words are compared, and the numbers only roughly.
Run this file as a script to write the outputs anew.
"""

import contextlib
import csv
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.hybrid.checkpoints import read_checkpoint

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "tutorials" / "T05-transfer-between-clones.md"
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
            program, *arguments = shlex.split(text.removeprefix("$ "))
            if program == "python":
                command = [sys.executable, str(ROOT / arguments[0]), *arguments[1:]]
                done = subprocess.run(command, env=ENV, capture_output=True, text=True, check=True)
                assert done.stderr == ""
                Path("printed.txt").write_text(done.stdout, encoding="utf-8")
            else:
                result = CliRunner().invoke(app, arguments)
                assert result.exit_code == 0, result.exception
                printed = result.stdout
        blocks.append((kind, printed if kind == "text" else text))
    return blocks


def words_and_numbers(text: str) -> tuple[list[str], list[float]]:
    """Words without the clone that happens to be nearest, which ends a row of the table."""
    text = re.sub(r"(\d\.\d\d|-)  \w+$", r"\1", text, flags=re.MULTILINE)
    return re.sub(r"\d+(\.\d+)?", "#", text).split(), [float(n) for n in re.findall(r"\d+\.\d+", text)]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The page, executed once in an empty folder: (folder, blocks)."""
    folder = tmp_path_factory.mktemp("t05")
    with contextlib.chdir(folder):
        return folder, executed(PAGE.read_text(encoding="utf-8"))


@pytest.fixture
def rows(done):
    with (done[0] / "transfer" / "scores.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_page_prints_about_what_it_says(done):
    said = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    for (_, printed), (_, shown) in zip(done[1], said, strict=True):
        (words, numbers), (shown_words, shown_numbers) = words_and_numbers(printed), words_and_numbers(shown)
        assert words == shown_words, "write it anew: python tests/docs/tutorials/test_tutorial_05.py"
        assert numbers == pytest.approx(shown_numbers, rel=0.5, abs=0.3), "write it anew, see above"


def test_relatives_help_most_where_least_is_known(rows):
    assert [row["own runs"] for row in rows] == ["0", "1", "3", "6"]
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
    printed = (done[0] / "printed.txt").read_text(encoding="utf-8")
    for name in ("clones.png", "scores.csv", "runs.csv", "model/checkpoint.json"):
        assert str(Path("transfer") / name) in printed
    assert (out / "clones.png").stat().st_size > 10_000
    assert {run.clone for run in read_checkpoint(out / "model").training} == {"CloneY"}
    assert len(read_checkpoint(out / "model").training) == 6


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
