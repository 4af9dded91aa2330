"""Each quantity that follows from species and setpoints, once: name, unit, formula, and its values under a plan.

Letters: G plans, S paths, H intervals, Q species, U setpoints. Formulas take scalars or arrays that broadcast, in
canonical units; sources: docs/explanations/notation.md.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from perfusio.errors import OutOfRange
from perfusio.process.cho_perfusion import CHO_PERFUSION
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
    """Return what can be forecast in a process: its modelled species, and what follows from them."""
    return (*panel.species_names, *derivable(q.role for q in panel.quantities))


def forecast_quantity(name: str, panel: Panel = CHO_PERFUSION) -> Quantity:
    """Return whatever can be declared: a species, a setpoint or a derived quantity.

    Raises:
        UnknownQuantity: the process has none of that name.
    """
    return DERIVED_QUANTITIES.get(name) or find_quantity(name, panel)


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
        name: A species or one of DERIVED.
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
