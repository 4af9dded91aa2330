"""Controllers of virtual cultures: perfusio's own, and anybody's by ``module:function`` or entry point."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from importlib import import_module
from pathlib import Path

from perfusio.bed.model_free.rule import hold
from perfusio.errors import ConfigError
from perfusio.registry import CONTROLLERS
from perfusio.state import Setpoints
from perfusio.study.baselines import PIController
from perfusio.study.cultures.control_task import ControlTask, Decide
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
    history: Trajectory, in_force: Setpoints, task: ControlTask, *, cspr: float = CSPR, **gains: float
) -> Setpoints:
    """Hold the density by a PI law on the bleed with hand gains; it goes through the history to know its integral."""
    rule = PIController(task.target, cspr=cspr, design_space=task.design_space, **gains)
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


def controller_named(name: str) -> Decide:
    """Return a controller.

    Args:
        name: One of perfusio's own, ``"module:function"``, or an entry point of the group ``perfusio.controllers``.

    Raises:
        ConfigError: there is no such controller, or it cannot be loaded.
    """
    if name in _OWN:
        return _OWN[name]
    if ":" in name:
        return _imported(name)
    if name in RIVALS and not CONTROLLERS.has(name):
        raise ConfigError(f"The controller {name!r} is not installed here: {RIVALS[name]}.")
    found: Decide = CONTROLLERS.find(name)[0]
    return found


def source_of(name: str) -> str:
    """Return the SHA-256 of the file of a controller that is not perfusio's own; empty for one that is."""
    if name in _OWN or is_whole_loop(name):
        return ""
    function = controller_named(name)
    try:
        file = inspect.getsourcefile(function) or ""
        return sha256(Path(file).read_bytes()).hexdigest()
    except (OSError, TypeError):
        return ""


def proposal(decide: Decide, history: Trajectory, in_force: Setpoints, task: ControlTask) -> Setpoints:
    """Ask a controller; named values change the setpoints in force."""
    said = decide(history, in_force, task)
    if isinstance(said, Setpoints):
        return said
    if isinstance(said, Mapping):
        return in_force.with_values(**{name: float(value) for name, value in said.items()})
    raise ConfigError(
        f"A controller gave {type(said).__name__}: expected Setpoints, or a mapping of those that change by name."
    )


def _imported(name: str) -> Decide:
    module, _, attribute = name.partition(":")
    try:
        found: Callable[..., object] = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"The controller {name!r} cannot be loaded: {error}. Expected module:function, importable from this folder "
            "or installed."
        ) from error
    if not callable(found):
        raise ConfigError(f"The controller {name!r} is {type(found).__name__}, expected a function.")
    return found  # type: ignore[return-value]
