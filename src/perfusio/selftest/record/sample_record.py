"""A record to try things on: a short run as a twin would write it, on any disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from perfusio.clock import SystemClock
from perfusio.events import (
    ConnectorFailed,
    Event,
    ModelConditioned,
    RunStarted,
    SampleMissing,
    SampleRead,
    SetpointsWritten,
    WriteIntended,
)
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.examples import SPARSE, UNCONFIRMED
from perfusio.process.roles import BLEED, CELLS, PERFUSION
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.journal import Disk
from perfusio.record.verification.site_key import SiteKey
from perfusio.state import Setpoints, State

RUN = "selftest-1"


class SteadyClock(SystemClock):
    """A clock that moves by a minute with each look at it, so that records are the same on every machine."""

    def __init__(self) -> None:
        self._minutes = 0

    def now(self) -> datetime:
        """Return the wall time and move on."""
        self._minutes += 1
        return datetime(2026, 1, 5, 8, 0, tzinfo=UTC) + timedelta(minutes=self._minutes)

    def monotonic_ns(self) -> int:
        """Return the time that has passed."""
        return self._minutes * 60_000_000_000


def events(n: int) -> Iterator[Event]:
    """Yield `n` events of a run of one vessel, without its end."""
    low, high = (Setpoints.of_values(CHO_PERFUSION, {PERFUSION: d, BLEED: b}) for d, b in ((1.0, 0.15), (1.5, 0.2)))
    yield RunStarted(config={"seed": 0}, versions={"numpy": "2"}, sources={"R01": {"file": "run.csv"}})
    for i in range(n - 1):
        day, which = divmod(i, 5)
        key = f"{RUN}:R01:{day}:0"
        if which == 0 and day % 4 == 3:
            yield SampleMissing(reactor="R01", turn=day, expected_h=24.0 * day, reason='It says "none",\nat 37 °C.')
        elif which == 0:
            state = State.of_values(CHO_PERFUSION, 24.0 * day, {**SPARSE, CELLS: SPARSE[CELLS] + day})
            yield SampleRead(reactor="R01", turn=day, state=state, in_force=low, assumed=(UNCONFIRMED,))
        elif which == 1:
            yield ModelConditioned(reactor="R01", turn=day, model_id=f"4c1d{day:04d}")
        elif which == 2:
            yield WriteIntended(reactor="R01", turn=day, key=key, old=low, new=high)
        elif which == 3:
            yield SetpointsWritten(reactor="R01", turn=day, key=key, asked=high, acknowledged=high)
        else:
            yield ConnectorFailed(reactor="R01", turn=day, operation="read", reason="A timeout after 10 s.")


def write(
    path: Path,
    n: int,
    *,
    key: SiteKey | None,
    disk: Disk | None = None,
    acknowledged: Callable[[], None] = lambda: None,
) -> None:
    """Write a record of `n` events that has no end.

    Args:
        path: Where.
        n: How many.
        key: Signs heads; None = no heads.
        disk: How files are reached; None is the machine's disk.
        acknowledged: Called after each record that the logger says is durable.
    """
    with AuditLogger(path, run_id=RUN, clock=SteadyClock(), key=key, disk=disk) as log:
        for event in events(n):
            log.append(event)
            acknowledged()
