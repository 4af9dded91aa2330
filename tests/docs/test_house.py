"""The page that draws the house draws this one, and no page names a file that is not there."""

import re
import subprocess
from pathlib import Path

import pytest

import perfusio

ROOT, SOURCE = Path(__file__).parents[2], Path(perfusio.__file__).parent
PAGE = (ROOT / "docs" / "explanations" / "the-house.md").read_text(encoding="utf-8")
TREE = PAGE.split("```")[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FILE = re.compile(r"(?<![\w./<>-])(?:[\w-]+/)*[\w-]+\.py\b")


def sections():
    return dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_the_tree_has_every_folder_and_no_other():
    drawn = set(re.findall(r"^([a-z_]+)/ ", TREE, re.MULTILINE))
    assert drawn == {p.name for p in SOURCE.iterdir() if (p / "__init__.py").exists()}
    of_twin = set(re.findall(r"^  ([a-z_]+)/ ", TREE, re.MULTILINE))
    assert of_twin == {p.name for p in (SOURCE / "twin").iterdir() if (p / "__init__.py").exists()}


def test_a_sample_is_walked_through_in_at_most_ten_steps():
    text = sections()["One sample, from a file to a setpoint"]
    steps = re.findall(r"^(\d+)\. (.*?)(?=^\d+\. |\Z)", text, re.MULTILINE | re.DOTALL)
    assert [int(n) for n, _ in steps] == list(range(1, len(steps) + 1))
    assert len(steps) <= 10
    assert all(FILE.search(text) for _, text in steps)


def test_fifteen_questions_have_a_file_each():
    text = sections()["Fifteen questions"]
    answers = re.findall(r"<details><summary>(\d+)\. .*?\?</summary>\n\n(.*?)\n</details>", text, re.DOTALL)
    assert [int(n) for n, _ in answers] == list(range(1, 16))
    assert all(FILE.search(answer) for _, answer in answers)


def test_every_file_that_the_page_names_is_there():
    named = {name for name in FILE.findall(PAGE.replace(TREE, "")) if not name.startswith("tests/")}
    assert len(named) > 30
    assert not [name for name in named if not (SOURCE / name).exists()]


@pytest.fixture(scope="module")
def files():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    return listed or [p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*") if ".venv" not in p.parts]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_page_names_a_file_that_is_not_there(page, files):
    ends = {part for name in files for part in (name, *(name[i + 1 :] for i, c in enumerate(name) if c == "/"))}
    text = re.sub(r"\]\(https?://[^)]*\)|https?://\S+", "", page.read_text(encoding="utf-8"))
    named = {name for name in FILE.findall(text) if "test_<" not in name}
    assert sorted(name for name in named if name not in ends) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_page_names_a_module_that_is_not_there(page):
    """`perfusio.a.b` is a folder, a module, or a name in one."""
    lost = []
    for name in set(re.findall(r"`(perfusio(?:\.[a-z_]+)+)", page.read_text(encoding="utf-8"))):
        place = SOURCE.parent.joinpath(*name.split("."))
        if not any(p.is_dir() or p.with_suffix(".py").exists() for p in (place, place.parent)):
            lost.append(name)
    assert sorted(lost) == []
