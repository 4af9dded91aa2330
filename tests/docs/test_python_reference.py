"""The page on perfusio in Python names every public name where it lives, and its code prints what it shows."""

import re
from importlib import import_module
from pathlib import Path

import pytest

import perfusio

from .pages import executed, misprints

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "python.md"
TEXT = PAGE.read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (`.*?) \| .* \| `([\w.]+)` \|$", TEXT, re.MULTILINE)
HOMES = {name: home for names, home in ROWS for name in re.findall(r"`(\w+)`", names)}


def test_every_public_name_stands_in_the_table():
    assert sorted(HOMES) == sorted(perfusio.__all__)


@pytest.mark.parametrize("name", sorted(HOMES))
def test_it_is_the_thing_that_lives_there(name):
    there = import_module(HOMES[name])
    assert getattr(there, "Panel" if name == "Process" else name) is getattr(perfusio, name)


def test_the_code_prints_what_the_page_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert misprints(TEXT, executed(TEXT)) == []


def test_its_links_lead_somewhere():
    links = [x for x in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in x]
    assert links
    assert not [link for link in links if not (PAGE.parent / link).exists()]
