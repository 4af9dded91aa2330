"""How fast and how right is the batched plant? `python benchmarks/bench_plant.py [--full] [--out FILE]`.

Both sides are measured in this process, on one thread, over the same right-hand side: `VesselBatch` for all vessels
at once, and a loop of `scipy.integrate.solve_ivp` (LSODA, rtol 1e-6) vessel by vessel, timed on a few vessels and
extrapolated. Setpoints are drawn from the whole design space and change every 7 days; in every tenth vessel the
glucose controller is off and the perfusion lowest in the third week, so that glucose runs out. The error is the largest
|difference| / (|reference| + 1e-3 scale) over all states, days and reference vessels against LSODA at rtol 1e-9.

Before that it prints the states of day 28 of all plants, beside the published ones where there are any, and what the
filter of drawn clones drops (`plant_states`).
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp

import plant_states
from machine import stamp
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.plant.clones import CLONES
from perfusio.plant.equations import INDEX, SCALES, STATES, right_hand_side
from perfusio.plant.vessel import VesselBatch
from perfusio.state import SETPOINT_INDEX, Setpoints

DAYS, WEEK = 28, 7
SIZES = np.array(SCALES)


def experiment(n_vessels: int) -> tuple[VesselBatch, np.ndarray]:
    """A batch of both clones and the setpoints of each week, shape (4, 6, n)."""
    rng = np.random.default_rng(0)
    plans = np.moveaxis(SPACE.from_unit(rng.random((DAYS // WEEK, n_vessels, 6))), -1, 1)
    plans[2, SETPOINT_INDEX["glucose_setpoint"], ::10] = 0.0
    plans[2, SETPOINT_INDEX["perfusion_rate"], ::10] = SPACE.bounds["perfusion_rate"].low
    clones = list(CLONES.values())
    batch = VesselBatch([clones[i % len(clones)] for i in range(n_vessels)], _setpoints(plans[0]))
    return batch, plans


def _setpoints(plan: np.ndarray) -> list[Setpoints]:
    return [Setpoints.of(column) for column in plan.T]


def run_batch(n_vessels: int) -> tuple[float, np.ndarray]:
    """CPU seconds and the daily states, shape (29, n, B)."""
    batch, plans = experiment(n_vessels)
    daily = [np.array([batch.state(s) for s in STATES])]
    start = time.process_time()
    for day in range(DAYS):
        if day % WEEK == 0:
            batch.write(_setpoints(plans[day // WEEK]))
        batch.advance(1.0)
        daily.append(np.array([batch.state(s) for s in STATES]))
    return time.process_time() - start, np.array(daily)


def run_lsoda(n_vessels: int, vessel: int, rtol: float) -> tuple[float, int, np.ndarray]:
    """CPU seconds, right-hand sides and daily states (29, n) of one vessel of the same experiment."""
    batch, plans = experiment(n_vessels)
    y, k = np.array([batch.state(s) for s in STATES])[:, vessel], batch.clones[vessel].kinetics
    daily, n_calls, start = [y[:, None]], 0, time.process_time()
    for plan in plans:
        u = plan[:, [vessel]]

        def rhs(_: float, y: np.ndarray, u: np.ndarray = u) -> np.ndarray:
            production, loss = right_hand_side(y[:, None], u, k)
            return production[:, 0] - loss[:, 0] * y

        days = np.arange(1.0, WEEK + 1)
        done = solve_ivp(rhs, (0.0, WEEK), y, method="LSODA", t_eval=days, rtol=rtol, atol=1e-3 * rtol * SIZES)
        daily.append(done.y)
        y, n_calls = done.y[:, -1], n_calls + done.nfev
    return time.process_time() - start, n_calls, np.concatenate(daily, axis=1).T


def peak_memory(n_vessels: int) -> float:
    """MiB that advancing a fresh batch by 2 days allocates at most."""
    gc.collect()
    tracemalloc.start()
    batch, _ = experiment(n_vessels)
    batch.advance(2.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def main() -> int:
    """Measure, print a table and one line of JSON; exit 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="1000 vessels against 12, sizes to 10,000 (minutes)")
    parser.add_argument("--out", type=Path, help="also write what is printed to this file")
    args = parser.parse_args()
    states, off = plant_states.lines(n_draws=100 if args.full else 3)
    n_vessels, n_reference = (1000, 12) if args.full else (300, 3)
    sizes = (30, 100, 300, 1000, 3000, 10_000) if args.full else (30, 100, 300)

    run_batch(10)  # imports, caches
    repeats = [run_batch(n_vessels) for _ in range(3)]
    seconds, daily = float(np.median([r[0] for r in repeats])), repeats[0][1]
    ran_out = np.any(np.minimum(daily[:, INDEX["glucose"]], daily[:, INDEX["glutamine"]]) < 0.1, axis=0)
    dry, wet = np.flatnonzero(ran_out), np.flatnonzero(~ran_out)
    n_dry = min(n_reference // 3, dry.size)
    chosen = np.concatenate([dry[:n_dry], wet[: n_reference - n_dry]])
    timed = [run_lsoda(n_vessels, int(v), 1e-6) for v in chosen]
    exact = np.stack([run_lsoda(n_vessels, int(v), 1e-9)[2] for v in chosen], axis=-1)
    error = np.abs(daily[:, :, chosen] - exact) / (np.abs(exact) + 1e-3 * SIZES[:, None])
    loop = np.stack([t[2] for t in timed], axis=-1)
    loop_error = float((np.abs(loop - exact) / (np.abs(exact) + 1e-3 * SIZES[:, None])).max())
    # The extrapolation counts the vessels that run out by their share.
    share = ran_out.mean() if n_dry else 0.0
    mean_dry = np.mean([t[0] for t in timed[:n_dry]]) if n_dry else 0.0
    lsoda_seconds = n_vessels * (share * mean_dry + (1.0 - share) * np.mean([t[0] for t in timed[n_dry:]]))
    by_size = [(n, run_batch(n)[0], peak_memory(n)) for n in sizes]
    large = [row for row in by_size if row[0] >= 1000] if args.full else by_size
    exponent = float(np.polyfit(np.log([n for n, *_ in large]), np.log([s for _, s, _ in large]), 1)[0])

    result = {
        "benchmark": "plant",
        "mode": "full" if args.full else "quick",
        "n_vessels": n_vessels,
        "days": DAYS,
        "ran_out": int(ran_out.sum()),
        "batch_cpu_s": round(seconds, 2),
        "batch_cpu_s_repeats": [round(r[0], 2) for r in repeats],
        "lsoda_cpu_s_extrapolated": round(float(lsoda_seconds), 1),
        "lsoda_vessels": len(chosen),
        "lsoda_rhs_per_vessel": round(float(np.mean([t[1] for t in timed]))),
        "ratio": round(float(lsoda_seconds / seconds), 1),
        "error": float(f"{error.max():.2g}"),
        "lsoda_error": float(f"{loop_error:.2g}"),
        "sizes": [{"n": n, "cpu_s": round(s, 2), "peak_mib": round(m, 1)} for n, s, m in by_size],
        "cpu_exponent": round(exponent, 2),
        "published_off": round(off, 4),
    }
    worst = np.unravel_index(error.argmax(), error.shape)
    lines = [
        stamp(),
        "",
        *states,
        f"{n_vessels} vessels x {DAYS} days, setpoints anywhere in the design space, new every {WEEK} days; "
        f"{int(ran_out.sum())} run out of glucose or glutamine (below 0.1)",
        "",
        f"{'':34}{'CPU [s]':>10}{'largest error':>16}",
        f"{'VesselBatch, median of 3':34}{seconds:>10.2f}{error.max():>16.1e}",
        f"{f'LSODA rtol 1e-6, loop (from {len(chosen)})':34}{lsoda_seconds:>10.1f}{loop_error:>16.1e}",
        f"{'ratio':34}{lsoda_seconds / seconds:>10.0f}{f'{STATES[worst[1]]}, day {worst[0]}':>16}",
        "",
        f"{'vessels':>10}{'CPU [s]':>12}{'ms per vessel':>16}{'peak [MiB]':>13}",
        *(f"{n:>10}{s:>12.2f}{1e3 * s / n:>16.2f}{m:>13.1f}" for n, s, m in by_size),
        f"CPU grows as vessels^{exponent:.2f}" + (" from 1000 vessels on" if args.full else ""),
        json.dumps(result),
    ]
    print("\n".join(lines))
    if args.out:
        args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if result["ratio"] >= 20 and result["error"] < 1e-3 and off <= plant_states.WITHIN else 1


if __name__ == "__main__":
    sys.exit(main())
