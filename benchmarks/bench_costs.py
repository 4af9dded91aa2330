"""What learning and deciding cost, in units of one matrix: `python benchmarks/bench_costs.py [--full] [--out FILE]`.

Seconds depend on the machine and on what else it does. So CPU seconds are divided by G, the CPU time of one Cholesky
factor and inverse of a 756 x 756 matrix, timed again beside each row: a ratio that another machine should find alike.
Rows: a fit of 27 runs of 28 days without and with the calibration of its spread, a refit with 24 live vessels, a day
of the filter and a decision for one vessel and for 24, the first decision of a process beside its second, `--help`.
With the extra `botorch`, the search of the Gaussian processes alone beside a library's on the same 308 rows.
Then how costs grow with rows, vessels, days ahead and paths, as exponents of a power law between two sizes.
The quick mode runs everything on little, to see that it runs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import numpy as np
from scipy.linalg import lapack
from threadpoolctl import threadpool_limits

from machine import stamp
from perfusio.bed.policy import BEDPolicy
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import RunConfig
from perfusio.hybrid.filtering.filter import filter_runs
from perfusio.hybrid.gaussian_processes import gp
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.model import HybridModel
from perfusio.hybrid.rivals.plain_gp import filled
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs
from perfusio.state import Setpoints
from perfusio.trajectory import Trajectory

T = TypeVar("T")
N_ROWS = 756
FIRST_DECISION = """
import json, sys, time
from perfusio.bed.policy import BEDPolicy
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE, RunConfig
from perfusio.hybrid.model import HybridModel
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory
states = tuple(make_state(day=d, vcd=1.5 * 1.4**d) for d in range(4))
t = Trajectory(reactor_id="R01", states=states, setpoints=(SPACE.nominal,) * 3)
config, seconds = RunConfig(duration_days=28), []
for day in (3, 4):
    start = time.process_time()
    model = HybridModel().condition([t])
    BEDPolicy().decide({t.reactor_id: t}, {t.reactor_id: SPACE.nominal}, model, SPACE, config, day=day)
    seconds.append(time.process_time() - start)
