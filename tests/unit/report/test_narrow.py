"""The daily table on a terminal of 80 characters: as readable as on 120, and nothing is left out."""

import asyncio

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.report.fleet import Fleet
from perfusio.report.lines import note, on_terminal
from perfusio.report.narration import Narrator
from perfusio.selftest.samples.steered import Kept
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.twin.digital_twin import DigitalTwin


def told(width, n_vessels=2):
    record = Kept()
    config = RunConfig(duration_days=2, forecast_days=2, n_paths=16)
    twin = DigitalTwin(
        connector=SimulatedAmbr250(n_vessels=n_vessels, days=2, seed=3), design_space=DEFAULT_AMBR250_DESIGN_SPACE,
        run_config=config, model=SteadyModel(), policy=SteppingPolicy(), audit=record,
    )  # fmt: skip
    asyncio.run(twin.run())
    narrator = Narrator(width=width)
    return [line.text for event in record.events for line in narrator.lines(event)]


def test_at_80_columns_no_line_is_longer_and_moves_get_a_line_of_their_own():
    lines = told(80)
    assert max(map(len, lines)) <= 80
    assert any(line.strip().startswith("set:") and "bleed" in line for line in lines)


def test_at_120_columns_setpoints_stand_in_the_row():
    lines = told(120)
    assert max(map(len, lines)) <= 120
    assert any("setpoints from now on" in line for line in lines)
    assert not any(line.strip().startswith("set:") for line in lines)


def test_a_remark_is_broken_once_not_twice():
    """A remark that fits 120 characters in two lines fills each line of a narrower terminal."""
    words = " ".join(f"word{i:02d}" for i in range(40))
    lines = [line.text for line in on_terminal([*note("Note:", words), *note("", "Another remark.")], 80)]
    assert " ".join(" ".join(lines).split()) == f"Note: {words} Another remark."
    assert all(len(line) > 66 for line in lines[:-2])
    assert lines[-1] == "        Another remark."
    assert max(map(len, lines)) <= 80


def test_a_fleet_told_at_80_columns_loses_no_word():
    record = Kept()
    config = RunConfig(duration_days=1, forecast_days=2, n_paths=16)
    twin = DigitalTwin(
        connector=SimulatedAmbr250(n_vessels=6, days=1, seed=3), design_space=DEFAULT_AMBR250_DESIGN_SPACE,
        run_config=config, model=SteadyModel(), policy=SteppingPolicy(), audit=record,
    )  # fmt: skip
    asyncio.run(twin.run())
    fleet = Fleet()
    wide = [line for event in record.events for line in fleet.lines(event)]
    narrow = on_terminal(wide, 80)
    assert max(len(line.text) for line in narrow) <= 80
    assert " ".join(line.text for line in narrow).split() == " ".join(line.text for line in wide).split()
    assert on_terminal(wide, 120) == wide
