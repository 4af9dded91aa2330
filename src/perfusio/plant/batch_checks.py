"""Arguments that a batch of vessels refuses: numbers that disagree, impossible setpoints, events without effect."""

from __future__ import annotations

from collections.abc import Sequence

from perfusio.errors import ConfigError, OutOfRange
from perfusio.plant.conditions import Disturbance
from perfusio.plant.population import Population
from perfusio.process.rules import SAMPLING_FLOW, imbalance, is_balanced
from perfusio.state import SETPOINT_QUANTITIES, Setpoints


def agreed_size(n_vessels: int | None, *given: object) -> int:
    """The number of vessels that all that was given one each agrees on.

    Raises:
        ConfigError: nothing says it, or two sizes differ.
    """
    sizes = {len(g) for g in given if isinstance(g, Sequence)} | ({n_vessels} if n_vessels is not None else set())
    if len(sizes) != 1:
        raise ConfigError(
            f"Cannot tell the number of vessels: found {sorted(sizes) or 'none'}. Give n_vessels, or clones, setpoints "
            "and seeds of one and the same length."
        )
    return sizes.pop()


def check_event(event: Disturbance, cells: Population) -> None:
    """Refuse a disturbance that would pass unnoticed.

    Raises:
        ConfigError: none of the vessels it is meant for has its constant.
    """
    able = cells.has(event.parameter)
    if able.size == 0 or (event.vessel is not None and event.vessel not in able):
        known = sorted({name for part in cells.parts for name in part.structure.constant_names})
        raise ConfigError(
            f"No cells that the disturbance of day {event.day:g} is meant for have a constant {event.parameter!r}. "
            f"These vessels know {', '.join(known)}. Name one of them."
        )


def check_setpoints(setpoints: Setpoints, sampling: float = SAMPLING_FLOW) -> None:
    """Refuse setpoints that a vessel cannot run at, with this much broth taken as samples [1/day].

    Raises:
        OutOfRange: one is not finite or not physically possible, or more broth would leave than medium enters.
    """
    for name, quantity in SETPOINT_QUANTITIES.items():
        value = getattr(setpoints, name)
        if value != value:
            raise OutOfRange(
                f"{name} is not given (NaN): a vessel needs all six setpoints. Give a value in {quantity.unit}."
            )
        quantity.check(value)
    flows = setpoints.perfusion_rate, setpoints.bleed_rate, sampling
    if not is_balanced(*flows):
        raise OutOfRange(imbalance(*flows))
