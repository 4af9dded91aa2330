"""A small training experiment and a model of it, made once for the commands on past runs."""

from dataclasses import replace

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode, RunConfig
from perfusio.events import Decided, RunEnded, SampleRead, VesselLeft, Withheld
from perfusio.hybrid.checkpoints import save
from perfusio.hybrid.model import HybridModel
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs
from perfusio.record.audit_logger import AuditLogger
from perfusio.tables.runs_from_files import read_runs
from perfusio.tables.runs_table import RUNS_HEADER, runs_rows, write_csv
from perfusio.testing import make_state
from perfusio.twin.loop import first_records


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


@pytest.fixture
def stopped_run(tmp_path):
    """An unfinished run that joined two cultures on day 3, with advice for R01 that waits; R99 has left it."""
    folder = tmp_path / "run"
    with AuditLogger(folder / "audit.jsonl", run_id="run-1") as log:
        log.append(_started(folder, "R01", "BR 1/2", "R99"))
        log.append(VesselLeft(reactor="R99", turn=0, reason="Contaminated."))
        for turn in (0, 1):
            sample = make_state(day=turn + 3)
            for reactor in ("R01", "BR 1/2"):
                at = {"reactor": reactor, "turn": turn, "culture_day": turn + 3.0}
                log.append(SampleRead(**at, state=sample, in_force=_SPACE.nominal))
            at = {"reactor": "R01", "turn": turn, "culture_day": turn + 3.0}
            log.append(
                Decided(
                    **at, key=f"run-1:R01:{turn}:0", setpoints=_SPACE.nominal, chosen={}, hold={}, why={},
                    acquisition="LogEI", score=0.0, model_id="m",
                )
            )  # fmt: skip
            log.append(Withheld(**at, action="advise", because=("Advisory.",), setpoints=_SPACE.nominal))
    return folder


@pytest.fixture
def ended_run(tmp_path):
    """A run that has ended."""
    folder = tmp_path / "ended"
    with AuditLogger(folder / "audit.jsonl", run_id="run-0") as log:
        log.append(_started(folder, "R01"))
        log.append(RunEnded(outcome="COMPLETED", n_samples=0, n_decisions=0, reason="The run reached its length."))
    return folder


_SPACE = DEFAULT_AMBR250_DESIGN_SPACE


def _started(folder, *vessels):
    config = RunConfig(duration_days=5, run_dir=folder)
    modes = dict.fromkeys(vessels, Mode.ADVISORY)
    return first_records.started(config, _SPACE, modes, {v: {"kind": "hardware"} for v in vessels})
