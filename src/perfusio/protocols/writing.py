"""How a write ended, and which twin may write to a vessel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol, runtime_checkable

from perfusio.state import Setpoints


class Ending(Enum):
    """How a write ended; the value says the next step."""

    DONE = "All values are in force."
    REFUSED = "Nothing has changed."
    OVERRIDDEN = "Nothing was sent: somebody else changed a setpoint. A person decides whose values hold."
    RESTORED = "The old values are back and verified. A person finds out why before anything more is written."
    PARTIAL = "A part is in force and could not be put back. A person looks at the vessel now."
    UNKNOWN = "What is in force is not known. A person looks at the vessel now."

    @property
    def stops_writing(self) -> bool:
        """Whether nothing more may be written until a person allows it."""
        return self not in (Ending.DONE, Ending.REFUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteReport:
    """How one write ended.

    Attributes:
        ending: How.
        in_force: Setpoints read back last; NaN where it is not known.
        words: The events, one sentence each.
    """

    ending: Ending
    in_force: Setpoints
    words: str = ""


@runtime_checkable
class Reporting(Protocol):
    """A connector that checks, reads back and puts back by itself, and says how its latest write ended."""

    last_write: WriteReport | None

    def allow_writing(self, *, who: str, why: str) -> None:
        """Allow writing again after an ending that stopped it; a person said so."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who writes to a vessel: one program with one run.

    Attributes:
        run: Folder of the run.
        pid: Number of the process.
        host: Name of its machine.
        since: When it began, UTC.
    """

    run: str
    pid: int
    host: str
    since: str = ""

    def __str__(self) -> str:
        since = f", since {self.since}" if self.since else ""
        return f"the twin of the run in {self.run} (process {self.pid} on {self.host}{since})"


@runtime_checkable
class Leased(Protocol):
    """A connector whose vessel one twin at a time may write to; the lease ends with the program that holds it."""

    async def take(self, holder: Holder) -> None:
        """Take the vessel for this twin, before anything is written to it; a second time by the same twin is nothing.

        Raises:
            VesselTaken: another twin has it; the message names that one as far as it is known.
            NotConnected: it is not known whether another has it.
        """
        ...

    async def give_back(self) -> None:
        """Let another twin take it."""
        ...
