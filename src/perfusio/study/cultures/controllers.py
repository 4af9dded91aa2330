"""Controllers of virtual cultures: perfusio's own, and anybody's by ``module:function`` or entry point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from math import inf, isfinite
from types import MappingProxyType
from typing import Any

from perfusio.bed.model_free.rule import hold
from perfusio.errors import ConfigError
from perfusio.registry import CONTROLLERS
from perfusio.state import Setpoints
from perfusio.study.baselines import BIAS, KI, KP, PIController
from perfusio.study.cultures.control_task import ControlTask, Decide
from perfusio.study.cultures.outside_controllers import check_arguments, imported, refuse_file, source_sha256_of
from perfusio.trajectory import Trajectory

TWIN, TWIN_WITH_HISTORY = "twin", "twin-with-history"
CHEAP: Sequence[str] = ("nominal", "pi", "model-free-mpc")
"""Own controllers that cost next to nothing."""
RIVALS: Mapping[str, str] = {
    "nmpc-mhe": "perfusio ships none; one joins by the entry point of this name, as a package with do-mpc may bring it"
}
CSPR = 0.025
"""Perfusion per cell of PI and model-free MPC [nL/cell/day]."""


def nominal(_history: Trajectory, in_force: Setpoints, _task: ControlTask) -> Setpoints:
    """Leave everything as it is."""
    return in_force


def pi(
    history: Trajectory,
    in_force: Setpoints,
    task: ControlTask,
    *,
    cspr: float = CSPR,
    kp: float = KP,
    ki: float = KI,
    bias: float = BIAS,
) -> Setpoints:
    """Hold the density by a PI law on the bleed with hand gains; it goes through the history to know its integral."""
    rule = PIController(task.target, kp=kp, ki=ki, cspr=cspr, bias=bias, design_space=task.design_space)
    proposed, current = in_force, task.design_space.nominal
    targets = (*task.past_targets, task.target)
    for i, state in enumerate(history.states):
        rule.target = targets[min(i, len(targets) - 1)]
        current = history.setpoints[i - 1] if i else current
        proposed = rule.decide(state, current)
    return proposed


def model_free_mpc(
    history: Trajectory, in_force: Setpoints, task: ControlTask, *, cspr: float = CSPR
) -> Setpoints:
    """Hold the density from counts alone, see `bed.model_free.rule.hold`."""
    space = task.design_space
    return hold(history.states, history.setpoints, in_force, target=task.target, space=space, cspr=cspr).plan[0]


_OWN: Mapping[str, Decide] = {"nominal": nominal, "pi": pi, "model-free-mpc": model_free_mpc}


def is_whole_loop(name: str) -> bool:
    """Whether a controller is the twin itself, which runs with its own loop and record."""
    return name in (TWIN, TWIN_WITH_HISTORY)


def controller_named(name: str, settings: Mapping[str, Any] = MappingProxyType({})) -> Decide:
    """Return a controller.

    Args:
        name: One of perfusio's own, ``"module:function"``, or an entry point of the group ``perfusio.controllers``.
        settings: That it takes beside its arguments, by name.

    Raises:
        ConfigError: there is no such controller, it cannot be loaded, or it takes other arguments.
    """
    found: Decide
    if name in _OWN:
        found = _OWN[name]
    elif ":" in name:
        found = imported(name)
    elif name in RIVALS and not CONTROLLERS.has(name):
        raise ConfigError(f"The controller {name!r} is not installed here: {RIVALS[name]}.")
    else:
        refuse_file(name)
        found = CONTROLLERS.find(name)[0]
    check_arguments(found, name, settings)
    if name in _OWN:
        _check_numbers(name, settings)
    return partial(found, **settings) if settings else found


def _check_numbers(name: str, settings: Mapping[str, Any]) -> None:
    for key, value in settings.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value < inf:
            raise ConfigError(f"The controller {name!r}: {key} = {value!r:.60}, expected a number from 0.")


@cache
def source_of(name: str) -> str:
    """Return the hash of the source of a controller that is not perfusio's own; empty for one that is."""
    return "" if name in _OWN or is_whole_loop(name) else source_sha256_of(controller_named(name))


def check_source(name: str, source: str) -> None:
    """Refuse a controller whose source here is another than where the task was made.

    Raises:
        ConfigError: it is; the result would be kept under the name of the other one's.
    """
    if source_of(name) != source:
        raise ConfigError(
            f"The source of the controller {name!r} is another one here than where the study was started. Leave it "
            "alone while a study runs, have the same on all machines, and start again."
        )


def proposal(decide: Decide, history: Trajectory, in_force: Setpoints, task: ControlTask) -> Setpoints:
    """Ask a controller; named values change the setpoints in force.

    Raises:
        ConfigError: the answer is none; the message says the day and what was expected.
    """
    said = decide(history, in_force, task)
    if isinstance(said, Setpoints):
        proposed = said
    elif isinstance(said, Mapping):
        proposed = in_force.with_values(**{name: _number(name, value, task.day) for name, value in said.items()})
    else:
        raise ConfigError(
            f"On day {task.day} the controller gave {said!r:.60}: expected setpoints, or a mapping of those that "
            "change by name, {} for none."
        )
    for name, value in zip(proposed.panel.setpoint_names, proposed.vector(), strict=True):
        if not isfinite(value):
            raise ConfigError(
                f"On day {task.day} the controller gave {name} = {value}: expected a finite number. A reading that is "
                "missing is NaN, see docs/reference/perfusionbench.md."
            )
    return proposed


def _number(name: str, value: object, day: int) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise ConfigError(f"On day {day} the controller gave {name} = {value!r:.60}: expected a number.") from error
