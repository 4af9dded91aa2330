"""Tasks of PerfusionBench: results of the oracle, and of a controller, in some cultures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from perfusio.hybrid.model import HybridModel
from perfusio.objective import Constraint
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.state import Setpoints
from perfusio.study.bench.cohort import COLD, BenchCulture
from perfusio.study.bench.oracle import best_of
from perfusio.study.cultures.control_task import ControlTask, old_runs
from perfusio.study.cultures.controllers import (
    CHEAP,
    TWIN_WITH_HISTORY,
    check_source,
    controller_named,
    is_whole_loop,
    proposal,
)
from perfusio.study.cultures.culture import Steer, VirtualCulture, steered
from perfusio.study.cultures.judged import figures
from perfusio.study.cultures.under_twin import under_twin
from perfusio.study.running.task import Row, Task
from perfusio.trajectory import Trajectory

ORACLE = "oracle"
BLOCK = 10
"""Cultures that share a task, and are stepped together, for controllers of ours that cost next to nothing."""
HERE = __name__


def oracle_rows(cultures: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return the results of the oracle, a row for each culture."""
    rows: list[Row] = []
    for told in cultures:
        best = best_of(BenchCulture(**told).culture())
        limits = [limit.model_dump(mode="json") for limit in best.limits]
        rows.append({**told, "controller": ORACLE, **best.figures, "limits": limits})
    return rows


def controller_rows(
    controller: str, cultures: Sequence[Mapping[str, Any]], limits: Sequence[Sequence[Mapping[str, Any]]], source: str
) -> list[Row]:
    """Return the figures of a controller, a row for each culture.

    Args:
        controller: By name, see `controllers.controller_named`.
        cultures: Of one task.
        limits: That it is told, for each culture.
        source: Of `source_of`: another controller of the same name is another task.
    """
    check_source(controller, source)
    members = [BenchCulture(**told) for told in cultures]
    grown = [m.culture() for m in members]
    kept = [tuple(Constraint(**limit) for limit in of_one) for of_one in limits]
    if is_whole_loop(controller):
        courses = []
        for member, culture, of_one in zip(members, grown, kept, strict=True):
            model = None
            if controller == TWIN_WITH_HISTORY and member.scenario != COLD:
                model = HybridModel().fit(old_runs(member.clone, culture.space, member.seed), seed=0)
            courses.append(under_twin(culture, limits=of_one, model=model))
    else:
        steers = [_steer(controller, *each) for each in zip(members, grown, kept, strict=True)]
        courses = steered(grown, steers)
    return [
        {**told, "controller": controller, **figures(course, of_one)}
        for told, course, of_one in zip(cultures, courses, kept, strict=True)
    ]


def oracle_tasks(members: Sequence[BenchCulture]) -> list[Task]:
    """Return the tasks of the oracle, one for each culture."""
    return [
        Task(
            function=f"{HERE}:oracle_rows", arguments={"cultures": [m.as_dict()]},
            label=f"oracle, {m.clone}, {m.scenario}",
        )
        for m in members
    ]  # fmt: skip


def controller_tasks(
    controller: str,
    members: Sequence[BenchCulture],
    limits: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]],
    *,
    source: str = "",
) -> list[Task]:
    """Return the tasks of a controller.

    Args:
        controller: By name.
        members: Cultures.
        limits: By clone and scenario, as the oracle says that they can be kept.
        source: Of `source_of`.
    """
    block = BLOCK if controller in CHEAP else 1
    blocks = [list(members[i : i + block]) for i in range(0, len(members), block)]
    return [
        Task(
            function=f"{HERE}:controller_rows",
            arguments={
                "controller": controller, "cultures": [m.as_dict() for m in some],
                "limits": [list(limits[m.clone, m.scenario]) for m in some], "source": source,
            },
            label=f"{controller}, {some[0].clone} to {some[-1].clone}" if len(some) > 1 else f"{controller}, "
            f"{some[0].clone}, {some[0].scenario}",
        )
        for some in blocks
    ]  # fmt: skip


def _steer(controller: str, member: BenchCulture, culture: VirtualCulture, limits: tuple[Constraint, ...]) -> Steer:
    decide = controller_named(controller)
    first = ControlTask(
        target=culture.target, limits=limits, design_space=culture.space, process=CHO_PERFUSION, day=0,
        days=culture.days, clone="" if member.scenario == COLD else member.clone, seed=member.seed,
    )  # fmt: skip
    past: dict[str, ControlTask] = {}

    def steer(history: Trajectory, in_force: Setpoints, day: int) -> Setpoints:
        task = replace(
            first, target=culture.aim(day), day=day, past_targets=tuple(culture.aim(d) for d in range(day))
        )
        if "past_runs" in (before := past.get("", first)).__dict__:
            task.__dict__["past_runs"] = before.past_runs  # simulated once a culture
        past[""] = task
        return proposal(decide, history, in_force, task)

    return steer
