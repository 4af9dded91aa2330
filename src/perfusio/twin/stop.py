"""Stop: a person ends a run for good, on record. A running twin is ordered to; for one that is not, it is done here."""

from __future__ import annotations

from pathlib import Path

from perfusio.clock import Clock
from perfusio.errors import RecordInUse
from perfusio.events import OperatorActed, RunEnded
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.verification.site_key import SiteKey
from perfusio.twin.operators.orders import Order, give
from perfusio.twin.outcome import Outcome, ended_by
from perfusio.twin.resume import known_after
from perfusio.twin.state.who_and_why import check_words


def stop(run_dir: Path, *, who: str, why: str, clock: Clock | None = None) -> bool:
    """End a run; return whether it is over now. Else a twin is running, and ends it once its writes have ended.

    Args:
        run_dir: Folder of the run.
        who: Name of the person.
        why: Reason.
        clock: Where the time of the record comes from.

    Raises:
        AuditError: there is no record, its run is finished, or it cannot be written.
        ConfigError: nobody, or no reason, is named.
    """
    check_words(who, why)
    try:
        log, records = AuditLogger.resumed(run_dir / "audit.jsonl", clock=clock, key=SiteKey.of_site())
    except RecordInUse:
        give(run_dir, Order(act="stop", reactor="", who=who, why=why))
        return False
    with log:
        known = known_after(records)
        log.append(OperatorActed(turn=known.today.turn, act="stop", who=who, reason=why))
        log.append(
            RunEnded(
                outcome=Outcome.STOPPED.name, n_samples=known.n_samples, n_decisions=known.n_decisions,
                reason=ended_by(who, why),
            )
        )  # fmt: skip
    return True
