"""What a fit, a forecast and a decision cost beside a commit of before. `make paired-costs`.

The commit is the one before the process became data (`costs_base.txt`). Both trees learn the same simulated runs and
then take turns, task by task, so that whatever else the machine does meets both. A row gives the median of
the pairs' ratios of CPU time, and the middle half of them. The limit of the issue is 1.10.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from golden import HERE, ROOT, sources_of
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs
from perfusio.state import Setpoints
from perfusio.tables.runs_table import RUNS_HEADER, runs_rows, write_csv

BASE = HERE / "costs_base.txt"
TASKS = ("fit", "forecast", "decision")
LIMIT = 1.10


class Tree:
    """One version of the package at work in a process of its own."""

    def __init__(self, sources: Path, process: subprocess.Popen[str]) -> None:
        self._process, found = process, self._answer(process)
        if Path(found).resolve() != (sources / "perfusio").resolve():
            sys.exit(f"The tasks ran on {found}, not on {sources}: the two trees would be one.")

    def seconds(self, task: str) -> float:
        """Do a task; return the CPU seconds that it took."""
        assert self._process.stdin is not None
        print(task, file=self._process.stdin, flush=True)
        return float(self._answer(self._process))

    @staticmethod
    def _answer(process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        if line := process.stdout.readline():
            return line.strip()
        sys.exit("A tree ended before its time; what it said stands above.")


@contextmanager
def at_work(sources: Path, runs: Path) -> Iterator[Tree]:
    """Give a tree that waits for tasks."""
    command = [sys.executable, str(HERE / "cost_tasks.py"), str(runs)]
    process = subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": str(sources)}, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield Tree(sources, process)
    finally:
        process.kill()
        process.communicate()


def write_runs(file: Path, *, n_runs: int, days: int) -> None:
    """Write past runs that both trees learn from; the last one is the vessel that is decided for."""
    space = SPACE.high - SPACE.low
    moved = {f"R{k}": Setpoints.of(SPACE.nominal.vector() + space * 0.12 * (k % 3 - 1)) for k in range(n_runs)}
    write_csv(file, RUNS_HEADER, runs_rows(simulate_runs(CLONE_X, moved, days=days, seed=7)))


def paired(before: Tree, now: Tree, task: str, n_pairs: int) -> list[float]:
    """Return the ratios of the cost now to that before, pair by pair; who begins changes."""
    ratios = []
    for k in range(n_pairs):
        cost = {}
        for tree in (before, now) if k % 2 == 0 else (now, before):
            cost[tree] = tree.seconds(task)
        ratios.append(cost[now] / cost[before])
    return ratios


def main() -> int:
    """Print a row per task and one JSON line; 1 if a median is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default=BASE.read_text(encoding="utf-8").strip(), help="commit of before")
    parser.add_argument("--full", action="store_true", help="more runs to learn from, more pairs")
    asked = parser.parse_args()
    n_runs, days, n_pairs = (9, 14, 15) if asked.full else (4, 7, 5)
    print(f"CPU time of the working tree over that of {asked.base[:12]}, {n_pairs} pairs a task:\n", flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="perfusio-costs-")))
        write_runs(folder / "runs.csv", n_runs=n_runs, days=days)
        sources = stack.enter_context(sources_of(asked.base, folder / "before"))
        before = stack.enter_context(at_work(sources, folder / "runs.csv"))
        now = stack.enter_context(at_work(ROOT / "src", folder / "runs.csv"))
        ratios = {task: paired(before, now, task, n_pairs) for task in TASKS}
    print(f"{'task':<10}{'median':>8}{'middle half':>16}")
    medians = {task: statistics.median(found) for task, found in ratios.items()}
    for task, found in ratios.items():
        low, _, high = statistics.quantiles(found, n=4)
        print(f"{task:<10}{medians[task]:>8.2f}{low:>9.2f} - {high:.2f}")
    is_kept = max(medians.values()) <= LIMIT
    print(json.dumps({"base": asked.base, "ratios": medians, "limit": LIMIT, "kept": is_kept}))
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
