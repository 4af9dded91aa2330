"""T03 prints what it shows, and its story holds: the recommended run that keeps the limit beats the design's.

Write the outputs anew: python tests/docs/pages.py docs/tutorials/T03-an-offline-campaign.md
"""

import contextlib
import re

import pytest

from perfusio import Campaign, HybridModel

from ..pages import ROOT, STDOUT, executed, misprints

PAGE = ROOT / "docs" / "tutorials" / "T03-an-offline-campaign.md"
TEXT = PAGE.read_text(encoding="utf-8")
RUN = r"R\d\d"


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The page, executed once in an empty folder: (folder, blocks)."""
    folder = tmp_path_factory.mktemp("t03")
    with contextlib.chdir(folder):
        return folder, executed(TEXT)


def test_the_page_prints_what_it_shows(done):
    assert misprints(TEXT, done[1]) == []


def test_the_story_is_that_of_the_runs(done):
    campaign = Campaign.load(done[0] / "campaign" / "campaign.json", HybridModel())
    made = dict(campaign.to_frame()[["run", "measured"]].to_numpy())
    lowest = {name: run.to_frame()["viability"].min() for name, run in campaign.runs.items() if name in made}
    names = [f"R{i:02d}" for i in range(1, 20)]
    kept = [name for name in names if lowest[name] >= 95.0]
    assert max(names, key=made.get) == "R02"
    assert "R02" not in kept
    assert max((n for n in kept if n <= "R13"), key=made.get) == "R12"
    assert [n for n in kept if n > "R13"] == ["R17", "R19"]
    assert made["R17"] / made["R12"] == pytest.approx(1.5, abs=0.05)
    others = [n for n in names if n > "R13" and n not in kept]
    assert len(others) == 4
    assert all(made[n] > made["R17"] for n in others)
    assert all(93.9 <= lowest[n] < 95.0 for n in others)


def test_batches_follow_each_other_and_wait(done):
    _, first, waiting, best, partial = (text for kind, text in done[1] if kind == "text")
    assert re.findall(rf"^{RUN}", first, re.MULTILINE) == ["R20", "R21", "R22"]
    assert waiting == "['R20', 'R21', 'R22']\n"
    assert partial == "R20 has 3 samples and still waits\n"
    assert re.match(rf"{RUN}: productivity", best)


def test_the_example_writes_and_prints_what_the_page_says(done):
    folder, _ = done
    printed = (folder / STDOUT).read_text(encoding="utf-8")
    assert re.findall(rf"^  ({RUN})  ", printed, re.MULTILINE) == [f"R{i}" for i in range(14, 20)]
    assert len(re.findall("keeps all limits with P = ", printed)) >= 6
    assert "Best so far: " in printed or "No run is likely to keep all limits" in printed
    out = folder / "campaign"
    assert len((out / "runs.csv").read_text(encoding="utf-8").splitlines()) == 1 + 19 * 11
    assert (out / "rounds.png").stat().st_size > 10_000


def test_a_second_call_does_not_replace_the_campaign(done, monkeypatch):
    import runpy
    import sys

    folder, _ = done
    before = (folder / "campaign" / "campaign.json").read_bytes()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["03"])
    with pytest.raises(SystemExit, match="--overwrite"):
        runpy.run_path(str(ROOT / "examples" / "03_offline_campaign.py"), run_name="__main__")
    assert (folder / "campaign" / "campaign.json").read_bytes() == before


def test_its_links_lead_somewhere():
    links = [x for x in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in x]
    assert links
    assert not [link for link in links if not (PAGE.parent / link).exists()]
