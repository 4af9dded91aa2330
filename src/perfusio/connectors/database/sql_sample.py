"""SqlSample: one row of the table `samples`, as it goes in and comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perfusio.state import Setpoints, State


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlSample:
    """One sample of one vessel.

    Attributes:
        state: The measurements.
        setpoints: In force from this sample to the next; NaN where it is not known.
        reactor: Vessel; empty where there is only one.
        run: Run; empty where runs are not told apart.
        clone: Cell line; empty where it is not said.
        others: Further values by name with unit, e.g. ``{"pH [-]": 7.02}``; kept and not read.
    """

    state: State
    setpoints: Setpoints = field(default_factory=Setpoints)
    reactor: str = ""
    run: str = ""
    clone: str = ""
    others: Mapping[str, float] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Rows of a database have no place that a person could look up."""
        return ""
