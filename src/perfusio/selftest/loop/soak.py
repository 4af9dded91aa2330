"""T14: many vessels for weeks over links that fail: the run completes, its record verifies, and memory stays flat."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.events import AlarmRaised, Event, ModelConditioned
from perfusio.record.verification.verify import verify
from perfusio.selftest.promises import Tried
from perfusio.selftest.quiet_vessel import UnreliableVessel
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.outcome import Outcome

FULL, QUICK = (24, 28), (4, 7)
"""Vessels and days."""
SHARE = 0.06
"""Of the calls of a vessel that fail in one way or another."""
MOST_MB_PER_DAY = 1.0
TEN_MINUTES_A_DAY, MOST_ALARMS = 144, 1.0
"""More alarms per ten minutes, sustained, than a person can act upon."""
_STATM = Path("/proc/self/statm")
_PAGE_MB = 4096 / 2**20


class Watch:
    """Counts the alarms of a run, and notes at each turn how much memory the program has.

    Attributes:
        alarms: Per day.
        memory_mb: Resident memory after each turn [MB]; empty where the system does not say.
    """

    def __init__(self) -> None:
        self.alarms: dict[int, int] = {}
        self.memory_mb: list[float] = []

    def __call__(self, event: Event) -> None:
        """Note an event."""
        if isinstance(event, AlarmRaised):
            self.alarms[event.turn or 0] = self.alarms.get(event.turn or 0, 0) + 1
        elif isinstance(event, ModelConditioned) and _STATM.exists():
            self.memory_mb.append(int(_STATM.read_text().split()[1]) * _PAGE_MB)

    def slope_mb(self) -> float:
        """Return the growth of memory per day [MB], the first third of the run left out: caches fill there."""
        settled = self.memory_mb[len(self.memory_mb) // 3 :]
        return float(np.polyfit(np.arange(len(settled)), settled, 1)[0]) if len(settled) > 1 else 0.0


def soak(is_full: bool) -> Tried:
    """Run a fleet on links that fail as a seed says."""
    n_vessels, n_days = FULL if is_full else QUICK
    vessels = {f"R{i:02d}": UnreliableVessel(n_days, seed=i, share=SHARE) for i in range(1, n_vessels + 1)}
    watch, space = Watch(), DEFAULT_AMBR250_DESIGN_SPACE
    with TemporaryDirectory() as folder:
        config = RunConfig(duration_days=n_days, n_paths=16, run_dir=Path(folder))
        twin = DigitalTwin(
            connector=vessels, design_space=space, run_config=config, model=SteadyModel(), policy=SteppingPolicy(),
            observers=(watch,),
        )  # fmt: skip
        outcome = asyncio.run(twin.run()).outcome
        is_sound = verify(Path(folder) / "audit.jsonl").is_intact
    outside = sum(not space.contains(u) for v in vessels.values() for u in v.written)
    n_alarms = sum(watch.alarms.values())
    per_ten_minutes = n_alarms / (n_days * TEN_MINUTES_A_DAY)
    broken = {
        "not completed": outcome is not Outcome.COMPLETED,
        "record broken": not is_sound,
        "written outside the design space": outside > 0,
        "nothing written": not any(v.written for v in vessels.values()),
        # a short run has not filled its caches yet
        "memory grows": is_full and watch.slope_mb() > MOST_MB_PER_DAY,
        "too many alarms": per_ten_minutes > MOST_ALARMS,
    }
    words = (
        f"{n_vessels} vessels, {n_days} days, {sum(v.n_faults for v in vessels.values())} faults; memory "
        f"{watch.slope_mb():+.2f} MB per day; {n_alarms} alarms, {per_ten_minutes:.3f} per "
        f"10 minutes, at most {max(watch.alarms.values(), default=0)} on one day"
    )
    failed = [name for name, is_so in broken.items() if is_so]
    return Tried(
        id="T14",
        promise="a fleet on links that fail completes its run in memory that stays flat",
        n_tried=n_vessels * n_days,
        n_failed=len(failed),
        note="; ".join([words, *failed]),
    )
