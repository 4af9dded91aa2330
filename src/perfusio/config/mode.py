"""Mode: who may change setpoints."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """Who may change setpoints; the value is shown on the command line."""

    MANUAL = "manual"
    ADVISORY = "advisory"
    AUTOMATIC = "automatic"
    HOLD = "hold"
