"""State and Setpoints under the name that users type; they live in `process/state.py`."""

from perfusio.process.state import (
    QUANTITIES,
    SETPOINT_INDEX,
    SETPOINT_QUANTITIES,
    SETPOINTS,
    SPECIES,
    SPECIES_INDEX,
    STATE_QUANTITIES,
    FloatArray,
    Setpoints,
    State,
    find_quantity,
)

__all__ = [
    "QUANTITIES",
    "SETPOINTS",
    "SETPOINT_INDEX",
    "SETPOINT_QUANTITIES",
    "SPECIES",
    "SPECIES_INDEX",
    "STATE_QUANTITIES",
    "FloatArray",
    "Setpoints",
    "State",
    "find_quantity",
]
