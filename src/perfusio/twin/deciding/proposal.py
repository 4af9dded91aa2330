"""A policy's answer, taken as a decision only if it can be recorded. Pure."""

from __future__ import annotations

import numpy as np

from perfusio.decision import Decision
from perfusio.errors import ModelError, PerfusioError
from perfusio.events import Decided, to_json
from perfusio.twin.state import event_builders


def proposed(
    answer: object, *, reactor: str, turn: int, key: str
) -> tuple[Decision | PerfusioError, Decided | None]:
    """Return the decision, or why there is none, and its record.

    A decision with numbers that cannot be recorded has no record; the guard says its faults in words.

    Args:
        answer: Whatever the policy gave for this vessel.
        reactor: The vessel that was asked about.
        turn: Turn of the loop.
        key: Name of the decision.
    """
    if isinstance(answer, PerfusioError):
        return answer, None
    if not isinstance(answer, Decision):
        found = type(answer).__name__
        return ModelError(f"The policy gave {found} for {reactor} where a decision was expected."), None
    try:
        answer.setpoints.vector()
        is_usable = np.isfinite(answer.score) and answer.chosen.is_finite() and answer.hold.is_finite()
        event = event_builders.decided(answer, turn, key) if is_usable else None
        if event is not None:
            to_json(event)
    except Exception as error:  # noqa: BLE001 - a policy may put anything into a decision; that is a HOLD, not a crash
        return ModelError(f"The decision for {reactor} is not usable: {type(error).__name__}: {error}"), None
    return answer, event if answer.reactor_id == reactor else None
