"""The how-to on fitting and scoring does what it says: commands and code in order, printed output compared.

Write the outputs anew: python tests/docs/pages.py docs/how-to/fit-and-score-a-model.md
"""

import re

from ..pages import ROOT, executed, misprints

TEXT = (ROOT / "docs" / "how-to" / "fit-and-score-a-model.md").read_text(encoding="utf-8")


def test_the_page_prints_what_it_says_and_writes_what_it_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert misprints(TEXT, executed(TEXT)) == []
    for name in set(re.findall(r"`((?:scores|forecast)/[a-z]+\.[a-z]+)`", TEXT)):
        assert (tmp_path / name).exists()
    assert "same model: True" in TEXT
