"""`[policy]` of an experiment: how decisions are made, and the shared limits of vessels."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from perfusio import factories
from perfusio.errors import ConfigError
from perfusio.frozen import Frozen
from perfusio.objective import OfProcess
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.declared import misdeclared
from perfusio.process.roles import PERFUSION
from perfusio.quantities import closest
from perfusio.registry import POLICIES, ExtensionError

if TYPE_CHECKING:
    from perfusio.bed.shared_limits import SharedLimit
    from perfusio.process.panel import Panel
    from perfusio.protocols import Policy


class SharedSettings(Frozen):
    """Limit on the sum of a setpoint over several vessels; see `bed.coupling.SharedLimit`.

    Attributes:
        high: Largest sum, in the unit of the setpoint.
        setpoint: Which.
        reactors: The vessels that share it, as the experiment names them; empty = all.
        process: Whose setpoint it is; not told here, the experiment says it.
    """

    high: float
    setpoint: str = PERFUSION
    reactors: tuple[str, ...] = ()

    process: OfProcess = CHO_PERFUSION

    @model_validator(mode="after")
    def _is_a_limit(self) -> Self:
        self.limit()
        return self

    def limit(self) -> SharedLimit:
        """Return the limit as the policy takes it."""
        from perfusio.bed.shared_limits import SharedLimit

        return SharedLimit(high=self.high, setpoint=self.setpoint, reactors=self.reactors, process=self.process)


class PolicySettings(Frozen):
    """How decisions are made; their aim stands in `[run]`.

    Attributes:
        kind: ``"bed"`` or ``"model-free-mpc"``; policies of other packages have settings of their own.
        shared: Limits on the joint use of vessels; of `bed` only.
        target: Density to hold [1e6 cells/mL], of `model-free-mpc` only; None = the one that the run tracks.
        cspr: Perfusion per cell [nL/cell/day], of `model-free-mpc` only; None = 0.025.
        process: Whose setpoints these are; not told here, the experiment says it.
    """

    kind: Literal["bed", "model-free-mpc"] = "bed"
    shared: tuple[SharedSettings, ...] = ()
    target: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    cspr: float | None = Field(default=None, gt=0, le=1)
    process: OfProcess = CHO_PERFUSION

    @model_validator(mode="before")
    @classmethod
    def _of_its_process(cls, given: object) -> object:
        """A shared limit is on a setpoint of the process of the experiment."""
        if not isinstance(given, dict) or given.get("process") is None or not isinstance(given.get("shared"), list):
            return given
        own = [{**one, "process": given["process"]} if isinstance(one, dict) else one for one in given["shared"]]
        return {**given, "shared": own}

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        """A setting of another kind must not vanish."""
        others = ("target", "cspr") if self.kind == "bed" else ("shared",)
        if said := [name for name in others if getattr(self, name)]:
            raise ValueError(f"{' and '.join(said)}: a policy of kind {self.kind!r} has no such setting. Leave it away")
        if self.target is not None and (why := misdeclared(self.process.the("cells"), self.target, "=", self.process)):
            raise ValueError(f"target of the policy: {why}")
        return self


def policy_of(settings: Frozen, reactors: Collection[str], process: Panel = CHO_PERFUSION) -> Policy:
    """Return the policy for these vessels.

    Raises:
        ConfigError: a limit is shared by a vessel that is not there.
        ExtensionError: another package brings the policy, and it cannot be made.
    """
    if not isinstance(settings, PolicySettings):
        return _given(settings, process)
    if settings.kind == "model-free-mpc":
        from perfusio.bed.model_free.policy import ModelFreeMPC

        return ModelFreeMPC(target=settings.target, **({} if settings.cspr is None else {"cspr": settings.cspr}))
    from perfusio.bed.policy import BEDPolicy

    for limit in settings.shared:
        for name in limit.reactors:
            if name not in reactors:
                hint = closest(name, tuple(reactors))
                raise ConfigError(
                    f"policy.shared: there is no vessel {name!r}.{hint} The experiment has {', '.join(reactors)}."
                )
    return BEDPolicy(shared=limits_of(settings))


def _given(settings: Frozen, process: Panel) -> Policy:
    name = type(settings).__name__
    policy = factories.make(POLICIES, name, settings, process=process)
    if not callable(getattr(policy, "decide", None)):
        package = POLICIES.find(name)[1].package
        raise ExtensionError(
            f"The policy {name!r} of the package {package} gave {type(policy).__name__}, which cannot decide. Its "
            "author can try check_policy of perfusio.testing."
        )
    made: Policy = policy
    return made


def limits_of(settings: PolicySettings) -> tuple[SharedLimit, ...]:
    """Return the limits that vessels share."""
    return tuple(shared.limit() for shared in settings.shared)
