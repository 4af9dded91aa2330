"""Each quantity that follows from species and setpoints, once: name, unit, formula, and its values under a plan.

Letters: G plans, S paths, H intervals, Q species, U setpoints. Formulas take scalars or arrays that broadcast, in
canonical units; sources: docs/explanations/notation.md.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from perfusio.errors import OutOfRange
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.expressions import composed
from perfusio.process.needs import derivable
from perfusio.process.panel import Panel
from perfusio.process.species import SpeciesRole
from perfusio.process.state import FloatArray, find_quantity
from perfusio.quantities import Quantity

DERIVED_QUANTITIES: Mapping[str, Quantity] = {
    q.name: q
    for q in (
        Quantity(name="productivity", unit="mg/L/day", label="Productivity", low=0.0, high=100_000.0),
        Quantity(name="cspr", unit="pL/cell/day", label="Perfusion per cell", low=0.0, high=10_000.0),
        Quantity(name="vcv", unit="%", label="Viable cell volume", low=0.0, high=100.0),
        Quantity(name="harvest_titer", unit="mg/L", label="Harvest titer", low=0.0, high=30_000.0),
        Quantity(name="medium", unit="1/day", label="Perfusion medium used", low=0.0, high=20.0),
    )
}
DERIVED_UNITS: Mapping[str, str] = {name: quantity.unit for name, quantity in DERIVED_QUANTITIES.items()}
"""`medium` is the perfusion medium used, in vessel volumes a day."""
DERIVED: tuple[str, ...] = tuple(DERIVED_QUANTITIES)
EVERYTHING = np.ones(())
"""Sieving: the membrane holds back no product unless harvest samples say otherwise."""


def forecast_names(panel: Panel = CHO_PERFUSION) -> tuple[str, ...]:
    """Return the quantities that can be forecast in a process: its modelled species, and derived ones."""
    return (*panel.species_names, *derivable(q.role for q in panel.quantities))


def forecast_quantity(name: str, panel: Panel = CHO_PERFUSION) -> Quantity:
    """Return whatever can be declared: a species, a setpoint, a derived quantity, or one composed from these.

    Args:
        name: Its name; an expression of quantities; or the name of an objective function.
        panel: The process.

    Raises:
        UnknownQuantity: the process has none of that name.
        ExpressionError: it is an expression that cannot be read, or whose units do not fit.
    """
    if name in DERIVED_QUANTITIES:
        return DERIVED_QUANTITIES[name]
    unit = None if name in panel.by_name else composed.unit(name, _units(panel))
    if unit is None:
        return find_quantity(name, panel)
    return Quantity(name=name, unit=unit, label=name, low=-np.inf, high=np.inf)


def _units(panel: Panel) -> Mapping[str, str]:
    """Return the units of all that an expression may name in a process."""
    return {name: forecast_unit(name, panel) for name in (*forecast_names(panel), *panel.setpoint_names)}


def is_forecast(name: str, panel: Panel = CHO_PERFUSION) -> bool:
    """Whether something can be forecast: a modelled species, a derived quantity, or one composed from these.

    Raises:
        ExpressionError: it is an expression that cannot be read, or whose units do not fit.
    """
    return name in forecast_names(panel) or (
        name not in panel.by_name and name not in DERIVED and composed.unit(name, _units(panel)) is not None
    )


def forecast_unit(name: str, panel: Panel = CHO_PERFUSION) -> str:
    """Return the unit of whatever can be forecast: a species or a derived quantity."""
    return forecast_quantity(name, panel).unit


def cspr(perfusion_rate: FloatArray, vcd: FloatArray) -> FloatArray:
    """Cell-specific perfusion rate [pL/cell/day]: 1000 D / VCD with D in VVD and VCD in 1e6 cells/mL."""
    return 1000.0 * perfusion_rate / vcd


def vcv(vcd: FloatArray, diameter: FloatArray) -> FloatArray:
    """Viable cell volume [% of the broth]: VCD (pi/6) d^3 1e-4 with d in um. An error of d counts three times."""
    return vcd * (np.pi / 6.0) * diameter**3 * 1e-4


def harvest_titer(titer: FloatArray, sieving: FloatArray) -> FloatArray:
    """Product concentration in the harvest [mg/L]: sigma_P times the concentration in the vessel."""
    return sieving * titer


def volumetric_productivity(titer: FloatArray, sieving: FloatArray, harvest: FloatArray) -> FloatArray:
    """Product harvested per vessel volume [mg/L/day]: sigma_P P H with the harvest flow H in VVD."""
    return harvest_titer(titer, sieving) * harvest


def quantity_paths(
    name: str, paths: FloatArray, plans: FloatArray, *, size: float = np.nan, panel: Panel = CHO_PERFUSION
) -> FloatArray:
    """Return one quantity along paths (G, S, H, Q) under plans (G, H, U), shape (G, S, H), canonical unit.

    Args:
        name: A species, one of DERIVED, an expression of quantities, or an objective function.
        paths: Species along the paths.
        plans: Setpoints that led there, of the same interval.
        size: Cell diameter [um] for ``"vcv"``: the model has none, so the last measured one is held.
        panel: Of species and setpoints.

    Raises:
        OutOfRange: a viable cell volume was asked for without a diameter.
    """

    def species(role: SpeciesRole) -> FloatArray:
        """Return the species of a role; of several products the first."""
        return paths[..., panel.index(panel.of_role(role)[0])]

    if name in panel.species_names:
        return paths[..., panel.index(name)]
    if name not in DERIVED_QUANTITIES:
        return composed.along(name, _leaves(paths, plans, size, panel), _units(panel), paths.shape[:-1])
    perfusion = plans[:, None, :, panel.index(panel.the("perfusion"))] if panel.of_role("perfusion") else np.zeros(())
    if name == "medium":
        return np.broadcast_to(perfusion, paths.shape[:-1])
    if name == "cspr":
        return cspr(perfusion, species("cells") + 1e-6)
    if name == "vcv":
        if not size > 0.0:
            raise OutOfRange(
                f"diameter = {size:g} um: a viable cell volume needs a measured cell diameter above 0. Measure it, "
                "or leave the volume out and track vcd."
            )
        return vcv(species("cells"), np.asarray(size))
    if name == "harvest_titer":
        return harvest_titer(species("product"), EVERYTHING)
    harvest = perfusion - plans[:, None, :, panel.index(panel.the("bleed"))] if panel.of_role("bleed") else perfusion
    return volumetric_productivity(species("product"), EVERYTHING, harvest)


def gross_paths(
    name: str, paths: FloatArray, plans: FloatArray, *, size: float = np.nan, panel: Panel = CHO_PERFUSION
) -> FloatArray:
    """Return the size of a quantity along paths, as `quantity_paths`: by it small differences are measured.

    Of an expression it is the sum of the sizes of its terms: income and cost of a profit, which itself may be nothing.
    """
    if name in panel.species_names or name in DERIVED_QUANTITIES:
        return quantity_paths(name, paths, plans, size=size, panel=panel)
    leaves, shape = _leaves(paths, plans, size, panel), paths.shape[:-1]
    return composed.along(name, leaves, _units(panel), shape, gross=True)


def _leaves(paths: FloatArray, plans: FloatArray, size: float, panel: Panel) -> composed.Values:
    """Return the function that gives each quantity along these paths by its name, (G, S, H)."""

    def values(name: str) -> FloatArray:
        if name in panel.setpoint_names:
            return np.broadcast_to(plans[:, None, :, panel.index(name)], paths.shape[:-1])
        return quantity_paths(name, paths, plans, size=size, panel=panel)

    return values
