"""T08: the wall clock is set, goes through summer time, or the machine sleeps; each day has one decision still."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode, RunConfig
from perfusio.errors import EndOfRun
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.examples import QUIET
from perfusio.protocols import ConnectorKind
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.verification.verify import read_records
from perfusio.selftest.promises import Tried
from perfusio.state import Setpoints, State
from perfusio.testing.clock import ManualClock
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.twin.digital_twin import DigitalTwin

N_RUNS, N_RUNS_QUICK = 200, 10
N_DAYS = 8
START = datetime(2026, 3, 28, 20, 0, tzinfo=UTC)
JUMPS_H = (48.0, -48.0, 1.0, -1.0, 8.0, 0.0, 0.0)
"""Of the wall clock against the monotonic one: it was set, summer time, a machine that slept for 8 hours."""


class DailyVessel:
    """A real vessel, as far as the twin can tell: its next sample is there a day later, an hour more or less."""

    kind = ConnectorKind.HARDWARE
    confirms_at_once = True

    def __init__(self, clock: ManualClock, rng: Random) -> None:
        self._clock, self._rng, self._day = clock, rng, -1
        self._in_force = DEFAULT_AMBR250_DESIGN_SPACE.nominal

    async def read_sample(self) -> State:
        """Let a day pass and return its sample."""
        self._day += 1
        if self._day > N_DAYS:
            raise EndOfRun
        if self._day > 0:
            self._clock.advance(hours=24.0)
            self._clock.step(seconds=3600.0 * self._rng.choice(JUMPS_H))
        return State.of_values(CHO_PERFUSION, 24.0 * self._day, QUIET)

    async def read_setpoints(self) -> Setpoints:
        """Return the setpoints in force."""
        return self._in_force

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """Put setpoints in force."""
        self._in_force = setpoints
        return setpoints


def clock_jumps(is_full: bool) -> Tried:
    """Run twins on clocks that jump."""
    n = N_RUNS if is_full else N_RUNS_QUICK
    wrong = [days for seed in range(n) if (days := decided_days(seed)) != list(range(N_DAYS))]
    return Tried(
        id="T08",
        promise="the clock is set by days, summer time, or asleep: one decision a day still",
        n_tried=n,
        n_failed=len(wrong),
        note=f"decided on days {wrong[0]}" if wrong else f"{N_DAYS} days each",
    )


def decided_days(seed: int) -> list[int | None]:
    """Run a twin on such a clock; return the days on which it decided and wrote."""
    clock = ManualClock(START)
    with tempfile.TemporaryDirectory() as folder:
        config = RunConfig(
            duration_days=N_DAYS, retrain_every=2, n_paths=16, forecast_days=2, run_dir=Path(folder),
            mode=Mode.AUTOMATIC,
        )  # fmt: skip
        with AuditLogger(Path(folder) / "audit.jsonl", clock=clock) as log:
            twin = DigitalTwin(
                connector=DailyVessel(clock, Random(seed)), design_space=DEFAULT_AMBR250_DESIGN_SPACE,
                run_config=config, model=SteadyModel(), policy=SteppingPolicy(), clock=clock, audit=log,
            )  # fmt: skip
            asyncio.run(twin.run())
        return [r.turn for r in read_records(Path(folder) / "audit.jsonl") if r.event == "SetpointsWritten"]
