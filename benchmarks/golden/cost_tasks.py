"""A fit, a forecast, a decision, each at a word from outside: `paired_costs.py` lets two trees take turns at them.

    PYTHONPATH=SOURCES python cost_tasks.py RUNS.csv

It says where its package lies, then reads the name of a task a line and answers with the CPU seconds that it took. Only
names that users type are used: this file must run on a commit of before.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import perfusio
from perfusio.bed.policy import BEDPolicy
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import RunConfig
from perfusio.connectors.history import read_runs
from perfusio.hybrid.model import HybridModel


def tasks(runs_file: Path) -> dict[str, Callable[[], object]]:
    """Return what can be asked for; each call does the same work from the start."""
    *past, present = read_runs(runs_file)
    seen = present.until(6)
    model = HybridModel().fit(past, seed=1).condition([seen])
    config = RunConfig(duration_days=14, seed=1)
    plans = [[SPACE.nominal] * 7] * 8

    def forecast() -> object:
        return model.rollout(seen, plans, interval_hours=24.0, n_paths=256, seed=2)

    def decide() -> object:
        return BEDPolicy().decide({"R01": seen}, {"R01": SPACE.nominal}, model, SPACE, config, day=6)

    return {"fit": lambda: HybridModel().fit(past, seed=1), "forecast": forecast, "decision": decide}


def main() -> None:
    """Do a task a line until there are no more lines."""
    known = tasks(Path(sys.argv[1]))
    for task in known.values():
        task()  # what is done once is no cost of a task
    print(Path(perfusio.__file__).parent, flush=True)
    for line in sys.stdin:
        start = time.process_time()
        known[line.strip()]()
        print(time.process_time() - start, flush=True)


if __name__ == "__main__":
    main()
