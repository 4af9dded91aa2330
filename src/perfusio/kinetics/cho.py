"""The rate laws: perfusion balances with kinetics that are simpler than any real culture, on purpose.

They carry certain knowledge (the balances of `physics`) and usual rates of CHO cells. Everything else, a lactate
switch, by-products, adaptation, is left to few adjustable parameters, the filter and the Gaussian processes.
A perfusion rate of zero stands for a batch or fed-batch: no medium flows, so cells do not crowd for their share of it.
An absent quantity does not act: an absent substrate does not limit, an absent by-product does not inhibit, without
temperature and agitation rates are those of a usual setpoint, without viability dead cells are not tracked.
Values come from the ranges in process-facts (literature where named), not from any plant of perfusio.

Letters: P parameters, Q species, U setpoints, B columns (vessels, paths or perturbed copies).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from perfusio.kinetics.binding import Binding
from perfusio.physics.balances import (
    GLUCOSE_MOLAR_MASS,
    Balance,
    Flows,
    Number,
    controlled_feed,
    dead_cells,
    fully_open,
    held_solute,
    product,
    solute,
    viable_cells,
)
from perfusio.physics.integrate import Terms
from perfusio.state import FloatArray

MOST_CROWDED = 10.0
"""How much cells can be short of medium, in units of `death_crowding`: nobody knows how fast they die with less."""
USUAL_AGITATION = 850.0
"""rpm at which oxygen limits growth at `oxygen_density`."""
Rates = Mapping[str, FloatArray]
"""Parameters by name, each (B,)."""


def terms_of(bound: Binding, setpoints: FloatArray, k: Rates, medium: Sequence[Number]) -> Terms:
    """Return production and loss of all species at constant setpoints.

    Args:
        bound: The panel.
        setpoints: Shape (U, B).
        k: Parameters by name, each (B,).
        medium: Concentrations in the perfusion medium of each species, a number for all columns or one each (B,); Q of
            them.

    Returns:
        A function of y (Q, B): dead cells stand in the place of viability.
    """
    nothing = np.zeros_like(k["growth"])
    perfusion = setpoints[bound.perfusion] if bound.perfusion is not None else nothing
    everything = 1.0  # the retention device holds back all cells, the membrane no product
    is_perfused = perfusion > 0.0
    # Without medium flowing in, what is taken out takes volume and changes no concentration, and nothing is shared.
    sampling: Number = np.where(is_perfused, bound.sampling, 0.0)
    bleed = np.where(is_perfused, setpoints[bound.bleed] if bound.bleed is not None else nothing, 0.0)
    fed = sum((setpoints[u] for u, _ in bound.feeds), nothing) if bound.feeds else 0.0
    if bound.feeds:  # where no medium flows the volume grows, which thins cells and product like solutes
        sampling = sampling + np.where(is_perfused, 0.0, fed)
    climate = _Climate(bound, setpoints, k)
    crowding = death_crowding = supply = nothing
    if bound.perfusion is not None:
        crowding, death_crowding = (np.where(is_perfused, k[name], 0.0) for name in ("crowding", "death_crowding"))
        supply = np.where(is_perfused, 1000.0 * perfusion, 1.0)  # pL/mL/day; the cells share it: cspr = supply / viable
    inlets = [setpoints[u] if (u := bound.inlets.get(q)) is not None else c for q, c in enumerate(medium)]
    solutes = _Solutes(bound, k, inlets)
    most = [fully_open(setpoints[h.setpoint], h.max_flow, h.width) for h in bound.held]
    places = {s.name: s.place for s in bound.solutes}
    at_glc, at_gln, at_lac, at_amm = (places.get(name) for name in ("glucose", "glutamine", "lactate", "ammonium"))

    def limits_of(y: FloatArray, viable: FloatArray) -> FloatArray:
        """Return growth over that without any limitation."""
        limits = climate.warm
        if at_glc is not None:
            limits = limits * y[at_glc] / (k["glucose_affinity"] + y[at_glc])
        if at_gln is not None:
            limits = limits * y[at_gln] / (k["glutamine_affinity"] + y[at_gln])
        if bound.perfusion is not None:
            limits = limits * supply / (supply + crowding * viable)
        limits = limits * climate.oxygen_density / (climate.oxygen_density + viable)
        if at_amm is not None and at_lac is not None:
            limits = limits / ((1.0 + y[at_amm] / k["ammonium_half"]) * (1.0 + y[at_lac] / k["lactate_half"]))
        elif at_amm is not None:
            limits = limits / (1.0 + y[at_amm] / k["ammonium_half"])
        elif at_lac is not None:
            limits = limits / (1.0 + y[at_lac] / k["lactate_half"])
        return limits

    def death_of(y: FloatArray, viable: FloatArray) -> FloatArray:
        """Return the specific death rate [1/day]."""
        toxic: Number = 0.0
        if at_amm is not None:
            toxic = (y[at_amm] / k["ammonium_half"]) ** 2
        if bound.perfusion is not None:
            toxic = toxic + np.minimum(death_crowding * viable / supply, MOST_CROWDED) ** 2
        return k["death"] * (1.0 + toxic) * climate.heat + climate.shear

    def terms(y: FloatArray, columns: object) -> tuple[FloatArray, FloatArray]:
        del columns  # fixed steps never drop columns
        viable = y[bound.cells]
        control = [
            controlled_feed(y[h.species], setpoints[h.setpoint], full, h.width)
            for h, full in zip(bound.held, most, strict=True)
        ]
        feed = control[0][0] if control else nothing
        for flow, _ in control[1:]:
            feed = feed + flow
        out = sampling
        if bound.perfusion is None and control:
            out = sampling + feed  # concentrate makes the volume grow, too
        if bound.feeds:
            feed = feed + fed
        flows = Flows(perfusion=perfusion, bleed=bleed, sampling=out, feed=feed)
        limits, death = limits_of(y, viable), death_of(y, viable)
        production, loss = np.empty_like(y), np.empty_like(y)

        def put(q: int, balance: Balance) -> None:
            production[q], loss[q] = balance

        put(bound.cells, viable_cells(k["growth"] * limits, death, flows, everything))
        if bound.alive is not None:
            put(bound.alive, dead_cells(viable, death, k["lysis"], flows, everything))
        if bound.solutes:
            made, taken = solutes.turned_over(y, viable, limits)
            production[solutes.places], loss[solutes.places] = solute(solutes.inlets, flows, made, taken)
        for h, (flow, slope) in zip(bound.held, control, strict=True):
            balance = production[h.species], loss[h.species]
            put(h.species, held_solute(y[h.species], flow, slope, balance, h.concentrate))
        slow_gain = 1.0 + k["productivity_slow"] * (1.0 - limits) if bound.products else limits
        for q, name in bound.products:
            put(q, product(viable, k[name] * climate.cold_gain * slow_gain, flows, everything))
        for u, held in bound.feeds:
            for q, concentration in enumerate(held):
                if concentration:
                    production[q] += setpoints[u] * concentration
        return production, loss

    return terms


class _Climate:
    """Effect of temperature and agitation on rates."""

    def __init__(self, bound: Binding, setpoints: FloatArray, k: Rates) -> None:
        nothing = np.zeros_like(k["growth"])
        self.warm, self.heat, self.cold_gain = nothing + 1.0, nothing + 1.0, nothing + 1.0
        if bound.temperature is not None:
            temperature = setpoints[bound.temperature]
            self.warm = np.exp(-(((temperature - k["temperature_optimum"]) / k["temperature_width"]) ** 2))
            self.heat = np.exp(k["death_heat"] * (temperature - 36.5))
            if bound.products:
                self.cold_gain = np.exp(k["productivity_cold"] * (37.0 - temperature))
        self.oxygen_density, self.shear = k["oxygen_density"], nothing
        if bound.agitation is not None:
            agitation = setpoints[bound.agitation]
            self.oxygen_density = k["oxygen_density"] * (agitation / USUAL_AGITATION) ** 2
            self.shear = k["shear"] * np.exp((agitation - 1000.0) / 80.0)


class _Solutes:
    """Turnover of the S solutes of a panel, all of them in one pass: arrays of few columns cost a call each.

    Attributes:
        places: Of the solutes among species.
        inlets: Concentration of each in the perfusion medium, (S, B).
    """

    def __init__(self, bound: Binding, k: Rates, inlets: Sequence[Number]) -> None:
        nothing, self._solutes, self._k = np.zeros_like(k["growth"]), bound.solutes, k
        places = [s.place for s in bound.solutes]
        in_a_row = bool(places) and places == list(range(places[0], places[0] + len(places)))
        self.places: slice | list[int] = slice(places[0], places[-1] + 1) if in_a_row else places
        uptake, affinity = np.empty((2, len(places), len(nothing)), nothing.dtype)
        self.inlets = np.empty_like(uptake)
        for i, s in enumerate(bound.solutes):
            has_uptake = s.is_taken_up or s.is_generic
            uptake[i] = k[f"{s.name}_uptake"] if has_uptake else 0.0
            affinity[i] = k[f"{s.name}_affinity"] if s.is_taken_up else s.affinity if s.is_generic else 1.0
            self.inlets[i] = inlets[s.place]
        self._uptake, self._affinity = uptake, affinity
        self._nutrients = {s.name: i for i, s in enumerate(bound.solutes) if s.name in ("glucose", "glutamine")}

    def turned_over(self, y: FloatArray, viable: FloatArray, limits: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the volumetric production [unit/day] and the uptake over the concentration [1/day], (S, B) each."""
        k, c = self._k, y[self.places]
        taken = np.empty_like(self._uptake)
        taken[:] = viable
        for name, i in self._nutrients.items():  # uptake without growth, and that of growth
            np.multiply(viable, k[f"{name}_maintenance"] + limits, out=taken[i])
        taken *= self._uptake
        taken /= self._affinity + c
        used = {name: taken[i] * c[i] for name, i in self._nutrients.items()}  # mmol/L/day
        if "glucose" in used:
            taken[self._nutrients["glucose"]] *= GLUCOSE_MOLAR_MASS
        made = np.zeros_like(taken)
        for i, s in enumerate(self._solutes):
            if s.source:
                np.multiply(k[f"{s.name}_yield"], used[s.source], out=made[i])
            if s.is_made:
                made[i] += k[f"{s.name}_production"] * viable
        return made, taken
