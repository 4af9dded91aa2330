"""Every tutorial is executed: its Python as one script, its commands in between, its printed output compared.

Run this file as a script to write the outputs anew.
"""

import contextlib
import io
import re
import shlex
import tempfile
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from perfusio.cli.models.design import design
from perfusio.cli.models.simulate import simulate

FOLDER = Path(__file__).parents[3] / "docs" / "tutorials"
TUTORIALS = sorted(FOLDER.glob("T01-*.md"))
BLOCK = re.compile(r"```(python|console|text)\n(.*?)```\n", re.DOTALL)
COMMANDS = {"design": design, "simulate": simulate}


def executed(page: str) -> list[tuple[str, str]]:
    """(kind, text) of each block, with what it really printed in place of each text block."""
    names: dict[str, object] = {"__name__": "__main__"}
    blocks, printed = [], ""
    for kind, text in BLOCK.findall(page):
        if kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as stdout:
                exec(compile(text, "<tutorial>", "exec"), names)
            printed = stdout.getvalue()
        elif kind == "console":
            for line in re.findall(r"^\$ perfusio (.*)$", text, re.MULTILINE):
                name, *arguments = shlex.split(line)
                app = typer.Typer()
                app.command()(COMMANDS[name])
                result = CliRunner().invoke(app, arguments)
                assert result.exit_code == 0, result.exception
        blocks.append((kind, printed if kind == "text" else text))
    return blocks


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda p: p.stem)
def test_tutorial_prints_what_it_says(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = path.read_text(encoding="utf-8")
    assert executed(page) == BLOCK.findall(page)
    assert len(BLOCK.findall(page)) > 3


def rewrite(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        blocks = iter(executed(page))
    path.write_text(BLOCK.sub(lambda _: "```{}\n{}```\n".format(*next(blocks)), page), encoding="utf-8")


if __name__ == "__main__":
    for tutorial in TUTORIALS:
        rewrite(tutorial)
