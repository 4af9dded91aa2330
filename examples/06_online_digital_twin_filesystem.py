"""The main job: a digital twin runs a 14-day experiment from a CSV file by itself, then 28 days in a closed loop.

Writes into online-digital-twin/: replay/ (my_data.csv, the record audit.jsonl, my_data.setpoints.csv, forecast.png) and
closed-loop/ (record and figure of a virtual ambr 250 vessel that obeys the twin). About a minute; SMOKE_TEST=1 makes
it a few seconds. The same from the command line: perfusio demo
"""

import asyncio
import os
from pathlib import Path

from perfusio.cli.runs.live import Live
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.events import SampleRead
from perfusio.report.forecast_plot import plot_record
from perfusio.study.closed_loop import write_synthetic_csv
from perfusio.study.comparison import comparison
from perfusio.twin.digital_twin import DigitalTwin

OUT = Path("online-digital-twin")
REPLAY, LOOP = OUT / "replay", OUT / "closed-loop"
SEED, TARGET = 0, 30.0
IS_SMOKE_TEST = bool(os.environ.get("SMOKE_TEST"))
REPLAY_DAYS, LOOP_DAYS, N_PATHS = (3, 3, 32) if IS_SMOKE_TEST else (14, 28, 256)

# 1. A file as an analyzer might have written it: days 0 to 14, ten process variables, the setpoints in force.
asyncio.run(write_synthetic_csv(REPLAY / "my_data.csv", days=REPLAY_DAYS, seed=SEED))

# 2. The twin reads it day by day, forecasts 28 days ahead, decides, writes setpoints, retrains every third day.
connector = FilesystemStore(source_path=REPLAY / "my_data.csv")
run_cfg = RunConfig(
    duration_days=REPLAY_DAYS,
    sampling_interval_hours=24.0,
    retrain_every=3,
    acquisition="LogEI",
    n_paths=N_PATHS,
    run_dir=REPLAY,
)
with Live(run_cfg.n_turns) as live:
    twin = DigitalTwin(
        connector=connector, design_space=DEFAULT_AMBR250_DESIGN_SPACE, run_config=run_cfg, observers=(live,)
    )
    result = asyncio.run(twin.run())
plot_record(REPLAY / "audit.jsonl", REPLAY / "forecast.png")

# 3. In a replay nothing obeys. Now a vessel that does: the same loop around a virtual ambr 250.
rig = SimulatedAmbr250(days=LOOP_DAYS, seed=SEED)
truth = []  # the twin never sees it; we keep it to judge the twin


def keep_truth(event: object) -> None:
    """Note the true state at each sample of the day."""
    if isinstance(event, SampleRead) and not event.extra:
        truth.append(rig.true_state())


loop_cfg = RunConfig(duration_days=LOOP_DAYS, n_paths=N_PATHS, run_dir=LOOP)
print()
with Live(loop_cfg.n_turns) as live:
    twin = DigitalTwin(
        connector=rig,
        design_space=DEFAULT_AMBR250_DESIGN_SPACE,
        run_config=loop_cfg,
        observers=(live, keep_truth),
    )
    asyncio.run(twin.run())
plot_record(LOOP / "audit.jsonl", LOOP / "forecast.png")

# 4. How well was the density held, beside nominal setpoints and a PI controller on the same vessel?
print("\n" + "\n".join(asyncio.run(comparison(truth, days=LOOP_DAYS, seed=SEED, target=TARGET))))
print(f"\n{result.n_samples} samples and {result.n_decisions} decisions in the replay. Everything is in {OUT}/;")
print(f"check a record with: perfusio verify {REPLAY / 'audit.jsonl'}")
