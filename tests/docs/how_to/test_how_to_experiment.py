"""The how-to on experiment.toml does what it says, and its table names every setting of every kind of connector."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.cli.experiment_file.connections import KINDS
from perfusio.cli.experiment_file.experiment import SECTIONS, VesselSettings, load
from perfusio.record.verification.verify import read_records, verify

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "describe-an-experiment.md").read_text(encoding="utf-8")
EXPERIMENTS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [shlex.split(c) for c in re.findall(r"^\$ perfusio (.*)$", PAGE, re.MULTILINE)]
(PRINTED,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)


def test_the_first_experiment_is_shown_and_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("experiment.toml").write_text(EXPERIMENTS[0], encoding="utf-8")
    shown, ran = (CliRunner().invoke(app, command) for command in COMMANDS)
    assert shown.output.replace(str(tmp_path), "/home/me") == PRINTED
    assert ran.exit_code == 0, ran.output
    assert verify(tmp_path / "results" / "audit.jsonl").outcome == "COMPLETED"
    assert {r.reactor for r in read_records(tmp_path / "results" / "audit.jsonl")} == {None, "left", "right"}


@pytest.mark.parametrize("text", EXPERIMENTS)
def test_every_experiment_of_the_page_is_understood(tmp_path, text):
    (tmp_path / "experiment.toml").write_text(text, encoding="utf-8")
    assert load(tmp_path / "experiment.toml", {}, environ={}).settings


def test_every_section_and_setting_is_named():
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE))
    for name, kind in KINDS.items():
        must, may = (set(re.findall(r"`(\w+)`", cell)) for cell in f" {rows[name]}".split(" | "))
        needed = {f for f, about in kind.settings.model_fields.items() if about.is_required()}
        assert (must, may) == (needed, set(kind.settings.model_fields) - needed - {"kind"}), name
    for section in SECTIONS:
        assert f"[{section}" in PAGE
    for field in VesselSettings.model_fields:
        assert f"`{field}`" in PAGE
