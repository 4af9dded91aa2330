"""T06 runs: its code as one script in an empty folder, on a shorter sheet; printed text where the page shows it."""

import contextlib
import io
import os
import re
from pathlib import Path

from perfusio.record.verification.verify import verify

PAGE = (Path(__file__).parents[3] / "docs" / "tutorials" / "T06-online-digital-twin.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```(python|text)\n(.*?)```\n", re.DOTALL)
ISSUE = """\
import asyncio
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig

connector = FilesystemStore(source_path="my_data.csv")
run_cfg = RunConfig(duration_days=14, sampling_interval_hours=24.0)
twin = DigitalTwin(connector=connector, design_space=DEFAULT_AMBR250_DESIGN_SPACE, run_config=run_cfg)
"""


def test_the_code_runs_and_prints_what_the_page_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, printed = {"__name__": "__main__"}, ""
    for kind, text in BLOCK.findall(PAGE):
        if kind == "text":
            assert printed == text
            continue
        code = text.replace("days=14, seed=0", "days=2, seed=0")  # a shorter sheet ends the run sooner
        with contextlib.redirect_stdout(io.StringIO()) as stdout:
            exec(compile(code, "<tutorial>", "exec"), names)
        printed = stdout.getvalue()
    assert verify("audit.jsonl").outcome == "SOURCE_EXHAUSTED"
    assert Path("forecast.png").stat().st_size > 10_000
    assert Path("my_data.setpoints.csv").exists()


def test_the_code_is_that_of_the_readme_and_stays_for_ever():
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    assert ISSUE in PAGE
    assert ISSUE in readme


def test_its_links_lead_somewhere():
    folder = Path(__file__).parents[3] / "docs" / "tutorials"
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", PAGE) if "://" not in link]
    assert links
    assert not [link for link in links if not os.path.exists(folder / link)]
