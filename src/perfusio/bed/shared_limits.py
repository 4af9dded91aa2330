"""A limit that vessels share: the medium that can be made in a day, the capacity of a pump.

Vessels are decided for one by one. Only where their joint demand is too much are those that ask for most asked
again with less room: the limit is shared out so that the least that anyone is cut to is as much as possible (max-min
fairness; Bertsekas and Gallager, Data Networks, 1992, ch. 6.5). Vessels below that level keep their decisions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perfusio.config import DesignSpace
from perfusio.decision import Decision
from perfusio.errors import ConfigError, PerfusioError
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.process.roles import PERFUSION
from perfusio.process.sound_numbers import MOST_VESSELS
from perfusio.quantities import closest
from perfusio.state import Setpoints

SLACK = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedLimit:
    """Limit on the sum of a setpoint over several vessels.

    Attributes:
        high: Largest sum, in the unit of the setpoint; of perfusion rates it is vessel volumes of medium a day.
        setpoint: Which.
        reactors: The vessels that share it; empty = all.
        process: Whose setpoint it is.
    """

    high: float
    setpoint: str = PERFUSION
    reactors: tuple[str, ...] = ()
    process: Panel = CHO_PERFUSION

    def __post_init__(self) -> None:
        """Refuse a limit that limits nothing."""
        if self.setpoint not in (known := self.process.setpoint_names):
            hint = closest(self.setpoint, known)
            raise ConfigError(f"{self.setpoint!r} is not a setpoint.{hint} Known: {', '.join(known)}.")
        if not self.high > 0.0:
            raise ConfigError(f"A shared limit of {self.high:g} leaves nothing to share. Expected a number above 0.")
        if self.high > (most := MOST_VESSELS * self.process[self.setpoint].high):
            unit = self.process[self.setpoint].unit
            raise ConfigError(
                f"A shared limit of {self.high:g} {unit} for {self.setpoint} can never matter: expected up to {most:g} "
                f"{unit}. Mind its unit."
            )

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for the record, which says the process elsewhere."""
        return {"high": self.high, "setpoint": self.setpoint, "reactors": list(self.reactors)}

    def counts(self, reactor: str) -> bool:
        """Whether a vessel takes part."""
        return not self.reactors or reactor in self.reactors


def narrowed(
    limit: SharedLimit,
    decisions: Mapping[str, Decision | PerfusioError],
    in_force: Mapping[str, Setpoints],
    spaces: Mapping[str, DesignSpace],
) -> dict[str, DesignSpace]:
    """Return the vessels that must be asked again, each with the design space in which the limit is kept.

    A vessel for which nothing was decided, or that nobody asked about, goes on as it is and uses up its share. Where
    largest steps are too small to keep the limit today, it is approached by them.

    Args:
        limit: Shared limit.
        decisions: Of the vessels that were asked about.
        in_force: Setpoints of these and of any other vessels that go on beside them.
        spaces: Design space of each vessel that was asked about.
    """
    name = limit.setpoint
    taken = {r: getattr(u, name) for r, u in in_force.items() if limit.counts(r)}
    wishes = {
        r: getattr(d.setpoints, name) for r, d in decisions.items() if isinstance(d, Decision) and limit.counts(r)
    }
    left = limit.high - sum(value for reactor, value in taken.items() if reactor not in wishes)
    if sum(wishes.values()) <= left + SLACK:
        return {}
    level = fair_level(list(wishes.values()), left)
    out = {}
    for reactor, wish in wishes.items():
        bounds = spaces[reactor].bounds[name]
        least = max(bounds.low, getattr(in_force[reactor], name) - bounds.max_step)
        cap = min(max(level, least), bounds.high)
        if wish > cap + SLACK:
            cut = bounds.model_copy(update={"high": cap, "nominal": min(bounds.nominal, cap)})
            process = spaces[reactor].process
            out[reactor] = DesignSpace(bounds={**spaces[reactor].bounds, name: cut}, process=process)
    return out


def fair_level(wishes: list[float], left: float) -> float:
    """Return the level to which wishes are cut so that they add up to the remainder; at least 0."""
    ordered, share = sorted(wishes), max(left, 0.0)
    for i, wish in enumerate(ordered):
        level = share / (len(ordered) - i)
        if wish > level:
            return level
        share -= wish
    return ordered[-1]
