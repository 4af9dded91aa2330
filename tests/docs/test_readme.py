"""The README promises only what runs: its code, its commands, its links, its make targets."""

import asyncio
import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.record.verification.verify import verify
from perfusio.study.closed_loop import write_synthetic_csv

ROOT = Path(__file__).parents[2]
PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in (
    "README.md", "LIMITATIONS.md", "CONTRIBUTING.md", "CHANGELOG.md")}  # fmt: skip
README = PAGES["README.md"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a short sheet, so that the run is over soon."""
    monkeypatch.chdir(tmp_path)
    asyncio.run(write_synthetic_csv(Path("my_data.csv"), days=1, seed=0))
    Path("past_runs").mkdir()
    asyncio.run(write_synthetic_csv(Path("past_runs/old.csv"), days=4, seed=1))
    return tmp_path


def test_the_code_runs_as_it_stands(folder):
    short, long = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names = {"__name__": "__main__"}
    exec(compile(short, "<README>", "exec"), names)
    assert verify("results/audit.jsonl").outcome == "SOURCE_EXHAUSTED"
    assert len(names["samples"]) == 2
    exec(compile(long, "<README>", "exec"), {"__name__": "__main__"})
    assert verify("audit.jsonl").outcome == "SOURCE_EXHAUSTED"
    assert Path("my_data.setpoints.csv").exists()


def test_the_commands_run_as_they_stand(folder):
    commands = re.findall(r"^perfusio (.*)$", README, re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        result = CliRunner().invoke(app, shlex.split(command, comments=True))
        assert result.exit_code == 0, result.output
    assert {f.name for f in Path("results").iterdir()} >= {"audit.jsonl", "my_data.setpoints.csv", "forecast.png"}


@pytest.mark.parametrize("page", PAGES)
def test_links_and_folders_are_there(page):
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", PAGES[page]) if "://" not in link]
    assert not [link for link in links if not (ROOT / link).exists()]


def test_every_target_and_command_that_is_named_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`?make ([a-z][a-z-]*)", README + PAGES["CONTRIBUTING.md"])) - {"and", "the"}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    known = set(get_command(app).commands)
    assert set(re.findall(r"`perfusio ([a-z]+(?:-[a-z]+)*)", "".join(PAGES.values()))) <= known


def test_the_changelog_knows_this_version_or_says_unreleased():
    assert "## [Unreleased]" in PAGES["CHANGELOG.md"]
