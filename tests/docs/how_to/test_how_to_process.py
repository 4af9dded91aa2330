"""The how-to on processes does what it says: the file, the check, the run, the program."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.process.document import read_process
from perfusio.record.verification.verify import read_records, verify

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "describe-your-process.md").read_text(encoding="utf-8")
PROCESS, EXPERIMENT = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
(DATA,) = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)
(PROGRAM,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
CHECKED, TOLD, PRINTED = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
NEW, CHECK, RUN = (c.split()[1:] for c in re.findall(r"^\$ (perfusio .*)$", PAGE, re.MULTILINE))


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in (("process.toml", PROCESS), ("experiment.toml", EXPERIMENT), ("my_data.csv", DATA)):
        Path(name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_file_to_start_from_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, NEW).exit_code == 0
    assert read_process(Path("process.toml")).name


@pytest.mark.usefixtures("lab")
def test_the_check_prints_what_the_page_shows():
    assert CliRunner().invoke(app, CHECK).stdout == CHECKED


def test_the_run_tells_what_the_page_shows(lab):
    done = CliRunner().invoke(app, RUN)
    assert done.exit_code == 0, f"{done.output} {done.exception}"
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    for line in TOLD.splitlines():
        assert " ".join(line.split()) in lines
    record = lab / "results" / "audit.jsonl"
    assert verify(record).outcome == "COMPLETED"
    first, second = (r.payload for r in read_records(record) if r.event == "SampleRead" and r.turn < 2)
    assert first["state"]["asparagine"] == pytest.approx(1560.0 / 132.12)
    assert (first["state"]["ph_measured"], first["in_force"]["ph"]) == (7.02, 7.0)
    assert second["in_force"]["perfusion_rate"] == pytest.approx(10.4 * 24 / 250)


@pytest.mark.usefixtures("lab")
def test_the_program_prints_what_the_page_shows():
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert run.stdout == PRINTED
