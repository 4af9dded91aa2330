# ruff: noqa: D100
# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # A running twin in a notebook
#
# A notebook, kept as text: `jupytext --to ipynb examples/11_notebook_running_twin.py` makes one of it, and editors with
# cells open it as it is. It reads the record of a run, finished or going on, and changes nothing: run the cells again
# to see what came since. `RUN` names the folder of the run.

# %%
import os
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from perfusio import plot, verify

RUN = Path(os.environ.get("RUN", "results"))
record = RUN / "audit.jsonl"
run = plot.read_run(record)
print(f"Run {run.run_id}: {len(run.vessels)} vessel(s), {'over' if run.ended else 'going on'}")

# %% [markdown]
# ## Is the record unchanged?

# %%
report = verify(record)
print(f"{'intact' if report.is_intact else 'BROKEN'}, {report.n_records} records, head {report.head[:16]}")

# %% [markdown]
# ## Samples as a data frame, and as arrays with units

# %%
vessel = run.vessel()
frame = vessel.known.to_frame()
print(frame[["day", "vcd", "viability", "glucose"]].tail(3).round(1).to_string(index=False))
data = vessel.known.to_xarray()
print(f"vcd in {data.vcd.attrs['units']}, temperature in {data.temperature.attrs['units']}")

# %% [markdown]
# ## Earlier forecasts against what came
#
# The band is the forecast that was made so many days before each sample; the count says how many samples it held.

# %%
figure = Figure(figsize=(11, 3.6), layout="constrained")
FigureCanvasAgg(figure)
for axes, lead_days in zip(figure.subplots(1, 2), (1, 3), strict=True):
    curves = plot.quantity(axes, run, "vcd", lead_days=lead_days)
    axes.set_title(f"{lead_days} day{'s' * (lead_days > 1)} ahead: {curves.verdict or 'nothing yet'}", fontsize=10)
figure.savefig("ahead.png", dpi=110)

# %% [markdown]
# ## The latest decision, and the active alarms

# %%
for decision in run.decisions[-1:]:
    print(f"{decision.place.reactor}, day {decision.place.culture_day:g}, {decision.ended}: {decision.why}")
for alarm in (a for a in run.alarms if not a.ended):
    print(f"ALARM {alarm.place.reactor} {alarm.name}: {alarm.text}")
