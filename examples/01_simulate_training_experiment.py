"""Simulate a training experiment of a new cell line: a Box-Behnken design in virtual ambr 250 vessels.

Writes runs.csv (one row per run and day) and trajectories.png into training-experiment/.
The same from the command line: perfusio simulate --out training-experiment
"""

from pathlib import Path

from perfusio.bed.campaigns.initial_designs import plan
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.physics import derived
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs
from perfusio.report.trajectory_plot import plot_trajectories
from perfusio.tables.runs_table import RUNS_HEADER, runs_rows, write_csv

DAYS = 28
OUT = Path("training-experiment")

design = plan(
    "box-behnken",
    DEFAULT_AMBR250_DESIGN_SPACE,
    ("perfusion_rate", "bleed_rate", "glucose_setpoint", "temperature"),
    n_centre=3,
)
recipes = {run.name: run.setpoints for run in design.runs}
runs = simulate_runs(CLONE_X, recipes, days=DAYS, seed=0)

write_csv(OUT / "runs.csv", RUNS_HEADER, runs_rows(runs))
plot_trajectories(runs, OUT / "trajectories.png", color_by="perfusion_rate", title=f"CloneX, {len(runs)} runs")

print("run   VCD [1e6/mL]  viability [%]  titer [mg/L]  CSPR [pL/cell/day]   (last measured)")
for run in runs:
    last = {
        name: next(v for s in reversed(run.states) if (v := getattr(s, name)) == v)
        for name in ("vcd", "viability", "titer")
    }
    cspr = derived.cspr(recipes[run.run_id].perfusion_rate, last["vcd"])
    print(f"{run.run_id}{last['vcd']:>14.1f}{last['viability']:>15.1f}{last['titer']:>14.0f}{cspr:>16.0f}")
print(f"{OUT / 'runs.csv'}: {len(runs)} runs x {DAYS + 1} samples")
