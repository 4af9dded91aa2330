"""Virtual vessels of another process: quantities that they do not know are refused, never made up.

A virtual culture has the quantities of the default panel. A process may have fewer of them: a species that it lacks is
not reported, a setpoint that it lacks does nothing (no bleed, no feed, no concentrate) or stays at its usual value.
"""

from __future__ import annotations

from dataclasses import fields

from perfusio.errors import ConfigError
from perfusio.plant.medium import Equipment, Medium
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.process.species import Setpoint
from perfusio.state import Setpoints, State

_STAYS = "condition"
"""Role of setpoints that have a value whether anybody sets them or not."""
_HELD = CHO_PERFUSION.the("held_concentration")


def check_known(process: Panel) -> None:
    """Refuse a process of which virtual vessels know nothing.

    Raises:
        ConfigError: it has quantities, roles or units that they have not.
    """
    mine = CHO_PERFUSION.by_name
    strange = [
        q.name
        for q in process.quantities
        if q.role != "signal"  # one that is never measured is nothing made up
        and (q.name not in mine or (mine[q.name].role, mine[q.name].unit) != (q.role, q.unit))
    ]
    if strange:
        raise ConfigError(
            f"Virtual vessels do not know {', '.join(strange)} of {process.name!r}: expected quantities of "
            f"{CHO_PERFUSION.name!r} in its roles and units. Leave them out, or use a file, a database or a server."
        )


def measured(state: State, process: Panel) -> State:
    """Return the reading of a virtual vessel as a sample of the process."""
    if process is CHO_PERFUSION:
        return state
    names = {s.name for s in process.species}
    return State.of_values(
        process,
        state.time_h,
        {name: value for name, value in state.measured().items() if name in names},
        {name: remark for name, remark in state.quality.items() if name in names},
    )


def obeyed(setpoints: Setpoints) -> Setpoints:
    """Return setpoints of a process as a virtual vessel takes them."""
    if setpoints.panel is CHO_PERFUSION:
        return setpoints
    given = setpoints.by_name()
    return Setpoints.of_values(CHO_PERFUSION, {s.name: given.get(s.name, _unset(s)) for s in CHO_PERFUSION.setpoints})


def shown(setpoints: Setpoints, process: Panel) -> Setpoints:
    """Return the setpoints in force in a virtual vessel as those of the process."""
    if process is CHO_PERFUSION:
        return setpoints
    mine = setpoints.by_name()
    return Setpoints.of_values(process, {name: mine[name] for name in process.setpoint_names})


def fed(process: Panel) -> tuple[Medium, Equipment]:
    """Return medium and pumps of the process as a plant has them."""
    named = {f.name: process.medium[f.name] for f in fields(Medium)}
    held = process.by_name.get(_HELD)
    pump = {}
    if isinstance(held, Setpoint):
        pump = {"concentrate_glucose": held.composition[held.of], "concentrate_max_flow": held.max_flow}
    return Medium(**named), Equipment(sampling_flow=process.equipment.sampling, **pump)


def _unset(setpoint: Setpoint) -> float:
    """Return the value of a setpoint that nobody sets."""
    if setpoint.role == _STAYS and setpoint.allowed is not None:
        return setpoint.allowed.nominal
    return 0.0
