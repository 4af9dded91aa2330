"""StandIn: the policy that decides for vessels whose own policy or model cannot, each at a density of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp

from perfusio.bed.model_free.count_filter import filtered
from perfusio.bed.model_free.counts_model import CountsModel
from perfusio.bed.model_free.policy import ModelFreeMPC
from perfusio.config import DesignSpace, RunConfig
from perfusio.decision import Decision
from perfusio.errors import ConfigError, ModelError, PerfusioError
from perfusio.protocols import Model
from perfusio.state import Setpoints
from perfusio.trajectory import Trajectory


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """The model-free MPC for each vessel, with forecasts from counts where the model has none.

    Attributes:
        targets: Density to hold by reactor id [1e6 cells/mL]; a vessel that is not named is not decided for.
    """

    targets: Mapping[str, float] = field(default_factory=dict)

    def decide(
        self,
        trajectories: Mapping[str, Trajectory],
        in_force: Mapping[str, Setpoints],
        model: Model,
        design_space: DesignSpace,
        config: RunConfig,
        *,
        day: int,
    ) -> dict[str, Decision | PerfusioError]:
        """Return a Decision per vessel, or why there is none."""
        return {
            reactor: self._decided(reactor, trajectory, in_force[reactor], model, design_space, config, day)
            for reactor, trajectory in trajectories.items()
        }

    def _decided(
        self, reactor: str, trajectory: Trajectory, current: Setpoints, model: Model, space: DesignSpace,
        config: RunConfig, day: int,
    ) -> Decision | PerfusioError:  # fmt: skip
        if reactor not in self.targets:
            return ModelError(f"There is no density to hold {reactor} at.")
        policy, theirs, now = ModelFreeMPC(target=self.targets[reactor]), {reactor: trajectory}, {reactor: current}
        models = [model] if isinstance(model, CountsModel) else [model, CountsModel(panel=config.process)]
        found: Decision | PerfusioError = ModelError(f"No decision for {reactor}.")
        for one in models:
            try:
                found = policy.decide(theirs, now, one, space, config, day=day)[reactor]
            except Exception as error:  # noqa: BLE001 - a model may fail in any way; the counts are tried next
                found = ModelError(f"The model failed with {type(error).__name__}: {error}")
            if isinstance(found, Decision) and found.chosen.is_finite() and found.hold.is_finite():
                return found
        return found


def density_to_hold(trajectory: Trajectory, config: RunConfig) -> float:
    """Return the density at which a vessel is held when its policy cannot decide [1e6 cells/mL].

    That is the density which its run tracks; with another aim, the density of now.

    Raises:
        ConfigError: its process is none that the model-free MPC can hold, or its cells were never counted.
    """
    known = None
    if all(config.process.one_or_none(role) is not None for role in ("perfusion", "bleed")):
        known = filtered(trajectory.states, trajectory.setpoints)
        if known is None:
            raise ConfigError(
                f"The cells of {trajectory.reactor_id} were never counted, so no density of it can be held. Wait for "
                "its first count."
            )
    now = None if known is None else exp(known[0])
    cells = config.process.the("cells")
    aimed = next((o.target for o in config.objectives if o.quantity == cells and o.target is not None), now)
    policy = ModelFreeMPC(target=aimed)
    policy.check(config)
    return policy.density_of(config)
