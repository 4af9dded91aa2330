"""Arrival: a sample as it came, with the setpoints in force."""

from __future__ import annotations

from dataclasses import dataclass

from perfusio.state import Setpoints, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One sample with the setpoints in force from it on.

    Attributes:
        sample: The measurements.
        setpoints: As the connector reports them, NaN where it does not say.
        is_due: Whether it is the sample of this turn; others lie in between or complete an earlier one.
        refused: Why it cannot have been taken yet; empty if it can.
        is_typed: Whether a person has entered it: then it says nothing of setpoints that its source shows with samples.
    """

    sample: State
    setpoints: Setpoints
    is_due: bool
    refused: str = ""
    is_typed: bool = False
