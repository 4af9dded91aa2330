"""T07 runs: its code as one script in an empty folder; printed text where the page shows it."""

import contextlib
import io
import os
import re
from pathlib import Path

import pytest

from perfusio.record.verification.verify import verify

DOCS = Path(__file__).parents[3] / "docs"
PAGES = [DOCS / "tutorials" / "T07-a-rig-behind-opcua.md", DOCS / "how-to" / "connect-over-opcua.md"]
PAGE, HOW_TO = (page.read_text(encoding="utf-8") for page in PAGES)
BLOCK = re.compile(r"```(python|text|toml)\n(.*?)```\n", re.DOTALL)


def executed(blocks):
    """Run Python blocks as one script and compare with the text after them."""
    names, printed = {"__name__": "__main__"}, ""
    for kind, text in blocks:
        if kind == "text":
            assert printed == text
        elif kind == "python":
            code = text.replace("run_dir=Path(folder)", "run_dir=Path(folder), n_paths=32")
            with contextlib.redirect_stdout(io.StringIO()) as stdout:
                exec(compile(code, "<tutorial>", "exec"), names)
            printed = stdout.getvalue()


def test_the_code_runs_and_prints_what_the_page_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    executed(BLOCK.findall(PAGE))
    assert verify("advised/audit.jsonl").outcome == "COMPLETED"
    assert verify("automatic/audit.jsonl").outcome == "COMPLETED"


def test_the_how_to_shows_a_map_that_is_understood_and_code_that_compiles():
    import tomllib

    from perfusio.connectors.opc_ua.node_map import node_map_of

    blocks = BLOCK.findall(HOW_TO)
    toml, signals = (tomllib.loads(text) for kind, text in blocks if kind == "toml")
    assert set(node_map_of(toml).vessels) == {"R01", "R02"}
    assert set(signals) == {"sample", "signals"}
    first, *last = [block for block in blocks if block[0] != "toml"]
    compile(first[1], "<how-to>", "exec")  # it needs a server in a laboratory
    executed(last)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_its_links_lead_somewhere(page):
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")) if "://" not in link]
    assert links
    assert not [link for link in links if not os.path.exists(page.parent / link)]
