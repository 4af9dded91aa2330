"""A small training experiment and a model of it, made once for the commands on past runs."""

from dataclasses import replace

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.connectors.history import read_runs
from perfusio.connectors.runs_table import RUNS_HEADER, runs_rows, write_csv
from perfusio.hybrid.checkpoints import save
from perfusio.hybrid.model import HybridModel
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs


@pytest.fixture(scope="session")
def past(tmp_path_factory):
    """Folder with `runs.csv` of three runs of 7 days, and `model/` learnt from the first two."""
    folder = tmp_path_factory.mktemp("past")
    nominal = DEFAULT_AMBR250_DESIGN_SPACE.nominal
    recipes = {"R1": nominal, "R2": replace(nominal, bleed_rate=0.25), "R3": replace(nominal, temperature=35.5)}
    runs = simulate_runs(CLONE_X, recipes, days=7, seed=3)
    write_csv(folder / "runs.csv", RUNS_HEADER, runs_rows(runs))
    training = read_runs(folder)[:2]
    save(HybridModel().fit(training), folder / "model", trajectories=training)
    return folder
