"""What a lab knows of its clones, carried to a new one: forecasts after 0, 1 and 6 runs of its own.

    python examples/05_transfer_between_clones.py                       three old clones and a new one, virtual
    python examples/05_transfer_between_clones.py --runs lab/ --new C7  your own: a CSV file or a folder, with clones

Writes into transfer/: clones.png, scores.csv, model/ (what the last row forecasts with), and runs.csv if the runs were
simulated. docs/tutorials/T05-transfer-between-clones.md tells what the tables say. From the command line:
perfusio clones, perfusio run --history
"""

import argparse
import csv
import sys
from pathlib import Path

import numpy as np

from perfusio.bed.campaigns.initial_designs import plan
from perfusio.cli.models.history import read_runs_aloud, refuse_to_replace
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import NotEnoughData, PerfusioError
from perfusio.hybrid.checkpoints import ABOUT, ARRAYS, save
from perfusio.hybrid.clones.embedding import CloneRegistry
from perfusio.hybrid.clones.transfer import adapt
from perfusio.hybrid.model import HybridModel
from perfusio.plant.experiment import simulate_runs
from perfusio.plant.families import clone_named
from perfusio.process import CHO_PERFUSION
from perfusio.report.clone_plot import clone_table, plot_clones
from perfusio.study.backtest import backtest
from perfusio.tables.runs_table import RUNS_HEADER, runs_rows, write_csv
from perfusio.trajectory import Trajectory

OLD, NEW = ("CloneX", "Random7", "Random21"), "CloneY"
FACTORS = ("perfusion_rate", "bleed_rate", "glucose_setpoint", "temperature")
DAYS, N_OLD, N_NEW, N_UNSEEN = 8, 5, 6, 3
OWN_RUNS = (0, 1, 6)
AHEAD = 3
HEADER = ("own runs", "with relatives", "alone", "pooled", "80 % holds", "80 % width", "kept")


def main(arguments: argparse.Namespace) -> None:
    """Do it step by step; each step says what it does."""
    out, new = arguments.out, arguments.new
    names = ["clones.png", "scores.csv", f"model/{ABOUT}", f"model/{ARRAYS}", *([] if arguments.runs else ["runs.csv"])]
    refuse_to_replace([out / name for name in names], overwrite=arguments.overwrite)
    runs = read_runs_aloud(arguments.runs, CHO_PERFUSION) if arguments.runs else simulated()
    old, own, unseen = parted(runs, new)
    out.mkdir(parents=True, exist_ok=True)
    if not arguments.runs:
        write_csv(out / "runs.csv", RUNS_HEADER, runs_rows(runs))

    print("1. Each old clone learns from its own runs; so does the new one, to see where it belongs\n", flush=True)
    registry = CloneRegistry.fit(old)
    everybody = CloneRegistry(models=registry.models | CloneRegistry.fit(own).models)
    print(clone_table([*everybody.models], everybody.distances()))
    plot_clones([*everybody.models], everybody.distances(), everybody.places(), out / "clones.png")

    print(f"\n2. {len(unseen)} runs of {new} that no model has seen, {AHEAD} days ahead: rRMSE, mean of species\n")
    print("  ".join(f"{name:>14}" for name in HEADER), flush=True)
    rows = []
    for n in [n for n in OWN_RUNS if n <= len(own)]:
        adaptation, row = one_row(registry, old, own[:n], unseen)
        rows.append(row)
        print("  ".join(f"{cell:>14}" for cell in row), flush=True)
    save(adaptation.model, out / "model", trajectories=own[:n])
    with (out / "scores.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADER, *rows])
    print()
    for name in names:
        print(out / name)


def simulated() -> tuple[Trajectory, ...]:
    """Run Latin hypercubes of four setpoints in virtual ambr 250 vessels, one with each clone."""
    n_new = N_NEW + N_UNSEEN
    print(f"Simulating {N_OLD} runs each of {', '.join(OLD)} and {n_new} of {NEW}, {DAYS} days.\n", flush=True)
    runs: list[Trajectory] = []
    for seed, name in enumerate((*OLD, NEW)):
        n = n_new if name == NEW else N_OLD
        design = plan("latin-hypercube", DEFAULT_AMBR250_DESIGN_SPACE, FACTORS, n_runs=n, seed=seed)
        recipes = {f"{name}-{run.name}": run.setpoints for run in design.runs}
        runs += simulate_runs(clone_named(name), recipes, days=DAYS, seed=seed)
    return tuple(runs)


def parted(runs: tuple[Trajectory, ...], new: str) -> tuple[list[Trajectory], list[Trajectory], list[Trajectory]]:
    """Return runs of other clones, runs of the new one to learn from, and runs of it to score on."""
    old, own = [t for t in runs if t.clone != new], [t for t in runs if t.clone == new]
    n_unseen = min(N_UNSEEN, len(own) - 1)
    if not old or n_unseen < 1:
        known = ", ".join(sorted({t.clone or "(no name)" for t in runs}))
        raise NotEnoughData(
            f"{len(own)} runs of {new} and {len(old)} of other clones; expected two or more of it, one to score on, "
            f"and some of others. The clones there are: {known}. Name one of them with --new, or give a column `clone`."
        )
    return old, own[:-n_unseen], own[-n_unseen:]


def one_row(
    registry: CloneRegistry, old: list[Trajectory], own: list[Trajectory], unseen: list[Trajectory]
) -> tuple[object, list[str]]:
    """Learn the new clone in three ways and score them on the same runs."""
    adaptation = adapt(registry, own)
    forecasters = {
        "with relatives": adaptation.model,
        "alone": HybridModel().fit(own, calibrate=False) if own else HybridModel(),  # of these two only errors count
        "pooled": HybridModel().fit([*old, *own], calibrate=False),
    }
    scores = backtest(forecasters, unseen, horizons=[AHEAD], every=2, n_paths=64).board.scores
    errors = [f"{np.mean(scores[name].rrmse[0]):.2f}" for name in forecasters]
    first = scores["with relatives"]
    holds, width = np.mean(first.coverage[0.8][0]), np.mean(first.sharpness[0.8][0])
    kept = "alone" if adaptation.is_alone else "relatives"
    return adaptation, [str(len(own)), *errors, f"{100.0 * holds:.0f} %", f"{width:.2f}", kept]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, help="past runs: a CSV file or a folder (default: simulate some)")
    parser.add_argument("--new", metavar="CLONE", default=NEW, help=f"the clone with few runs (default: {NEW})")
    parser.add_argument("--out", type=Path, default=Path("transfer"), help="folder for what is written")
    parser.add_argument("--overwrite", action="store_true", help="replace files of an earlier call")
    try:
        main(parser.parse_args())
    except PerfusioError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename} cannot be written ({error.strerror}). Choose another folder with --out.")
