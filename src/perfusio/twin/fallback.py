"""Fallback: a second, small program that holds the vessels of a run by the model-free MPC while no twin runs.

It waits until nobody has written the record for a while, takes the vessels if they are free, and goes on with the run:
the same record, the same guard, the same writes. It gives the vessels back when the twin is resumed.
"""

from __future__ import annotations

from pathlib import Path

from perfusio.bed.model_free.counts_model import MODEL_ID, CountsModel
from perfusio.bed.model_free.standing_in import StandIn
from perfusio.clock import Clock, SystemClock
from perfusio.errors import RecordInUse
from perfusio.events import RunResumed
from perfusio.record.journal import writer_of
from perfusio.twin.announce import Observer
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.operators.orders import Order, give
from perfusio.twin.resume import outline
from perfusio.twin.run_view import RECORD, RunView, view
from perfusio.twin.timeouts import Patience
from perfusio.twin.vessels import Source

LOOKS_EVERY_S = 1.0
GIVES_BACK_S = 90.0
"""Within so long a program that stands in has ended: a write that is under way ends within a minute."""


def standing_in(
    run_dir: str | Path,
    *,
    connector: Source,
    clock: Clock | None = None,
    observers: tuple[Observer, ...] = (),
    patience: Patience | None = None,
) -> DigitalTwin:
    """Return a program that goes on with an unfinished run in the place of its twin; `run` then does.

    No model is loaded and none is fitted. Its `run` ends with `GivenBack` once the twin asks for the vessels.

    Arguments and errors as those of `DigitalTwin.resume`.
    """
    model = CountsModel(panel=outline(Path(run_dir)).config.process)
    return DigitalTwin.resume(
        run_dir, connector=connector, model=model, policy=StandIn(), clock=clock, observers=observers,
        patience=patience, other=True,
    )  # fmt: skip


async def until_alone(run_dir: Path, *, after_s: float, clock: Clock | None = None) -> bool:
    """Wait until no program has been at the record of a run for so long; return whether the run is still open.

    Args:
        run_dir: Folder of the run.
        after_s: So long [s].
        clock: Lets time pass.

    Raises:
        ConfigError: there is no run.
        AuditError: its record cannot be read.
    """
    clock, since = clock or SystemClock(), None
    while True:
        now = clock.monotonic_ns() / 1e9
        if writer_of(run_dir / RECORD) is not None:
            since = None
        elif since is None and view(run_dir).ended is not None:
            return False
        else:
            since = now if since is None else since
            if now - since >= after_s:
                return view(run_dir).ended is None
        await clock.sleep(LOOKS_EVERY_S)


def is_stood_in(seen: RunView) -> bool:
    """Whether the program that runs a run stands in for its twin."""
    resumed = seen.records.latest(RunResumed)
    event = None if resumed is None else resumed.to_event()
    return seen.writer is not None and isinstance(event, RunResumed) and event.model_id == MODEL_ID


async def take_back(run_dir: Path, *, clock: Clock | None = None) -> bool:
    """Have a program that stands in for the twin give the run back; return whether one did.

    Args:
        run_dir: Folder of the run.
        clock: Lets time pass.

    Raises:
        RecordInUse: it has not ended in time.
        ConfigError: there is no run, or it takes no orders.
    """
    seen, clock = view(run_dir), clock or SystemClock()
    if not is_stood_in(seen):
        return False
    give(run_dir, Order(act="resume", reactor="", who="perfusio resume", why="The twin goes on with the run."))
    ends = clock.monotonic_ns() / 1e9 + GIVES_BACK_S
    while (writer := writer_of(run_dir / RECORD)) is not None:
        if clock.monotonic_ns() / 1e9 > ends:
            raise RecordInUse(
                f"The fallback of {run_dir} (process {writer}) has not given the run back within {GIVES_BACK_S:g} s. "
                "End that process, then resume again."
            )
        await clock.sleep(LOOKS_EVERY_S / 5.0)
    return True
