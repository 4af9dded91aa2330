"""`[policy]` of an experiment: how decisions are made, and what vessels share."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from perfusio.errors import ConfigError
from perfusio.frozen import Frozen
from perfusio.process.roles import PERFUSION
from perfusio.quantities import closest

if TYPE_CHECKING:
    from perfusio.bed.coupling import SharedLimit
    from perfusio.bed.policy import BEDPolicy


class SharedSettings(Frozen):
    """What the setpoints of several vessels may add up to; see `bed.coupling.SharedLimit`.

    Attributes:
        high: Largest sum, in the unit of the setpoint.
        setpoint: Which.
        reactors: The vessels that share it, as the experiment names them; empty = all.
    """

    high: float
    setpoint: str = PERFUSION
    reactors: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_a_limit(self) -> Self:
        from perfusio.bed.coupling import SharedLimit

        SharedLimit(high=self.high, setpoint=self.setpoint, reactors=self.reactors)
        return self


class PolicySettings(Frozen):
    """How decisions are made; what they aim at stands in `[run]`.

    Attributes:
        kind: Only one so far.
        shared: Limits on what vessels use together.
    """

    kind: Literal["bed"] = "bed"
    shared: tuple[SharedSettings, ...] = ()


def policy_of(settings: PolicySettings, reactors: Collection[str]) -> BEDPolicy:
    """Return the policy for these vessels.

    Raises:
        ConfigError: a limit is shared by a vessel that is not there.
    """
    from perfusio.bed.policy import BEDPolicy

    for limit in settings.shared:
        for name in limit.reactors:
            if name not in reactors:
                hint = closest(name, tuple(reactors))
                raise ConfigError(
                    f"policy.shared: there is no vessel {name!r}.{hint} The experiment has {', '.join(reactors)}."
                )
    return BEDPolicy(shared=limits_of(settings))


def limits_of(settings: PolicySettings) -> tuple[SharedLimit, ...]:
    """Return the limits that vessels share."""
    from perfusio.bed.coupling import SharedLimit

    return tuple(SharedLimit(high=s.high, setpoint=s.setpoint, reactors=s.reactors) for s in settings.shared)
