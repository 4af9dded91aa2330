"""The how-to on fitting and scoring does what it says: commands and code in order, printed output compared.

Run this file as a script to write the outputs anew.
"""

import contextlib
import io
import re
import shlex
import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "fit-and-score-a-model.md"
BLOCK = re.compile(r"```(python|console|text)\n(.*?)```\n", re.DOTALL)


def executed(page: str) -> list[tuple[str, str]]:
    """(kind, text) of each block, with what was really printed in place of each text block."""
    names: dict[str, object] = {"__name__": "__main__"}
    blocks, printed = [], ""
    for kind, text in BLOCK.findall(page):
        if kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as stdout:
                exec(compile(text, "<how-to>", "exec"), names)
            printed = stdout.getvalue()
        elif kind == "console":
            for line in re.findall(r"^\$ perfusio (.*)$", text, re.MULTILINE):
                result = CliRunner().invoke(app, shlex.split(line))
                assert result.exit_code == 0, result.exception
        blocks.append((kind, printed if kind == "text" else text))
    return blocks


def words_and_numbers(text: str) -> tuple[list[str], list[float]]:
    return re.sub(r"\d+(\.\d+)?", "#", text).split(), [float(n) for n in re.findall(r"\d+\.\d+", text)]


def test_the_page_prints_what_it_says_and_writes_what_it_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text(encoding="utf-8")
    for (_, printed), (_, said) in zip(executed(page), BLOCK.findall(page), strict=True):
        (words, numbers), (said_words, said_numbers) = words_and_numbers(printed), words_and_numbers(said)
        assert words == said_words, "write it anew: python tests/docs/how_to/test_how_to_fit.py"
        # the last digits of a fit depend on the version of LAPACK
        assert numbers == pytest.approx(said_numbers, rel=0.1, abs=0.05), "write it anew, see above"
    for name in set(re.findall(r"`((?:scores|forecast)/[a-z]+\.[a-z]+)`", page)):
        assert (tmp_path / name).exists()
    assert "same model: True" in page


def rewrite() -> None:
    page = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        blocks = iter(executed(page))
    PAGE.write_text(BLOCK.sub(lambda _: "```{}\n{}```\n".format(*next(blocks)), page), encoding="utf-8")


if __name__ == "__main__":
    rewrite()
