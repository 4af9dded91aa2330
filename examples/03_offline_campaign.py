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

from perfusio.bed.campaigns.campaign import LIKELY, Campaign
from perfusio.bed.campaigns.initial_designs import plan
from perfusio.bed.campaigns.recommendation import Recommendation
from perfusio.cli.models.history import Steps, refuse_to_replace
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, maximize
from perfusio.errors import PerfusioError
from perfusio.hybrid.model import HybridModel
from perfusio.plant.clones import CLONE_Y
from perfusio.plant.experiment import simulate_runs
from perfusio.process.derived import quantity_paths
from perfusio.report.rounds_plot import RunOutcome, plot_rounds
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
    draw(campaign, expected, arguments.batch, files[2])
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


def draw(campaign: Campaign, expected: list[Recommendation], batch: int, path: Path) -> None:
    """Draw the product of each run, its expectation before, and whether the model sees it within all limits."""
    before, n_design = {r.name: r for r in expected}, len(campaign.runs) - len(expected)
    likely = {r.name for r in campaign.judged() if r.probability >= LIKELY}
    outcomes = [
        RunOutcome(
            number=i, round=0 if i <= n_design else 1 + (i - n_design - 1) // batch, value=productivity(run),
            is_kept=run.reactor_id in likely,
            expected=before[run.reactor_id].value if run.reactor_id in before else np.nan,
            sd=before[run.reactor_id].sd if run.reactor_id in before else np.nan,
        )
        for i, run in enumerate(campaign.runs.values(), start=1)
    ]  # fmt: skip
    plot_rounds(
        outcomes, path, label=f"Productivity, days {FROM_DAY} to {DAYS} [mg/L/day]",
        limit=f"less likely than {LIKELY:g} to keep all limits",
    )  # fmt: skip


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
