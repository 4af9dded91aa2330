"""The table of runs: headers from the registry, gaps, limits, whole files only; and back again without a change."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.errors import EndOfRun
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs
from perfusio.state import State
from perfusio.tables.runs_table import RUNS_HEADER, runs_rows, write_csv
from perfusio.trajectory import Trajectory

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal


def test_headers_come_from_the_registry_with_units():
    assert RUNS_HEADER[:4] == ("run", "clone", "day", "vcd [1e6 cells/mL]")
    assert "temperature [°C]" in RUNS_HEADER
    assert len(RUNS_HEADER) == 3 + 10 + 6


def test_missing_is_empty_and_below_the_limit_says_so():
    state = State(time_h=12.0, vcd=3.5, ammonium=0.1, quality={"ammonium": "below the detection limit of 0.1"})
    row = dict(zip(RUNS_HEADER, runs_rows([Trajectory(reactor_id="V", run_id="R1", states=(state,))])[0], strict=True))
    assert (row["run"], row["day"], row["vcd [1e6 cells/mL]"]) == ("R1", "0.5", "3.5")
    assert row["ammonium [mmol/L]"] == "<0.1"
    assert row["glucose [g/L]"] == row["temperature [°C]"] == ""


def test_setpoints_of_a_row_hold_from_its_sample_on():
    later = replace(NOMINAL, bleed_rate=0.3)
    run = Trajectory(reactor_id="R1", run_id="R1")
    for time_h, before in ((0.0, NOMINAL), (24.0, NOMINAL), (48.0, later)):
        run = run.observe(State(time_h=time_h), before)
    bleed = RUNS_HEADER.index("bleed_rate [1/day]")
    assert [row[bleed] for row in runs_rows([run])] == ["0.15", "0.3", "0.3"]


async def test_what_is_written_is_read_back_by_the_filesystem_store(tmp_path):
    recipes = {"R01": NOMINAL, "R02": replace(NOMINAL, bleed_rate=0.3)}
    runs = simulate_runs(CLONE_X, recipes, days=4, seed=2)
    write_csv(tmp_path / "runs.csv", RUNS_HEADER, runs_rows(runs))
    for run in runs:
        store = FilesystemStore(source_path=tmp_path / "runs.csv", run=run.run_id)
        for state in run.states:
            seen = await store.read_sample()
            assert seen.time_h == state.time_h
            np.testing.assert_allclose(seen.vector(), state.vector(), rtol=1e-5)
            assert (await store.read_setpoints()) == recipes[run.run_id]
        with pytest.raises(EndOfRun):
            await store.read_sample()


def test_a_table_that_fails_midway_leaves_the_old_one(tmp_path):
    path = tmp_path / "new folder" / "table.csv"
    write_csv(path, ["a"], [["1"]])

    def broken():
        yield ["2"]
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError):
        write_csv(path, ["a"], broken())
    assert list(csv.reader(path.read_text(encoding="utf-8").splitlines())) == [["a"], ["1"]]
    assert [p.name for p in path.parent.iterdir()] == ["table.csv"]
