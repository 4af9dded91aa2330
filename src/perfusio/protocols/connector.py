"""Connector: one vessel, seen from the twin."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol, runtime_checkable

from perfusio.state import FloatArray, Setpoints, State

NOT_USED = "was found and not used"
"""In the remark on a value that is NaN, after the value: it came, and a check kept it from being used."""


class ConnectorKind(StrEnum):
    """Kind of source behind a connector; it decides the default mode and which checks make sense."""

    REPLAY = "replay"
    SIMULATED = "simulated"
    HARDWARE = "hardware"


@runtime_checkable
class Connector(Protocol):
    """One vessel, seen from the twin. The connector owns pace: a replay returns at once, a live one waits."""

    kind: ConnectorKind
    confirms_at_once: bool
    """Whether `read_setpoints` tells the result of a write at once; a file whose controller answers later does not."""

    async def read_sample(self) -> State:
        """Wait for the next sample and return it.

        Raises:
            EndOfRun: no further sample will ever come.
            SampleOverdue: an expected sample did not come in time.
            NotConnected: the source cannot be reached.
        """
        ...

    async def read_setpoints(self) -> Setpoints:
        """Return the setpoints really in force now; NaN where the source does not say."""
        ...

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """Ask for `setpoints` from now on and return the acknowledged setpoints.

        Raises:
            WriteRejected: the vessel did not take them.
            NotConnected: it is not known whether they were taken; read back.
        """
        ...


def shows_at_once(connector: Connector) -> bool:
    """Whether `read_setpoints` shows anybody's change at the vessel at once, and not only with its next sample.

    As `confirms_at_once`, unless the connector says otherwise in an attribute of this name: a controller may
    acknowledge a request at once, and still tell of a person's change only with the next sample.
    """
    return bool(getattr(connector, "shows_at_once", connector.confirms_at_once))


def resolution_of(connector: Connector) -> FloatArray | None:
    """Return the step in which a vessel keeps each setpoint (U,), canonical units; None where it says none.

    A setpoint that is read back within it is in force.
    """
    found: FloatArray | None = getattr(connector, "resolution", None)
    return found


def is_fresh(connector: Connector) -> bool:
    """Whether the sample read last had come since the connector was made, so that it shows the setpoints in force now.

    An attribute of this name says so of a connector whose samples may have waited while no program was running.
    """
    return bool(getattr(connector, "is_fresh", True))
