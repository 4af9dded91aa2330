"""Lives of a twin: a run that is cut off again and again, each time resumed, until it is over; then it is examined.

It forks, so it needs a program of its own: `own_program`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from pathlib import Path
from random import Random

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.selftest.lives.one_run import Run
from perfusio.selftest.lives.planted_bugs import plant
from perfusio.selftest.lives.syscalls import KINDS, Fault
from perfusio.selftest.lives.traced import traced
from perfusio.selftest.quiet_vessel import QuietVessel
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.twin.digital_twin import DigitalTwin

SHARE_OF_PLANT = 0.2
"""Of the kills; the others hit the twin."""
SHARE_OF_FALLBACK = 0.25
"""Of the lives; the others are those of the twin."""


def kills(n: int, seed: int, n_days: int, *, is_enough: bool = False) -> tuple[int, list[str]]:
    """Kill twin, fallback and vessel at random moments, `n` times in all; return how often, and the faults.

    Args:
        n: How often.
        seed: Of the moments.
        n_days: Length of each run.
        is_enough: Whether to stop once something is wrong.
    """
    rng, problems, n_killed = Random(seed), list[str](), 0
    usual_s = _usual_seconds(n_days)
    while n_killed < n and not (is_enough and problems):
        with tempfile.TemporaryDirectory() as folder:
            run, is_over = Run(Path(folder), n_days), False

            def strike(pid: int, run: Run = run) -> None:
                time.sleep(rng.uniform(0.0, usual_s))
                if rng.random() < SHARE_OF_PLANT:
                    run.kill_plant()
                else:
                    os.kill(pid, signal.SIGKILL)

            while not is_over and n_killed < n:
                is_over = run.live(meanwhile=strike, stands_in=rng.random() < SHARE_OF_FALLBACK)
                n_killed += 1
            problems += run.finish(is_over=is_over)
    return n_killed, problems


def _usual_seconds(n_days: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        run, start = Run(Path(folder), n_days), time.monotonic()
        run.live()
        run.close()
        return time.monotonic() - start


def faults(n: int, seed: int, n_days: int, *, is_enough: bool = False) -> tuple[int, list[str]]:
    """Let a run fail at each of its system calls in each way, or at `n` of these points; return points and problems.

    Arguments as those of `kills`.
    """
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), n_days)
        run.live()
        run.close()
        n_calls = run.n_calls
    points = [Fault(at=at, kind=kind) for at in range(1, n_calls + 1) for kind in KINDS]
    rng, problems = Random(seed), list[str]()
    chosen = points if n >= len(points) else rng.sample(points, n)
    for point in chosen:
        if is_enough and problems:
            break
        with tempfile.TemporaryDirectory() as folder:
            run = Run(Path(folder), n_days)
            run.live(point)
            problems += [f"call {point.at}, {point.kind}: {text}" for text in run.finish()]
    return len(chosen), problems


def _warm_up(folder: Path) -> None:
    """Run once in this very process: modules loaded now need not be loaded by each of its children."""
    config = RunConfig(duration_days=1, n_paths=16, forecast_days=2, run_dir=folder)
    twin = DigitalTwin(
        connector=QuietVessel(1), design_space=DEFAULT_AMBR250_DESIGN_SPACE, run_config=config, model=SteadyModel(),
        policy=SteppingPolicy(),
    )  # fmt: skip
    asyncio.run(twin.run())


def tried(what: str, n: int, seed: int, n_days: int, bug: str) -> tuple[int, list[str]]:
    """Cut runs off in a program of its own, with a bug planted there, if one is named; return points and problems.

    Args:
        what: ``"kills"``, ``"faults"`` or ``"traced"``.
        n: As for `kills`, like the next two.
        seed: Of the moments.
        n_days: Length of each run.
        bug: One of BUGS; then the first problem is enough.
    """
    with tempfile.TemporaryDirectory() as folder:
        _warm_up(Path(folder))
    if bug:
        plant(bug)
    return {"kills": kills, "faults": faults, "traced": traced}[what](n, seed, n_days, is_enough=bool(bug))
