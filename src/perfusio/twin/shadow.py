"""Shadow: the setpoints that the model-free MPC would choose for a vessel now, worked out from the record."""

from __future__ import annotations

from perfusio.bed.model_free.policy import ModelFreeMPC
from perfusio.bed.model_free.rule import DensityPlan
from perfusio.bed.model_free.standing_in import density_to_hold
from perfusio.config import DesignSpace, RunConfig
from perfusio.decision import Decider
from perfusio.errors import ConfigError
from perfusio.events import RunStarted
from perfusio.twin.run_view import RunView
from perfusio.twin.status import objectives_of


def shadow(seen: RunView, reactor: str) -> tuple[float, DensityPlan]:
    """Return the density at which the MPC would hold a vessel [1e6 cells/mL], and its plan.

    It follows from the record alone, so it need not stand there.

    Args:
        seen: The run.
        reactor: Vessel.

    Raises:
        ConfigError: it cannot hold this vessel, or the vessel has no sample.
    """
    known, started = seen.run_state, seen.records.first.to_event()
    assert isinstance(started, RunStarted)
    config = RunConfig.model_validate({**dict(seen.config), "objective": objectives_of(seen, reactor)})
    own = started.config.get("vessels", {}).get(reactor, {})
    space = DesignSpace(**own.get("design_space", started.config["design_space"]), process=config.process)
    trajectory, last = known.trajectories[reactor], known.deciders.get(reactor)
    if not trajectory.states:
        raise ConfigError(f"{reactor} has no sample yet. Ask again after its first one.")
    is_held = last is not None and last.decider == Decider.MODEL_FREE
    target = last.target if last is not None and is_held else density_to_hold(trajectory, config)
    return target, ModelFreeMPC(target=target).held(trajectory, known.in_force[reactor], space, config)
