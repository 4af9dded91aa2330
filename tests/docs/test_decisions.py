"""Decision records are numbered in order of time, dated, with a status, and listed; the files they name exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "explanations" / "decisions"
RECORDS = {p.name: p.read_text(encoding="utf-8") for p in sorted(FOLDER.glob("*.md")) if p.name != "README.md"}
INDEX = (FOLDER / "README.md").read_text(encoding="utf-8")
HEAD = re.compile(r"# (\d+)\. (.*)\n\n\*\*Status\.\*\* (\d{4}-\d\d-\d\d)\. (Accepted|Proposed|Superseded by \d+)[.;]")
STATUS = r"(accepted|proposed|superseded by \d+)"
ROW = re.compile(rf"^\| (\d+) \| \[(.*)\]\(([\w-]+\.md)\) \| (\d{{4}}-\d\d-\d\d) \| {STATUS} \|$", re.M)


@pytest.mark.parametrize("name", RECORDS)
def test_it_says_number_date_and_status(name):
    assert HEAD.match(RECORDS[name]), "begin with '# 7. Title' and '**Status.** 2026-12-01. Accepted.'"


def test_the_index_lists_them_all_in_order_of_time():
    listed = [(int(n), title, name, date, status) for n, title, name, date, status in ROW.findall(INDEX)]
    said = {name: HEAD.match(text) for name, text in RECORDS.items()}
    told = sorted((int(m[1]), m[2], name, m[3], m[4].lower()) for name, m in said.items())
    assert listed == told
    assert [row[0] for row in listed] == list(range(1, len(RECORDS) + 1))
    assert [row[3] for row in listed] == sorted(row[3] for row in listed)


@pytest.mark.parametrize("name", RECORDS)
def test_every_file_that_it_names_is_there(name):
    named = re.findall(r"`((?:[\w.]+/)*[\w-]+\.(?:py|toml|json|md))`", RECORDS[name])
    places = (ROOT, ROOT / "src" / "perfusio", ROOT / "docs", FOLDER)
    known = {p.name for part in ("src", "tests", "benchmarks") for p in (ROOT / part).rglob("*.py")}
    users = {"process.toml", "experiment.toml", "campaign.json", "run.json", "mapping.toml", "nodes.toml", "model.json"}
    lost = [f for f in named if f not in users and not any((place / f).exists() for place in places)]
    assert not [f for f in lost if "/" in f or f not in known]


@pytest.mark.parametrize("name", [*RECORDS, "README.md"])
def test_its_links_lead_somewhere(name):
    text = (FOLDER / name).read_text(encoding="utf-8")
    links = [x for x in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in x]
    assert not [link for link in links if not (FOLDER / link).exists()]
