"""What decisions cost: CPU seconds of this process, for a vessel alone and for a whole rig."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass

from decisions_cases import TARGET, Case
from perfusio.bed.policy import BEDPolicy
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import RunConfig, maximize, track
from perfusio.hybrid.model import HybridModel
from perfusio.study.baselines import PIController
from perfusio.study.closed_loop import steer_all

N_ALONE = 8
"""Vessels that are decided on one by one, for the median."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """CPU seconds by objective.

    Attributes:
        n_vessels: Of the rig.
        alone: One decision for one vessel, the median over some.
        together: All vessels of the rig.
    """

    n_vessels: int
    alone: Mapping[str, float]
    together: Mapping[str, float]


def of_decisions(case: Case, model: HybridModel) -> Costs:
    """Measure it on the last day of a case whose vessels a PI controller has steered; the model must be fitted."""
    rig = case.rig()
    runs = asyncio.run(steer_all(rig, {name: PIController(TARGET).decide for name in rig.vessels()}))
    vessels = {name: run.trajectory for name, run in runs.items()}
    in_force = {name: t.setpoints[-1] for name, t in vessels.items()}
    followed = model.condition(list(vessels.values()))
    alone, together = {}, {}
    for objective in (track(vcd=TARGET), maximize("productivity")):
        config = RunConfig(duration_days=28, objective=objective)

        def spent(names: list[str], config: RunConfig = config) -> float:
            some = {name: vessels[name] for name in names}
            start = time.process_time()
            BEDPolicy().decide(some, in_force, followed, SPACE, config, day=case.days)
            return time.process_time() - start

        spent(list(vessels)[:1])  # what all decisions of a model share is made
        alone[str(objective)] = statistics.median(spent([name]) for name in list(vessels)[:N_ALONE])
        together[str(objective)] = spent(list(vessels))
    return Costs(n_vessels=len(vessels), alone=alone, together=together)
