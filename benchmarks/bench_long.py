"""Does a sample cost more the longer a run is? `python benchmarks/bench_long.py [--full] [--out FILE]`.

One vessel, one sample every quarter of an hour, the selftest's cheap model and policy (`testing/fakes.py`), so that
what is measured is everything but the model: loop, checks of samples, guard, alarms, record with signed heads. CPU
time per sample is the median of windows of 50 samples around each size; the record lies in memory where the system has
such a place, since a disk's `fsync` is no question of length. Then the run is left unfinished and resumed: CPU time
from the call to the record that says so. Beside it, the share of the real model: to take in the samples and decide
once, with as many samples of the vessel as stand there. The quick mode goes to 600 samples, the full one to 20,000.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from machine import stamp
from perfusio.bed.policy import BEDPolicy
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.errors import AuditError
from perfusio.events import Event, RunResumed, SampleRead
from perfusio.hybrid.model import HybridModel
from perfusio.protocols import ConnectorKind
from perfusio.state import Setpoints, State
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.trajectory import Trajectory
from perfusio.twin.digital_twin import DigitalTwin

INTERVAL_H = 0.25
WINDOW, N_WINDOWS = 50, 5
FULL, QUICK = (500, 2_000, 5_000, 10_000, 20_000), (150, 600)
MODEL_FULL, MODEL_QUICK = (10, 50, 200), (10,)
MOST_RATIO, MOST_RESUME_S = 1.2, 10.0
SPACE = DEFAULT_AMBR250_DESIGN_SPACE


def sample_of(i: int) -> State:
    """A sample of a steady culture; no two are the same."""
    def wave(k: int) -> float:
        return math.sin(0.37 * i + k) + 0.1 * math.sin(1.7 * i + k)

    return State(
        time_h=INTERVAL_H * i, vcd=20.0 + wave(1), viability=96.0 + 0.5 * wave(2), glucose=4.0 + 0.3 * wave(3),
        glutamine=1.0 + 0.1 * wave(4), glutamate=1.0 + 0.1 * wave(5), lactate=5.0 + 0.3 * wave(6),
        ammonium=1.0 + 0.1 * wave(7), pyruvate=0.5 + 0.05 * wave(8), titer=100.0 + wave(9),
        diameter=16.0 + 0.1 * wave(10),
    )  # fmt: skip


class Endless:
    """A vessel that has samples for ever."""

    kind = ConnectorKind.SIMULATED
    confirms_at_once = True

    def __init__(self, n_read: int = 0) -> None:
        self._next, self._in_force = n_read, SPACE.nominal

    async def read_sample(self) -> State:
        """Return the next sample."""
        self._next += 1
        return sample_of(self._next - 1)

    async def read_setpoints(self) -> Setpoints:
        """Return what is in force."""
        return self._in_force

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """Put setpoints in force."""
        self._in_force = setpoints
        return setpoints


class Watch:
    """Notes CPU time at each sample, and ends the program's part in the run, not the run, after `n`."""

    def __init__(self, n: int) -> None:
        self._n, self.cpu_s = n, list[float]()

    def __call__(self, event: Event) -> None:
        """Note an event."""
        if isinstance(event, SampleRead):
            self.cpu_s.append(time.process_time())
        if len(self.cpu_s) > self._n or isinstance(event, RunResumed):
            raise AuditError("Enough.")


