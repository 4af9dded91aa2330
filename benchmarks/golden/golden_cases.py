"""The five stored cases: each a short run whose record is written into a folder. `golden.py` runs them on two trees.

    PYTHONPATH=SOURCES python golden_cases.py FOLDER CASE ...

What flows in is stored beside this file, so that two trees differ in nothing but what they make of it. Only names that
users type are used: this file must run on a commit of before.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from botorch.acquisition.multi_objective import logei

import perfusio
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import RunConfig, maximize, minimize
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.connectors.history import read_runs
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.hybrid.clone_models import CloneModels
from perfusio.hybrid.model import HybridModel
from perfusio.twin.digital_twin import DigitalTwin

logei._load_attempted = True  # a commit of before would compile a kernel here, or wait for one that is being compiled
STORED = Path(__file__).parent / "cases"
SMALL: dict[str, Any] = {"n_paths": 16, "forecast_days": 5}
DAYS = 3


def file(folder: Path) -> DigitalTwin:
    """A replay of a sheet with gaps, refitted twice."""
    source = shutil.copy(STORED / "vessel.csv", folder / "vessel.csv")
    config = RunConfig(duration_days=6, run_dir=folder, seed=1, **SMALL)
    return DigitalTwin(connector=FilesystemStore(source_path=source), design_space=SPACE, run_config=config)


def fleet(folder: Path) -> DigitalTwin:
    """Three simulated vessels of two clones from a cold start."""
    rig = SimulatedAmbr250(["CloneX", "CloneX", "CloneY"], n_vessels=3, days=DAYS, seed=2)
    config = RunConfig(duration_days=DAYS, run_dir=folder, seed=2, **SMALL)
    return DigitalTwin(connector=rig, design_space=SPACE, run_config=config)


def history(folder: Path) -> DigitalTwin:
    """A start from past runs of the same clone."""
    past = [run for run in read_runs(STORED / "past_runs.csv") if run.clone == "CloneX"]
    config = RunConfig(duration_days=DAYS, run_dir=folder, seed=3, **SMALL)
    rig = SimulatedAmbr250("CloneX", days=DAYS, seed=3)
    return DigitalTwin(connector=rig, design_space=SPACE, run_config=config, model=HybridModel().fit(past, seed=3))


def transfer(folder: Path) -> DigitalTwin:
    """A clone that nobody has run, among the two of the past."""
    models = CloneModels.fit(read_runs(STORED / "past_runs.csv"), ("CloneY",), seed=4)
    config = RunConfig(duration_days=DAYS, run_dir=folder, seed=4, **SMALL)
    rig = SimulatedAmbr250("CloneY", days=DAYS, seed=4)
    return DigitalTwin(connector=rig, design_space=SPACE, run_config=config, model=models.of("CloneY"))


def economic(folder: Path) -> DigitalTwin:
    """Two economic aims weighed into a front, and every setpoint free to move."""
    aims = (maximize("productivity"), minimize("medium"))
    config = RunConfig(
        duration_days=DAYS, run_dir=folder, seed=5, objective=aims, acquisition="qLogNEHVI", untried="move", **SMALL
    )
    return DigitalTwin(connector=SimulatedAmbr250("CloneX", days=DAYS, seed=5), design_space=SPACE, run_config=config)


CASES: dict[str, Callable[[Path], DigitalTwin]] = {f.__name__: f for f in (file, fleet, history, transfer, economic)}


def store() -> None:
    """Write the sheets that flow in; only where the cases themselves are to change."""
    from perfusio.plant.experiment import simulate_runs
    from perfusio.plant.families import clone_named
    from perfusio.state import Setpoints
    from perfusio.study.closed_loop import write_synthetic_csv
    from perfusio.tables.runs_table import RUNS_HEADER, runs_rows, write_csv

    asyncio.run(write_synthetic_csv(STORED / "vessel.csv", days=6, seed=1))
    nominal = SPACE.nominal.vector()
    runs = []
    for i, clone in enumerate(("CloneX", "Random7")):
        moved = [nominal + (SPACE.high - SPACE.low) * share for share in (0.0, 0.12, -0.12)]
        recipes = {f"{clone}-{k}": Setpoints.of(u) for k, u in enumerate(moved)}
        runs += simulate_runs(clone_named(clone), recipes, days=5, seed=i)
    write_csv(STORED / "past_runs.csv", RUNS_HEADER, runs_rows(runs))


def foresee(twin_of: DigitalTwin, folder: Path) -> None:
    """Write in full precision what the model that a case starts with says of a stored run; records are rounded."""
    (seen,) = [run for run in read_runs(STORED / "past_runs.csv") if run.run_id == "Random7-1"]
    plan = [SPACE.nominal] * 4
    (ahead,) = twin_of.model.rollout(seen.until(3), [plan], interval_hours=24.0, n_paths=SMALL["n_paths"], seed=6)
    bits = {"mean": ahead.mean.tolist(), "sd": ahead.sd.tolist(), "model_id": twin_of.model.model_id}
    (folder / "forecast.json").write_text(json.dumps(bits), encoding="utf-8")


def main(folder: Path, cases: Sequence[str]) -> None:
    """Run cases; the record of each is in a folder of its name then."""
    for case in cases:
        (folder / case).mkdir(parents=True)
        twin = CASES[case](folder / case)
        foresee(twin, folder / case)
        asyncio.run(twin.run())
    print(Path(perfusio.__file__).parent)


if __name__ == "__main__":
    store() if sys.argv[1:] == ["store"] else main(Path(sys.argv[1]), sys.argv[2:])
