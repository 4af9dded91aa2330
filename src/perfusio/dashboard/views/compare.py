"""Vessels side by side, and arms: vessels of one clone, or as a person groups them."""

from __future__ import annotations

from perfusio.dashboard.runs.followed import FollowedRun
from perfusio.dashboard.views.numbers import tidied
from perfusio.dashboard.views.quantities import described
from perfusio.dashboard.views.rig import head
from perfusio.errors import ConfigError
from perfusio.events import Json
from perfusio.quantities import closest


def compare(run: FollowedRun, quantity: str) -> Json:
    """Return the course of one quantity in all vessels, species or setpoint, with the arm of each.

    Raises:
        ConfigError: the run has no such quantity.
    """
    panel = run.panel
    quantity = quantity or panel.the("cells")
    if quantity not in panel.by_name:
        raise ConfigError(f"{quantity!r} is no quantity of this run.{closest(quantity, tuple(panel.by_name))}")
    about = panel[quantity]
    lines = []
    for vessel, one in run.state.trajectories.items():
        if quantity in panel.setpoint_names:
            values = [getattr(s, quantity) for s in (*one.setpoints, run.state.in_force[vessel])][: len(one.states)]
        else:
            values = [getattr(s, quantity) for s in one.states]
        lines.append({"vessel": vessel, "arm": one.clone, "day": tidied(s.day for s in one.states),
                      "value": tidied(values)})  # fmt: skip
    return {**head(run), **described(run), "quantity": quantity, "label": about.label, "unit": about.unit,
            "is_setpoint": quantity in panel.setpoint_names, "lines": lines}  # fmt: skip