def per_sample_ms(cpu_s: list[float], n: int) -> float:
    """CPU time per sample around the n-th [ms]."""
    ends = range(n - WINDOW * (N_WINDOWS - 1) // 2, n + 1, WINDOW // 2)
    windows = [1e3 * (cpu_s[end] - cpu_s[end - WINDOW]) / WINDOW for end in ends if WINDOW <= end < len(cpu_s)]
    return statistics.median(windows)


def grown(run_dir: Path, n: int) -> list[float]:
    """Run until `n` samples are taken; return the CPU time at each [s]."""
    days = math.ceil(INTERVAL_H * n / 24.0) + 1
    config = RunConfig(
        duration_days=days, sampling_interval_hours=INTERVAL_H, n_paths=16, forecast_days=1, run_dir=run_dir
    )
    watch = Watch(n)
    twin = DigitalTwin(
        connector={"R01": Endless()}, design_space=SPACE, run_config=config,
        model=SteadyModel(), policy=SteppingPolicy(),
        observers=(watch,),
    )  # fmt: skip
    _until_enough(twin)
    return watch.cpu_s


def resumed_s(run_dir: Path, n: int) -> float:
    """CPU time to go on with that run [s]."""
    start = time.process_time()
    twin = DigitalTwin.resume(
        run_dir, connector={"R01": Endless(n + 1)}, model=SteadyModel(), policy=SteppingPolicy(), observers=(Watch(1),)
    )
    _until_enough(twin)
    return time.process_time() - start


def _until_enough(twin: DigitalTwin) -> None:
    try:
        asyncio.run(twin.run())
    except AuditError as error:
        if str(error) != "Enough.":
            raise


def model_s(n: int) -> float:
    """CPU time of the real model and policy with `n` samples of a vessel: take them in, decide once [s]."""
    run = Trajectory(reactor_id="R01")
    for i in range(n):
        run = run.observe(sample_of(i), SPACE.nominal)
    config = RunConfig(duration_days=30, sampling_interval_hours=INTERVAL_H, forecast_days=1)
    start = time.process_time()
    model = HybridModel().condition([run])
    BEDPolicy().decide({"R01": run}, {"R01": SPACE.nominal}, model, SPACE, config, day=1)
    return time.process_time() - start


def main() -> int:
    """Print the table; exit 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="to 20,000 samples (a quarter of an hour); else to 600")
    parser.add_argument("--out", type=Path, help="also write what is printed here")
    arguments = parser.parse_args()
    sizes, model_sizes = (FULL, MODEL_FULL) if arguments.full else (QUICK, MODEL_QUICK)
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        cpu_s = grown(Path(folder) / "run", sizes[-1])
        record = (Path(folder) / "run" / "audit.jsonl").read_bytes()
        n_records, mb = record.count(b"\n"), len(record) / 1e6
        del record
        again_s = resumed_s(Path(folder) / "run", sizes[-1])
    costs = {n: round(per_sample_ms(cpu_s, n), 3) for n in sizes}
    models = {n: round(1e3 * model_s(n), 1) for n in model_sizes}
    ratio = costs[sizes[-1]] / costs[sizes[0]]
    is_kept = ratio <= MOST_RATIO and again_s <= MOST_RESUME_S
    lines = [
        stamp(),
        "what one more sample of one vessel costs, by the number of samples before it (CPU ms)",
        "",
        f"{'samples':>8} {'loop and record':>16}",
        *(f"{n:>8} {ms:>16.2f}" for n, ms in costs.items()),
        "",
        f"{'samples':>8} {'real model and decision':>24}",
        *(f"{n:>8} {ms:>24.0f}" for n, ms in models.items()),
        "",
        f"{sizes[-1]} samples beside {sizes[0]}: {ratio:.2f} times (bar {MOST_RATIO:g})",
        f"resume of {n_records} records, {mb:.0f} MB: {again_s:.1f} CPU s (bar {MOST_RESUME_S:g} s at 20,000 samples)",
        f"bars: {'kept' if is_kept else 'MISSED'}",
        json.dumps({
            "benchmark": "long", "mode": "full" if arguments.full else "quick", "ms_per_sample": costs,
            "model_ms": models, "ratio": round(ratio, 3), "records": n_records, "record_mb": round(mb, 1),
            "resume_s": round(again_s, 2), "bars_are_kept": is_kept,
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }),
    ]  # fmt: skip
    text = "\n".join(lines) + "\n"
    sys.stdout.write(text)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")
    return 0 if is_kept or not arguments.full else 1


if __name__ == "__main__":
    sys.exit(main())
