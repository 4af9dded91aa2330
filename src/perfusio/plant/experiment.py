"""A set of virtual runs at constant setpoints: the training experiment of a new cell line."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from perfusio.plant.clones import Clone
from perfusio.plant.of_process import check_known, fed, measured, obeyed
from perfusio.plant.sensors import Sensors, SensorSettings
from perfusio.plant.vessel import VesselBatch, vessel_seeds
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.state import Setpoints
from perfusio.trajectory import Trajectory


def simulate_runs(
    clone: Clone,
    recipes: Mapping[str, Setpoints],
    *,
    days: int,
    seed: int = 0,
    sensors: SensorSettings | None = None,
    process: Panel = CHO_PERFUSION,
    on_day: Callable[[int], object] = lambda _day: None,
) -> tuple[Trajectory, ...]:
    """Cultivate one vessel per recipe side by side and sample each once a day.

    Args:
        clone: The cell line.
        recipes: Setpoints by run name, held from day 0 to the end.
        days: Length of the runs; `days` + 1 samples each.
        seed: Every vessel gets its own stream from it, for inoculum and analyzers.
        sensors: How good the analyzers are; default a usual laboratory. A late titer is reported with its sample,
            as it is in a table written after the experiment.
        process: Whose quantities are reported, and its medium; of the default one the medium of the cell line.
        on_day: Called with each day that is done, for progress.

    Returns:
        One trajectory per recipe, in their order.
    """
    seeds = vessel_seeds(seed, len(recipes))
    check_known(process)
    medium, equipment = (None, None) if process is CHO_PERFUSION else fed(process)
    asked = [obeyed(u) for u in recipes.values()]
    batch = VesselBatch(clone, asked, seeds=seeds, medium=medium, equipment=equipment)
    analyzers = [Sensors(sensors, seed=s) for s in seeds]
    trajectories = [Trajectory(reactor_id=name, run_id=name, clone=clone.name) for name in recipes]
    for day in range(days + 1):
        if day > 0:
            batch.advance(1.0)
        for i, (true, setpoints) in enumerate(zip(batch.true_states(), recipes.values(), strict=True)):
            trajectories[i] = trajectories[i].observe(measured(analyzers[i].report(true), process), setpoints)
        on_day(day)
    return tuple(trajectories)
