"""The page on extensions: every example runs and prints what is shown, every kind of part and every check is named."""

import re

import pytest

from perfusio import testing
from perfusio.registry import ACQUISITIONS, ALL, OBJECTIVES

from .pages import ROOT, executed, misprints

PATH = ROOT / "docs" / "extending.md"
PAGE = PATH.read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def forget():
    yield
    ACQUISITIONS.forget("cautious")
    OBJECTIVES.forget("margin")


def test_every_example_runs_and_prints_what_is_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert misprints(PAGE, executed(PAGE)) == []


def test_five_bullets_name_every_kind_of_part_and_its_check():
    bullets = re.findall(r"^- \*\*.*?(?=^- \*\*|^\n|\Z)", PAGE.split("## ")[0], re.MULTILINE | re.DOTALL)
    assert len(bullets) == 5
    named = set(re.findall(r"`([\w.]+)`", "".join(bullets)))
    checks = {name for name in testing.__all__ if name.startswith("check_")}
    assert named == {registry.group for registry in ALL} | checks


def test_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", PAGE):
        assert (PATH.parent / link).exists(), link
