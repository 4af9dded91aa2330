"""T03 runs: example 03 as the page calls it, then its code as one script on what the example wrote.

Recommendations change whenever the model does, so of what is printed the words are compared, without the limit that is
tightest, and no numbers. Run this file as a script to write the outputs anew.
"""

import contextlib
import re
import tempfile

import pytest

if __name__ == "__main__":  # as a script, the folder of this file is where the tests are looked for
    from test_tutorial_02 import BLOCK, ROOT, executed
else:
    from .test_tutorial_02 import BLOCK, ROOT, executed

PAGE = ROOT / "docs" / "tutorials" / "T03-an-offline-campaign.md"
RUN = r"R\d\d"


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The page, executed once in an empty folder: (folder, blocks)."""
    folder = tmp_path_factory.mktemp("t03")
    with contextlib.chdir(folder):
        return folder, executed(PAGE.read_text(encoding="utf-8"))


def words(text: str) -> list[str]:
    text = re.sub(r", the tightest is [^\n]*", "", text)
    return re.sub(rf"{RUN}|\d+(\.\d+)?", "#", text).split()


def test_the_page_prints_the_words_that_it_shows(done):
    said = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    for (_, printed), (_, shown) in zip(done[1], said, strict=True):
        if "at even odds" not in shown:  # whether any is safe enough depends on the model
            assert words(printed) == words(shown), "write it anew: python tests/docs/tutorials/test_tutorial_03.py"


def test_batches_follow_each_other_and_wait(done):
    first, waiting, best, partial = (text for kind, text in done[1] if kind == "text")
    assert re.findall(rf"^{RUN}", first, re.MULTILINE) == ["R22", "R23", "R24"]
    assert waiting == "['R22', 'R23', 'R24']\n"
    assert partial == "R22 has 3 samples and still waits\n"
    assert re.match(rf"({RUN}: productivity|none is safe enough)", best)


def test_the_example_writes_and_prints_what_the_page_says(done):
    folder, _ = done
    printed = (folder / "printed.txt").read_text(encoding="utf-8")
    assert re.findall(rf"^  ({RUN})  ", printed, re.MULTILINE) == [f"R{i}" for i in range(14, 22)]
    assert len(re.findall("keeps all limits with P = ", printed)) >= 8
    assert "Best so far: " in printed or "No run is likely to keep all limits" in printed
    out = folder / "campaign"
    assert len((out / "runs.csv").read_text(encoding="utf-8").splitlines()) == 1 + 21 * 15
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
