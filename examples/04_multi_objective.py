"""More product or less medium? The choice of the next action, and of how to run a vessel, drawn as two Pareto fronts.

    python examples/04_multi_objective.py              under a minute
    python examples/04_multi_objective.py --days 14    longer runs

Writes into pareto/: fronts.png, actions.csv, runs.csv, and the record of each run.
docs/tutorials/T04-several-objectives.md tells what they say.
"""

import argparse
import asyncio
import csv
import sys
from pathlib import Path

import numpy as np

from perfusio.bed.front import candidate_front
from perfusio.bed.pareto import hypervolume, nondominated, pick
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig, maximize, minimize
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.errors import PerfusioError
from perfusio.hybrid.model import HybridModel
from perfusio.report.pareto_plot import FrontPanel, plot_fronts
from perfusio.state import SETPOINTS
from perfusio.study.baselines import PIController
from perfusio.study.closed_loop import steer
from perfusio.twin.digital_twin import DigitalTwin

SPACE = DEFAULT_AMBR250_DESIGN_SPACE
LABELS = ("productivity [mg/L/day]", "medium used [1/day]")
WEIGHTS = (0.1, 0.3, 0.5, 2.0)
"""Of medium, beside productivity: 10 % less medium is worth as much as so many times 10 % more product."""
HORIZON_DAYS = 4


def objectives(weight: float = 1.0) -> tuple:
    """Raise productivity, save medium."""
    return maximize("productivity", horizon_days=HORIZON_DAYS), minimize(
        "medium", horizon_days=HORIZON_DAYS, weight=weight
    )


def main(arguments: argparse.Namespace) -> None:
    """Do it step by step; each step says what it does."""
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    print("1. Next actions of a vessel on day 8, which a PI controller held until then", flush=True)
    actions = front_of_actions(out / "actions.csv")
    print(f"\n2. Whole runs of {arguments.days} days with medium weighed by {', '.join(map(str, WEIGHTS))}", flush=True)
    runs = front_of_runs(arguments.days, out)
    plot_fronts([actions, runs], out / "fronts.png")
    print(f"\n{out / 'fronts.png'}")


def front_of_actions(path: Path) -> FrontPanel:
    """Find the front of the next actions, pick its knee, and write the front as a table."""
    vessel = asyncio.run(steer(SimulatedAmbr250(days=8, seed=3), PIController(20.0).decide)).trajectory
    model = HybridModel().condition([vessel])
    config = RunConfig(duration_days=28, objective=objectives())
    options = candidate_front(vessel, vessel.setpoints[-1], model, SPACE, config)
    gains, expected = np.array([o.gains for o in options]), np.array([o.expected for o in options])
    knee = pick(gains)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow([*SETPOINTS, "productivity", "medium", "tightest limit", "probability"])
        for option in options:
            u = [f"{v:.4g}" for v in option.setpoints.vector()]
            table.writerow([*u, *(f"{v:.4g}" for v in option.expected), option.limiting, f"{option.probability:.3f}"])
    first, last = expected[0], expected[-1]
    print(f"{len(options)} actions that no other beats, from {first[0]:.0f} mg/L/day with {first[1]:.2f} volumes a day")
    print(f"to {last[0]:.0f} mg/L/day with {last[1]:.2f}, expected in {HORIZON_DAYS} days.")
    u = options[knee].setpoints
    print(f"At the knee: perfusion {u.perfusion_rate:.2f}, bleed {u.bleed_rate:.2f} 1/day, {u.temperature:.1f} °C,")
    print(f"{expected[knee, 0]:.0f} mg/L/day with {expected[knee, 1]:.2f} volumes a day.")
    print(path)
    title = f"Next action: in {HORIZON_DAYS} days"
    return FrontPanel(title=title, labels=LABELS, values=expected, front=range(len(options)), picked=knee)


def front_of_runs(days: int, out: Path) -> FrontPanel:
    """Run a vessel under each weighting, and compare what came of it by the truth that a simulation knows."""
    outcomes = np.array([outcome_of_run(w, days, out / f"weight-{w:g}") for w in WEIGHTS])
    gains = outcomes * [1.0, -1.0]
    front, knee = nondominated(gains), pick(gains)
    with (out / "runs.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["weight", "productivity", "medium"], *zip(WEIGHTS, *outcomes.T, strict=True)])
    print("weight of medium   mg/L/day   volumes/day")
    for i, (weight, (product, medium)) in enumerate(zip(WEIGHTS, outcomes, strict=True)):
        remark = "  knee" if i == knee else "" if i in front else "  beaten"
        print(f"{weight:16g}{product:11.0f}{medium:14.2f}{remark}")
    reference = [0.0, -float(SPACE.bounds["perfusion_rate"].high)]
    volume = hypervolume(gains, reference)
    print(f"Hypervolume from no product and {-reference[1]:g} volumes a day: {volume:.0f} mg/L/day^2")
    print(out / "runs.csv")
    names = [f"x {w:g}" for w in WEIGHTS]
    title = f"Whole runs: mean of {days} days"
    return FrontPanel(title=title, labels=LABELS, values=outcomes, front=front, picked=knee, names=names)


def outcome_of_run(weight: float, days: int, folder: Path) -> tuple[float, float]:
    """Return mean productivity and medium of a run that weighs medium so."""
    folder.mkdir(parents=True, exist_ok=True)
    rig, truth = SimulatedAmbr250(days=days, seed=0), []
    config = RunConfig(
        duration_days=days, objective=objectives(weight), forecast_days=7, n_paths=64, run_dir=folder, fresh=True
    )

    def watch(event: object) -> None:
        if type(event).__name__ == "SampleRead":
            truth.append(rig.true_state())

    twin = DigitalTwin(connector=rig, design_space=SPACE, run_config=config, observers=(watch,))
    (run,) = asyncio.run(twin.run()).trajectories.values()
    harvest = np.array([u.perfusion_rate - u.bleed_rate for u in run.setpoints])
    titer = np.array([state.titer for state in truth[1:]])
    return float((titer * harvest).mean()), float(np.mean([u.perfusion_rate for u in run.setpoints]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=6, help="length of the runs (default: 6)")
    parser.add_argument("--out", type=Path, default=Path("pareto"), help="folder for what is written")
    try:
        main(parser.parse_args())
    except PerfusioError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename} cannot be written ({error.strerror}). Choose another folder with --out.")
