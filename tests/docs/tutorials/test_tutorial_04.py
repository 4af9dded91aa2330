"""T04 runs: example 04 as the page calls it, then its code as one script on what the example wrote."""

import contextlib
import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest

from perfusio.record.verification.verify import verify

from ..programs import ran

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "tutorials" / "T04-several-objectives.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the example wrote, with what it printed in printed.txt."""
    where = tmp_path_factory.mktemp("t04")
    assert "$ python examples/04_multi_objective.py\n" in PAGE
    done = ran(ROOT / "examples" / "04_multi_objective.py", cwd=where)
    assert (done.returncode, done.stderr) == (0, "")
    (where / "printed.txt").write_text(done.stdout, encoding="utf-8")
    return where


def test_the_page_prints_what_it_says(folder):
    names = {"__name__": "__main__"}
    shown = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", PAGE, re.DOTALL)
    assert len(shown) == 3
    for code, said in shown:
        with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as stdout:
            exec(compile(code, "<tutorial>", "exec"), names)
        assert stdout.getvalue() == said


def test_the_actions_trade_product_for_medium_and_keep_the_limits(folder):
    with (folder / "pareto" / "actions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    product, medium = ([float(r[name]) for r in rows] for name in ("productivity", "medium"))
    assert len(rows) >= 5
    assert product[-1] > 2.0 * product[0]
    assert medium[-1] > 1.5 * medium[0]
    assert np.corrcoef(product, medium)[0, 1] > 0.9
    assert all(float(r["probability"]) >= 0.94 for r in rows)


def test_less_weight_on_medium_brings_more_of_both(folder):
    with (folder / "pareto" / "runs.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lightest, heaviest = rows[0], rows[-1]
    assert float(lightest["productivity"]) > 1.5 * float(heaviest["productivity"])
    assert float(lightest["medium"]) > 1.5 * float(heaviest["medium"])
    assert len(rows) == 4
    for row in rows:
        assert verify(folder / "pareto" / f"weight-{float(row['weight']):g}" / "audit.jsonl").is_intact


def test_what_the_page_lists_is_there(folder):
    assert (folder / "pareto" / "fronts.png").stat().st_size > 10_000
    printed = (folder / "printed.txt").read_text(encoding="utf-8")
    for words in ("actions that no other beats", "At the knee:", "Hypervolume from no product", "weight of medium"):
        assert words in printed


def test_its_links_lead_somewhere():
    page = ROOT / "docs" / "tutorials"
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", PAGE) if "://" not in link]
    assert links
    assert not [link for link in links if not (page / link).exists()]
