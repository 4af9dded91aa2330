"""Faults planted in a twin that is cut off and resumed: each must be noticed, or the trial proves nothing."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

from perfusio.errors import AuditError
from perfusio.protocols import Ending, WriteReport
from perfusio.record.run_state import RunState
from perfusio.state import Setpoints
from perfusio.twin import resume
from perfusio.twin.writes import actuate, first_look, write_dispatcher


def plant(bug: str) -> None:
    """Exchange a part of the twin in this process for a faulty one.

    Args:
        bug: One of BUGS.
    """
    BUGS[bug]()


def _exchange(module: ModuleType, name: str, faulty: object) -> None:
    setattr(module, name, faulty)


def _no_read_back() -> None:
    """A write that was cut short is taken as done without a look."""

    def blind(intent: Any, found: Setpoints) -> WriteReport:
        del found
        return WriteReport(ending=Ending.DONE, in_force=intent.new)

    _exchange(first_look, "settled", blind)


def _forgets() -> None:
    """A restart begins anew instead of going on."""

    def outline(run_dir: Any) -> Any:
        raise AuditError(f"{run_dir}: never mind.")

    _exchange(resume, "outline", outline)


def _writes_again() -> None:
    """A restart does the turn again: decisions and intents of it count for nothing."""
    known_after = resume.known_after

    def forgetful(records: Any) -> RunState:
        known = known_after(records)
        today = replace(known.today, decided={}, settled=frozenset())
        return replace(known, today=today, pending={})

    _exchange(resume, "known_after", forgetful)


def _acts_first() -> None:
    """The vessel hears of a write before the record does."""
    rightly = actuate.actuate

    async def first(order: Any, *, connector: Any, audit: Any, patience: Any) -> Ending:
        await connector.write_setpoints(order.asked)
        return await rightly(order, connector=connector, audit=audit, patience=patience)

    _exchange(write_dispatcher, "actuate", first)


BUGS = {
    "no read-back": _no_read_back,
    "forgets the journal": _forgets,
    "writes again on resume": _writes_again,
    "acts before the record": _acts_first,
}
