"""Samples to test with: a healthy perfusion culture, of which a test changes what it is about."""

from __future__ import annotations

from dataclasses import replace

from perfusio.state import State

_HEALTHY = State(
    time_h=72.0, vcd=20.0, viability=97.0, glucose=3.5, glutamine=1.5, glutamate=1.2, lactate=8.0, ammonium=3.0,
    pyruvate=0.6, titer=350.0, diameter=16.5,
)  # fmt: skip


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
