"""A process of your own: a medium that is yours, one species more, two conditions, one setpoint less; and a run of it.

The same as a file: docs/how-to/describe-your-process.md. The culture is a made-up one that knows any process and shares
no rate law with the twin. Writes into your-process/. About a minute; SMOKE_TEST=1 makes it a few seconds.
"""

import asyncio
import os
from pathlib import Path

from perfusio.cli.runs.live import Live
from perfusio.config import DesignSpace, RunConfig, track
from perfusio.kinetics.unknown import unsaid
from perfusio.process import CHO_PERFUSION, Medium, Setpoint, Species
from perfusio.process.facts import Allowed
from perfusio.report.forecast_plot import plot_record
from perfusio.testing.virtual_vessel import VirtualVessel
from perfusio.twin.digital_twin import DigitalTwin

OUT = Path("your-process")
DAYS, N_PATHS = (2, 32) if os.environ.get("SMOKE_TEST") else (14, 128)

# 1. What differs from CHO cells in perfusion; amounts may have any unit that converts.
process = CHO_PERFUSION.without("pyruvate", "pyruvate_feed").with_(
    Species("asparagine", unit="mmol/L", role="solute", molar_mass=132.12, aliases=("Asn",), short="Asn"),
    Setpoint("ph", unit="-", role="condition", label="pH", low=6.0, high=8.0,
             allowed=Allowed(low=6.8, high=7.2, nominal=7.0, max_step=0.1)),
    Setpoint("dissolved_oxygen", unit="%", role="condition", high=100.0, short="DO",
             allowed=Allowed(low=30.0, high=60.0, nominal=40.0, max_step=10.0)),
    medium=Medium(glucose="45 mmol/L", glutamine="4 mmol/L", asparagine="12 mmol/L"),
    working_volume="250 mL",
    name="CHO cells with asparagine, pH and oxygen",
)  # fmt: skip

# 2. What no rate law can say of it; the run says the same.
print("\n".join(unsaid(process)), end="\n\n")

# 3. Design space, aim and vessel are of that process; values of another one are refused.
config = RunConfig(
    duration_days=DAYS, n_paths=N_PATHS, run_dir=OUT, process=process, objective=track(vcd=20.0, process=process)
)
with Live(config.n_turns) as live:
    twin = DigitalTwin(
        connector=VirtualVessel(process, n_days=DAYS),
        design_space=DesignSpace.of(process),
        run_config=config,
        observers=(live,),
    )
    asyncio.run(twin.run())

# 4. The figure has an axis for each quantity of the process, from the record alone.
plot_record(OUT / "audit.jsonl", OUT / "forecast.png")
print(f"\nEverything is in {OUT}/; the record says its process: perfusio status {OUT}")
