"""One write: intent on record, write, read back, done or unknown. The only caller of `write_setpoints`."""

from __future__ import annotations

import numpy as np

from perfusio.decision import Action, Verdict
from perfusio.errors import ConnectorError
from perfusio.events import ConnectorFailed, SetpointsWritten, WriteIntended, WriteUnknown
from perfusio.protocols import Connector, EventSink
from perfusio.state import Setpoints
from perfusio.twin.patience import DAILY, Patience

TOLERANCE = 1e-6


async def actuate(
    verdict: Verdict,
    *,
    connector: Connector,
    current: Setpoints,
    audit: EventSink,
    key: str,
    day: int,
    patience: Patience = DAILY,
) -> Setpoints | None:
    """Write what a verdict allows, and return what is in force afterwards; None if that is not known.

    The intent is durable before the first byte goes out. A write that raises, or is not answered in time, is unknown,
    not undone: it is read back.

    Raises:
        AuditError: the intent could not be recorded; nothing was written.
    """
    if verdict.action is not Action.WRITE or verdict.setpoints is None:
        return current
    asked, reactor = verdict.setpoints, verdict.reactor_id
    audit.append(WriteIntended(reactor=reactor, day=day, key=key, old=current, new=asked))
    trouble = ""
    acknowledged: Setpoints | None = None
    try:
        acknowledged = _numbers(await patience.answer(connector.write_setpoints(asked)))
        if connector.confirms_at_once:
            acknowledged = _numbers(await patience.answer(connector.read_setpoints())).filled_from(acknowledged)[0]
    except Exception as error:  # noqa: BLE001 - whatever a write raises, it is unknown until it is read back
        trouble = _in_words(error)
        acknowledged = await _read_back(connector, audit, reactor, day, patience)
    if acknowledged is not None and _agree(asked, acknowledged):
        audit.append(
            SetpointsWritten(reactor=reactor, day=day, key=key, asked=asked, acknowledged=acknowledged, reason=trouble)
        )
    else:
        trouble = trouble or "The vessel holds other setpoints than were asked for."
        audit.append(
            WriteUnknown(reactor=reactor, day=day, key=key, asked=asked, read_back=acknowledged, reason=trouble)
        )
    return acknowledged


async def _read_back(
    connector: Connector, audit: EventSink, reactor: str, day: int, patience: Patience
) -> Setpoints | None:
    try:
        return _numbers(await patience.answer(connector.read_setpoints()))
    except Exception as error:  # noqa: BLE001 - as above
        audit.append(ConnectorFailed(reactor=reactor, day=day, operation="read_setpoints", reason=_in_words(error)))
        return None


def _numbers(found: Setpoints) -> Setpoints:
    """Whatever a broken connector answers: from here on it is six numbers, or an error."""
    return Setpoints.of(found.vector())


def _in_words(error: Exception) -> str:
    return str(error) if isinstance(error, ConnectorError) else f"{type(error).__name__}: {error}"


def _agree(asked: Setpoints, found: Setpoints) -> bool:
    return bool(np.allclose(asked.vector(), found.vector(), rtol=TOLERANCE, atol=TOLERANCE))
