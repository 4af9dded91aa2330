"""Samples to test with: a healthy perfusion culture, of which a test changes its own part."""

from __future__ import annotations

from dataclasses import replace

from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.examples import HEALTHY
from perfusio.state import State

_HEALTHY = State.of_values(CHO_PERFUSION, 72.0, HEALTHY)


def make_state(*, day: float | None = None, time_h: float | None = None, **values: float) -> State:
    """Return the sample of a healthy culture on day 3, with `values` in their canonical units put in.

    Args:
        day: Culture age [day]; instead of `time_h`.
        time_h: Culture age [h].
        values: Quantities by name; ``float("nan")`` for one that was not measured.
    """
    if time_h is None:
        time_h = _HEALTHY.time_h if day is None else 24.0 * day
    return replace(_HEALTHY, time_h=time_h, **values)  # type: ignore[arg-type]