print(json.dumps([*seconds, "torch" in sys.modules]))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured: past runs, live vessels, their days, repeats of what is short."""

    n_runs: int
    n_live: int
    days: int
    repeats: int


FULL, QUICK = Size(n_runs=27, n_live=24, days=28, repeats=5), Size(n_runs=4, n_live=2, days=5, repeats=1)


@dataclass(slots=True)
class Meter:
    """CPU seconds by name, each with the unit of its moment."""

    units: list[float] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)

    def take(self, name: str, work: Callable[[], T], repeats: int = 1, per: int = 1) -> T:
        """Do something and note the median of what it took, over `per`; G is the median before and after it."""
        units, spent = [unit()], []
        for _ in range(repeats):
            start = time.process_time()
            done = work()
            spent.append((time.process_time() - start) / per)
        units.append(unit())
        self.note(name, statistics.median(spent), statistics.median(units))
        return done

    def note(self, name: str, seconds: float, one: float) -> None:
        """Keep a figure."""
        self.units.append(one)
        self.seconds[name], self.ratios[name] = seconds, seconds / one


def unit(repeats: int = 3) -> float:
    """Return G: CPU seconds of one Cholesky factor and inverse."""
    x = np.random.default_rng(0).standard_normal((N_ROWS, 16))
    matrix, spent = x @ x.T + N_ROWS * np.eye(N_ROWS), []
    for _ in range(repeats):
        k = matrix.copy(order="F")
        start = time.process_time()
        lapack.dpotri(lapack.dpotrf(k, lower=1, overwrite_a=1)[0], lower=1, overwrite_c=1)
        spent.append(time.process_time() - start)
    return statistics.median(spent)


def runs_of(size: Size) -> tuple[Trajectory, ...]:
    """Simulate past runs and then live ones, each at constant setpoints of its own."""
    rng, nominal = np.random.default_rng(3), SPACE.nominal.vector()
    reach = 0.25 * (SPACE.high - SPACE.low)
    recipes = {}
    for i in range(size.n_runs + size.n_live):
        drawn = np.clip(nominal + reach * rng.uniform(-1.0, 1.0, len(nominal)), SPACE.low, SPACE.high)
        recipes[f"V{i:02d}"] = Setpoints.of(drawn)
    return tuple(simulate_runs(CLONE_X, recipes, days=size.days, seed=1))


def child(*command: str) -> tuple[float, str]:
    """Return CPU seconds and output of a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True, env=dict(os.environ))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def measured(meter: Meter, size: Size) -> dict[str, float]:
    """Measure all rows; return the growth exponents."""
    runs = runs_of(size)
    past, live = runs[: size.n_runs], runs[size.n_runs :]
    half = past[: max(3, len(past) // 3)]
    meter.take("fit of a third of the runs", lambda: HybridModel().fit(half, seed=1, calibrate=False))
    model = meter.take("fit", lambda: HybridModel().fit(past, seed=1, calibrate=False))
    model = meter.take("calibration of its spread", lambda: model.calibrated(past, seed=1))
    middle = [replace(t.until(size.days // 2 + 1), reactor_id=f"L{i}") for i, t in enumerate(live)]
    followed = meter.take(f"{len(live)} live vessels followed", lambda: model.condition(middle))
    meter.take("refit with them", lambda: followed.refit(middle, seed=2))

    def filtered(some: Sequence[Trajectory]) -> Callable[[], object]:
        return lambda: filter_runs(model.process, some, [None] * len(some))

    meter.take("filter day, 1 vessel", filtered(live[:1]), size.repeats, per=size.days)
    meter.take(f"filter day, {len(live)} vessels", filtered(live), size.repeats, per=size.days)
    config, in_force = RunConfig(duration_days=28), {t.reactor_id: t.setpoints[-1] for t in middle}

    def decided(some: Sequence[Trajectory]) -> Callable[[], object]:
        vessels = {t.reactor_id: t for t in some}
        return lambda: BEDPolicy().decide(vessels, in_force, followed, SPACE, config, day=size.days // 2)

    decided(middle[:1])()  # what all decisions of a model share is made
    meter.take("decision, 1 vessel", decided(middle[:1]), size.repeats)
    meter.take(f"decision, {len(live)} vessels", decided(middle), 1)

    def forecast(n_paths: int, days: int) -> Callable[[], object]:
        plans = [[t.setpoints[-1]] * days for t in middle]
        return lambda: followed.rollout_vessels(middle, plans, interval_hours=24.0, n_paths=n_paths, seed=0)

    meter.take("forecast, 64 paths, 28 days", forecast(64, 28), size.repeats)
    meter.take("forecast, 256 paths, 28 days", forecast(256, 28), size.repeats)
    meter.take("forecast, 256 paths, 7 days", forecast(256, 7), size.repeats)
    s = meter.seconds
    return {
        "fit by rows": exponent(s["fit of a third of the runs"], s["fit"], len(past) / len(half)),
        "filter by vessels": exponent(s["filter day, 1 vessel"], s[f"filter day, {len(live)} vessels"], len(live)),
        "decision by vessels": exponent(s["decision, 1 vessel"], s[f"decision, {len(live)} vessels"], len(live)),
        "forecast by days": exponent(s["forecast, 256 paths, 7 days"], s["forecast, 256 paths, 28 days"], 4.0),
        "forecast by paths": exponent(s["forecast, 64 paths, 28 days"], s["forecast, 256 paths, 28 days"], 4.0),
    }


def beside_library(meter: Meter, runs: Sequence[Trajectory]) -> None:
    """Search the hyperparameters of nine processes on the same rows, ours and a library's, where that is installed."""
    if find_spec("botorch") is None:
        return
    from library_gp import LibraryGP  # torch

    at = layout_of(runs[0].panel)
    values = [filled(t) for t in runs]
    before, after = (at.to_latent(np.concatenate([v[s] for v in values]).T) for s in (slice(None, -1), slice(1, None)))
    day = np.concatenate([t.times_h[:-1] for t in runs]) / 24.0
    x = at.gp_inputs(before, np.concatenate([t.inputs for t in runs]).T, day)
    y = (after - after.mean(axis=1, keepdims=True)) / after.std(axis=1, keepdims=True)
    noise, start = gp.independent(np.full(len(x), 0.01)), gp.initial_hyperparameters(x.shape[1])
    rows = f"{len(y)} processes, {len(x)} rows"
    meter.take(f"search of {rows}", lambda: [gp.fit(x, one, noise, start=start) for one in y])
    meter.take("a library's, the same rows", lambda: LibraryGP.fit(runs))


def exponent(small: float, large: float, factor: float) -> float:
    """Return the exponent of the power law between two sizes."""
    return float(np.log(large / small) / np.log(factor))


def processes(meter: Meter, size: Size) -> tuple[float, bool]:
    """Measure processes of their own: the first decision over the second, and whether torch was loaded; help."""
    decisions = [json.loads(child("-c", FIRST_DECISION)[1]) for _ in range(size.repeats)]
    one = unit()
    meter.note("first decision of a process", statistics.median(d[0] for d in decisions), one)
    meter.note("its second decision", statistics.median(d[1] for d in decisions), one)
    helped = [child("-m", "perfusio", "--help")[0] for _ in range(size.repeats)]
    meter.note("perfusio --help", statistics.median(helped), one)
    ratio = meter.seconds["first decision of a process"] / meter.seconds["its second decision"]
    return ratio, any(d[2] for d in decisions)


def main() -> int:
    """Measure, print the table, the promises and one line of JSON; return 1 if a promise is missed in full mode."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="27 runs of 28 days, 24 vessels (two minutes)")
    parser.add_argument("--out", type=Path, help="write what is printed to this file too")
    asked = parser.parse_args()
    size, meter = FULL if asked.full else QUICK, Meter()
    with threadpool_limits(limits=1):
        exponents = measured(meter, size)
        first, has_torch = processes(meter, size)
        if asked.full:
            beside_library(meter, runs_of(replace(size, n_runs=11, n_live=0)))
    r, n = meter.ratios, size.n_live
    promises = {
        "fit without calibration [G]": (r["fit"], 370.0),
        "calibration over the fit": (r["calibration of its spread"] / r["fit"], 0.8),
        "refit with live vessels [G]": (r["refit with them"], 217.0),
        "decision [G]": (r["decision, 1 vessel"], 9.0),
        "decisions of all vessels over one": (r[f"decision, {n} vessels"] / r["decision, 1 vessel"], 13.0),
        "filter day of all vessels over one": (r[f"filter day, {n} vessels"] / r["filter day, 1 vessel"], 4.0),
        "first decision of a process over the second": (first, 2.0),
        "perfusio --help [CPU s]": (meter.seconds["perfusio --help"], 0.2),
    }
    lines = [
        stamp(),
        f"{size.n_runs} runs, {n} live vessels, {size.days} days" + ("" if asked.full else "; too few to judge by"),
        f"G = {1e3 * statistics.median(meter.units):.1f} CPU ms ({1e3 * min(meter.units):.1f} to "
        f"{1e3 * max(meter.units):.1f}): one Cholesky factor and inverse of {N_ROWS} x {N_ROWS}",
        "",
        f"{'work':<34}{'CPU s':>10}{'G':>9}",
        *(f"{name:<34}{seconds:>10.4f}{r[name]:>9.1f}" for name, seconds in meter.seconds.items()),
        "",
        "growth as a power of the size: " + ", ".join(f"{name} {value:.2f}" for name, value in exponents.items()),
        f"torch was loaded to decide: {'yes' if has_torch else 'no'}",
        "",
        f"{'promise':<48}{'figure':>9}{'limit':>9}  met",
        *(
            f"{name:<48}{found:>9.2f}{most:>9.2f}  {'yes' if found <= most else 'NO'}"
            for name, (found, most) in promises.items()
        ),
    ]
    is_met = all(found <= most for found, most in promises.values())
    figures = {"seconds": meter.seconds, "G": r, "unit_s": statistics.median(meter.units), "growth": exponents}
    lines.append(json.dumps({"bench": "costs", "full": asked.full, "torch": has_torch, **figures}))
    print("\n".join(lines))
    if asked.out:
        asked.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if is_met or not asked.full else 1


if __name__ == "__main__":
    sys.exit(main())
