"""The how-to on files of instruments does what it says, word for word."""

import re
import shlex
from pathlib import Path

from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.tables.read_any import read_any

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "import-instrument-files.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(csv|console|text)\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_prints_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, printed, n_compared = ["flex2.csv", "titer.csv"], "", 0
    for kind, block in BLOCKS:
        if kind == "csv":
            Path(names.pop(0)).write_text(block, encoding="utf-8")
        elif kind == "text":
            assert printed == block
            n_compared += 1
        else:
            printed = ""
            for command in re.findall(r"^\$ perfusio (.*)$", block, re.MULTILINE):
                result = CliRunner().invoke(app, shlex.split(command))
                assert result.exit_code == 0, (result.output, result.exception)
                printed += result.output
    assert n_compared == 3
    samples = [(r.run, r.reactor, r.state, r.setpoints) for r in read_any(Path("samples.csv")).rows]
    for other in ("samples.xlsx", "long.csv"):
        assert [(r.run, r.reactor, r.state, r.setpoints) for r in read_any(Path(other)).rows] == samples
    assert [row.state.glucose for row in read_any(Path("checked.csv")).rows] == [5.1, 4.3]
