"""The table of a fleet, and where a run is told as one: on a terminal redrawn, in a pipe as lines."""

import sys
from io import StringIO

import pytest
from rich.console import Console
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.cli.runs.fleet_table import fleet_table
from perfusio.cli.runs.live import Live
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.events import RunStarted, SampleMissing, SampleRead
from perfusio.record.verification.verify import verify
from perfusio.report.fleet import Fleet
from perfusio.testing import make_state


def started(n_vessels, **source):
    run = {"objective": {"kind": "track", "quantity": "vcd", "target": 30.0}, "duration_days": 28,
           "sampling_interval_hours": 24.0, "acquisition": "LogEI", "seed": 0}  # fmt: skip
    modes = {f"R{i:02d}": "automatic" for i in range(1, n_vessels + 1)}
    config = {"run": run, "modes": modes, "design_space": {"bounds": {}}}
    return RunStarted(config=config, versions={}, sources=dict.fromkeys(modes, source | {"kind": "simulated"}))


def read(reactor):
    nominal = DEFAULT_AMBR250_DESIGN_SPACE.nominal
    return SampleRead(reactor=reactor, turn=3, state=make_state(day=3, vcd=12.34), in_force=nominal)


@pytest.mark.parametrize("width", [80, 120])
def test_a_row_per_vessel_fits_the_terminal(width):
    fleet = Fleet()
    fleet.lines(started(24, clone="CloneX"))
    for event in (read("R01"), SampleMissing(reactor="R24", turn=3, expected_h=72.0, reason="No sample.")):
        fleet.lines(event)
    console = Console(width=width, record=True, file=StringIO())
    console.print(fleet_table(fleet, 28, width=width))
    text = console.export_text().splitlines()
    assert "hold vcd at 30 1e6 cells/mL: turn 3 of 28" in text[0]
    assert "…" not in "".join(text)
    assert len([line for line in text if "R0" in line or "R1" in line or "R2" in line]) == 24
    row = next(line for line in text if "R01" in line)
    assert all(value in row for value in ("CloneX", "12.3", "0.150", "36.5", "read"))
    assert ("850" in row) is (width == 120)
    assert "no sample" in next(line for line in text if "R24" in line)


@pytest.mark.parametrize("width", [80, 120])
def test_on_a_low_terminal_urgent_vessels_stay_and_the_others_are_counted(width):
    fleet = Fleet()
    fleet.lines(started(24, clone="CloneX"))
    fleet.lines(read("R01"))
    fleet.lines(SampleMissing(reactor="R24", turn=3, expected_h=72.0, reason="No sample."))
    console = Console(width=width, height=24, record=True, file=StringIO())
    console.print(fleet_table(fleet, 28, width=width, height=24))
    text = console.export_text().splitlines()
    rows = [line for line in text if line.strip().startswith("R")]
    assert len(text) <= 24
    assert "R24" in rows[0]  # no sample: it wants to be seen
    assert f"... and {24 - len(rows)} more, less urgent: perfusio status" in "\n".join(text)
    assert len(rows) == 15


def test_on_a_high_terminal_no_vessel_is_left_out():
    fleet = Fleet()
    fleet.lines(started(24))
    console = Console(width=120, height=50, record=True, file=StringIO())
    console.print(fleet_table(fleet, 28, width=120, height=50))
    text = console.export_text()
    assert text.count("R") >= 24
    assert "more" not in text


class Terminal:
    """Takes what is written, and says that it is a terminal."""

    def __init__(self):
        self.text, self.encoding = [], "utf-8"

    def write(self, text):
        self.text.append(text)

    def flush(self):
        pass

    def isatty(self):
        return True


def test_on_a_terminal_the_table_is_redrawn_below_the_lines(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LINES", "40")
    with Live(28) as live:
        live(started(6))
        live(read("R04"))
    shown = "".join(terminal.text)
    assert "Fleet:" in shown
    assert "turn 3 of 28" in shown
    assert "12.3" in shown


def test_in_a_pipe_a_fleet_is_lines(capsys):
    with Live(28) as live:
        live(started(6))
        live(read("R04"))
    assert [line[:6] for line in capsys.readouterr().out.splitlines()] == ["Aim:  ", "Fleet:", "Medium"]


def test_a_demo_of_many_vessels_is_one_twin_and_one_record(tmp_path):
    command = ["demo", "--vessels", "5", "--days", "1", "--out", str(tmp_path / "d")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    report = verify(tmp_path / "d" / "audit.jsonl")
    assert report.is_intact
    assert report.outcome == "COMPLETED"
    assert "5 virtual ambr 250 vessels, 1 day, one twin and one model" in result.stdout
    assert "day   1  5 vessels" in result.stdout
    assert max(len(line) for line in result.stdout.splitlines() if str(tmp_path) not in line) <= 120
