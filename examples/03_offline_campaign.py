"""Find a good recipe in rounds: a design, then batches that are recommended from the results so far.

    python examples/03_offline_campaign.py               12 + 1 virtual runs of 10 days, 2 rounds of 3; a minute
    python examples/03_offline_campaign.py --rounds 3 --batch 6

A recipe holds its setpoints for a whole run. It is to make much product per day from day 6 on, and to keep viability,
glucose, ammonium and perfusion per cell within their limits on every day. Writes into campaign/: campaign.json (the
campaign, to go on with), runs.csv (all runs), rounds.png. docs/tutorials/T03-an-offline-campaign.md tells what it
prints. From the command line: perfusio simulate, recommend.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from perfusio.bed.campaigns.campaign import Campaign
from perfusio.bed.campaigns.initial_designs import plan
from perfusio.bed.campaigns.recommendation import Recommendation
from perfusio.cli.models.history import Steps, refuse_to_replace
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, maximize
from perfusio.errors import PerfusioError
from perfusio.hybrid.model import HybridModel
from perfusio.plant.clones import CLONE_Y
from perfusio.plant.experiment import simulate_runs
from perfusio.process.derived import quantity_paths
from perfusio.state import Setpoints
from perfusio.tables.runs_table import RUNS_HEADER, runs_rows, write_csv
from perfusio.trajectory import Trajectory

FACTORS = ("perfusion_rate", "bleed_rate", "temperature")
DAYS, FROM_DAY = 10, 6


def main(arguments: argparse.Namespace) -> None:
    """Do it step by step; each step says what it does."""
    out: Path = arguments.out
    files = [out / name for name in ("campaign.json", "runs.csv", "rounds.png")]
    refuse_to_replace(files, overwrite=arguments.overwrite)
    out.mkdir(parents=True, exist_ok=True)

    design = plan("box-behnken", DEFAULT_AMBR250_DESIGN_SPACE, FACTORS, n_centre=1)
    campaign = Campaign(HybridModel(), objective=maximize("productivity"), days=DAYS, from_day=FROM_DAY)
    campaign.add_measurements(cultivated({run.name: run.setpoints for run in design.runs}, seed=0))
    print(f"Box-Behnken design of {', '.join(FACTORS)}: {len(design.runs)} runs of {DAYS} days.\n", flush=True)

    expected: list[Recommendation] = []
    for number in range(1, arguments.rounds + 1):
        with Steps(f"Round {number}", 4) as steps:
            batch = campaign.recommend(arguments.batch, on_step=lambda done, _total, bar=steps: bar.done(done))
        print(f"Round {number}")
        for r in batch:
            print(f"  {r.name}  {', '.join(f'{name} {getattr(r.setpoints, name):g}' for name in FACTORS)}")
            print(f"       {r.why}")
        expected += batch
        campaign.save(files[0])  # here weeks may pass; Campaign.load goes on
        campaign.add_measurements(cultivated({r.name: r.setpoints for r in batch}, seed=number))

    campaign.save(files[0])
    write_csv(files[1], RUNS_HEADER, runs_rows(campaign.runs.values()))
    draw(list(campaign.runs.values()), expected, files[2])
    best = campaign.best()
    print("\nNo run is likely to keep all limits." if best is None else f"\nBest so far: {best.name}, {best.why}")
    for file in files:
        print(file)


def cultivated(recipes: dict[str, Setpoints], *, seed: int) -> tuple[Trajectory, ...]:
    """Run recipes in virtual ambr 250 vessels; in a laboratory this is where the work is."""
    return simulate_runs(CLONE_Y, recipes, days=DAYS, seed=seed)


def productivity(run: Trajectory) -> float:
    """Return the measured mean productivity of a run [mg/L/day] on the days that count."""
    daily = quantity_paths("productivity", run.values[None, None, 1:], run.inputs[None])[0, 0]
    return float(np.nanmean(daily[FROM_DAY - 1 :]))


def draw(runs: list[Trajectory], expected: list[Recommendation], path: Path) -> None:
    """Draw what each run made, and what was expected of those that were recommended."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    place = {run.reactor_id: i for i, run in enumerate(runs, start=1)}
    at = [place[r.name] for r in expected]
    axes.errorbar(at, [r.value for r in expected], yerr=[2.0 * r.sd for r in expected], fmt="none", color="0.6",
                  label="expected, +- 2 sd")  # fmt: skip
    kept = [float(np.nanmin(run.values[1:, 1])) >= 95.0 - 2.0 for run in runs]  # one reading may be 2 points off
    for is_kept, fill, what in ((True, "C0", "measured"), (False, "none", "measured; a viability below 93 % was read")):
        some = [run for run, k in zip(runs, kept, strict=True) if k == is_kept]
        axes.scatter([place[run.reactor_id] for run in some], [productivity(run) for run in some],
                     edgecolor="C0", facecolor=fill, zorder=3, label=what)  # fmt: skip
    axes.set_xlabel("Run")
    axes.set_ylabel(f"Productivity, days {FROM_DAY} to {DAYS} [mg/L/day]")
    axes.legend()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2, help="rounds after the design (default: 2)")
    parser.add_argument("--batch", type=int, default=3, help="recipes per round (default: 3)")
    parser.add_argument("--out", type=Path, default=Path("campaign"), help="folder for what is written")
    parser.add_argument("--overwrite", action="store_true", help="replace files of an earlier call")
    try:
        main(parser.parse_args())
    except PerfusioError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename} cannot be written ({error.strerror}). Choose another folder with --out.")
