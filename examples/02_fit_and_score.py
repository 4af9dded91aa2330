"""Learn a model from past runs, and find out on a run held out how good its forecasts are.

    python examples/02_fit_and_score.py                  12 + 1 virtual runs of 14 days; under a minute
    python examples/02_fit_and_score.py --runs runs/     your own: a CSV file or a folder

Writes into fit-and-score/: model/ (the checkpoint), parity.png, coverage.png, forecast.png, and runs.csv if the runs
were simulated. docs/tutorials/T02-fit-and-score.md tells what the table and the figures say, and
docs/how-to/prepare-a-csv.md how a file must look. From the command line: perfusio simulate, fit, score, forecast
"""

import argparse
import sys
from pathlib import Path

from perfusio.bed.campaigns.initial_designs import plan
from perfusio.cli.models.history import Steps, chosen, read_runs_aloud, refuse_to_replace
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import NotEnoughData, PerfusioError
from perfusio.hybrid.checkpoints import ABOUT, ARRAYS, save
from perfusio.hybrid.model import HybridModel
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs
from perfusio.process import CHO_PERFUSION
from perfusio.report.score_plots import plot_coverage, plot_parity
from perfusio.report.vessel_plot import plot_vessel_forecast
from perfusio.study.backtest import backtest, plan_in_force
from perfusio.study.forecasters import baselines
from perfusio.tables.runs_table import RUNS_HEADER, runs_rows, write_csv
from perfusio.trajectory import Trajectory

FACTORS = ("perfusion_rate", "bleed_rate", "temperature")
DAYS = 14
HORIZONS = (1, 3, 7)


def main(arguments: argparse.Namespace) -> None:
    """Do it step by step; each step says what it does."""
    out: Path = arguments.out
    names = [f"model/{ABOUT}", f"model/{ARRAYS}", "parity.png", "coverage.png", "forecast.png"]
    names += [] if arguments.runs else ["runs.csv"]
    refuse_to_replace([out / name for name in names], overwrite=arguments.overwrite)
    runs = read_runs_aloud(arguments.runs, CHO_PERFUSION) if arguments.runs else simulated()
    if len(runs) < 2:
        raise NotEnoughData(
            f"{arguments.runs} holds {len(runs)} run, expected two or more: one to hold out, the others to learn from. "
            "Give more runs, or leave --runs out to see it on virtual ones."
        )
    (unseen,) = chosen(runs, [arguments.hold_out or runs[-1].reactor_id], "--hold-out")
    training = [run for run in runs if run is not unseen]
    out.mkdir(parents=True, exist_ok=True)  # better known now than after the fit
    if not arguments.runs:
        write_csv(out / "runs.csv", RUNS_HEADER, runs_rows(runs))

    print(f"Runs to learn from: {len(training)}. Held out: {unseen.reactor_id}.", flush=True)
    with Steps("Fitting", None):
        model = HybridModel().fit(training)

    print(f"Forecasting {unseen.reactor_id} from each of its days, with what was known then.\n", flush=True)
    forecasters = {"hybrid": model, **baselines(training)}
    result = backtest(forecasters, [unseen], horizons=HORIZONS, every=1)
    print(result.board.table())

    save(model, out / "model", trajectories=training, scores=result.board.to_json())
    cases = result.cases["hybrid"]
    plot_parity(cases, out / "parity.png", title=f"{unseen.reactor_id}, held out: forecast over measurement")
    plot_coverage(cases, out / "coverage.png", title=f"{unseen.reactor_id}, held out: what intervals promise and keep")
    draw_forecast(model, unseen, out / "forecast.png")
    print()
    for name in names:
        print(out / name)


def simulated() -> tuple[Trajectory, ...]:
    """Run a Box-Behnken design of three factors, and its centre, in virtual ambr 250 vessels."""
    design = plan("box-behnken", DEFAULT_AMBR250_DESIGN_SPACE, FACTORS, n_centre=1)
    print(f"Simulating {len(design.runs)} runs of {DAYS} days: {', '.join(FACTORS)} vary.", flush=True)
    with Steps("Days", DAYS) as steps:
        recipes = {run.name: run.setpoints for run in design.runs}
        return simulate_runs(CLONE_X, recipes, days=DAYS, seed=0, on_day=steps.done)


def draw_forecast(model: HybridModel, run: Trajectory, path: Path) -> None:
    """Draw what is forecast from the first quarter of a run on, under the setpoints that it really had."""
    past = run.until(1 + len(run.setpoints) // 4)
    start_h = past.states[-1].time_h
    n_days = max(1, round((run.states[-1].time_h - start_h) / 24.0))
    ahead = plan_in_force(run, start_h, n_days)
    (forecast,) = model.rollout(past, [ahead], interval_hours=24.0, n_paths=256, seed=0)
    title = f"{run.reactor_id}, held out: forecast made on day {start_h / 24.0:g} under the setpoints in force"
    plot_vessel_forecast(run, forecast, ahead, path, start_h=start_h, title=title)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, help="past runs: a CSV file or a folder (default: simulate some)")
    parser.add_argument("--hold-out", metavar="NAME", help="the run to score on (default: the last one)")
    parser.add_argument("--out", type=Path, default=Path("fit-and-score"), help="folder for what is written")
    parser.add_argument("--overwrite", action="store_true", help="replace files of an earlier call")
    try:
        main(parser.parse_args())
    except PerfusioError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename} cannot be written ({error.strerror}). Choose another folder with --out.")
