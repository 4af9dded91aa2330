"""The runs of one task of a study: a scenario on a block of seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from perfusio.hybrid.model import HybridModel
from perfusio.plant.families import clone_named
from perfusio.state import Setpoints
from perfusio.study.cultures.control_task import ControlTask, old_runs
from perfusio.study.cultures.controllers import (
    TWIN_WITH_HISTORY,
    check_source,
    controller_named,
    is_whole_loop,
    proposal,
)
from perfusio.study.cultures.culture import Steer, VirtualCulture, steered
from perfusio.study.cultures.judged import figures
from perfusio.study.cultures.under_twin import under_twin
from perfusio.study.running.task import Row
from perfusio.study.scenarios.study_file import ScenarioParts
from perfusio.trajectory import Trajectory

_NO_SETTINGS = ("kind", "source")


def run_rows(scenario: Mapping[str, str], settings: Mapping[str, Any], seeds: Sequence[int], days: int) -> list[Row]:
    """Return the figures of each run, a row each.

    Args:
        scenario: Name of each factor's value.
        settings: Of these, as `StudyPlan.settings_of` gives them.
        seeds: One run each.
        days: Length of the runs.
    """
    parts = ScenarioParts.of(settings)
    kind = settings["policy"]["kind"]
    check_source(kind, settings["policy"]["source"])
    own = {k: v for k, v in settings["policy"].items() if k not in _NO_SETTINGS}
    cultures = [
        VirtualCulture(
            clone=clone_named(scenario["clone"]), seed=seed, target=parts.objective.target or float("nan"), days=days,
            trouble=parts.trouble, space=parts.space, medium=parts.medium,
        )
        for seed in seeds
    ]  # fmt: skip
    if is_whole_loop(kind):
        courses = []
        for culture in cultures:
            model = None
            if kind == TWIN_WITH_HISTORY:
                model = HybridModel().fit(old_runs(scenario["clone"], parts.space, culture.seed), seed=0)
            courses.append(
                under_twin(culture, limits=parts.limits, model=model, objective=parts.objective, settings=own)
            )
    else:
        courses = steered(cultures, [_steer(kind, own, culture, parts, scenario["clone"]) for culture in cultures])
    return [
        {**scenario, "seed": seed, **figures(course, parts.limits)}
        for seed, course in zip(seeds, courses, strict=True)
    ]


def _steer(kind: str, own: Mapping[str, Any], culture: VirtualCulture, parts: ScenarioParts, clone: str) -> Steer:
    decide = controller_named(kind, own)
    first = ControlTask(
        target=culture.target, limits=parts.limits, design_space=culture.space, process=parts.process, day=0,
        days=culture.days, clone=clone, seed=culture.seed,
    )  # fmt: skip

    def steer(history: Trajectory, in_force: Setpoints, day: int) -> Setpoints:
        before = tuple(culture.aim(d) for d in range(day))
        task = replace(first, target=culture.aim(day), day=day, past_targets=before)
        return proposal(decide, history, in_force, task)

    return steer
