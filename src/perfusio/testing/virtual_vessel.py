"""VirtualVessel: a simulated culture of any process, from nothing but its panel.

It shares the mass balances of `physics` with nobody's beliefs: its kinetics are one Monod law for growth, a specific
uptake for every solute that flows in and a specific production for every other one, each scaled to the amounts of the
panel. It is made to try programs, never as a model of cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from perfusio.errors import EndOfRun
from perfusio.physics.balances import Flows, concentrate_feed, held_solute, product, solute, viable_cells
from perfusio.process.medium import Medium
from perfusio.process.panel import Panel
from perfusio.process.roles import share_alive
from perfusio.process.species import Setpoint
from perfusio.protocols import ConnectorKind, Standing
from perfusio.state import FloatArray, Setpoints, State

USUAL_CELLS = 20.0
"""Density at which the inflow is half used up, in the unit of the cells."""
GROWTH, DEATH, STARVED = 0.55, 0.03, 0.4
"""Largest growth, death, and death by starving [1/day]."""
AFFINITY = 0.05
"""Of the usual amount of a solute: where uptake and growth are at half."""
OFF_NOMINAL = 0.2
"""Share of growth that is lost where a condition stands half its range from its nominal value."""
PER_DAY = 0.1
"""Of the first medium of a culture that is not perfused, as if it flowed in each day."""
STEP_DAYS = 1.0 / 48.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rates:
    """Turnover of one solute by the cells: taken up at most, or made, per day and unit of cells; its usual amount."""

    taken: float
    made: float
    usual: float


class VirtualVessel:
    """A simulated culture behind the protocol of a connector.

    Args:
        panel: The process: species, setpoints, medium, vessel.
        n_days: After that day's sample the culture is over.
        interval_hours: Between two samples [h].
        seed: Of the analyzers and of the culture's own rates.
        setpoints: In force from the start; default: nominal ones.
        cells: At the start.
        medium: True medium of the perfusion, in canonical units; default: that of the panel.
    """

    kind = ConnectorKind.SIMULATED
    confirms_at_once = True

    def __init__(
        self,
        panel: Panel,
        *,
        n_days: float = 14.0,
        interval_hours: float = 24.0,
        seed: int = 0,
        setpoints: Setpoints | None = None,
        cells: float = 5.0,
        medium: Medium | None = None,
    ) -> None:
        self.panel, self._seed = panel, seed
        self._medium = panel.medium if medium is None else medium
        self._hours, self._n = interval_hours, int(n_days * 24.0 / interval_hours) + 1
        self.in_force = _nominal(panel) if setpoints is None else setpoints
        own = np.random.default_rng([seed, 1]).normal(0.0, 0.1, len(panel.species_names) + 1)
        self._vigour = float(np.exp(own[-1]))
        self._rates = {n: _rates(panel, n, float(np.exp(x))) for n, x in zip(panel.species_names, own, strict=False)}
        self._true = _start(panel, cells, self._medium)
        self._readings: list[State] = []
        self._next = 0

    # -- the protocol --------------------------------------------------------------------------------------------------

    async def read_sample(self) -> State:
        """Return the next sample; the culture grows until then.

        Raises:
            EndOfRun: the culture is over.
        """
        if self._next >= self._n:
            raise EndOfRun
        if self._next == len(self._readings):
            if self._readings:
                self._grow(self._hours / 24.0)
            self._readings.append(self._measured(self._next))
        self._next += 1
        return self._readings[self._next - 1]

    async def read_setpoints(self) -> Setpoints:
        """Return the setpoints in force."""
        return self.in_force

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """Take any setpoints."""
        self.in_force = setpoints
        return setpoints

    def goes_on(self, standing: Standing) -> None:
        """Hand out again samples that an earlier program has read and not put on record."""
        known = {s.time_h for s in (*standing.states, *standing.refused)}
        self._next = sum(reading.time_h in known for reading in self._readings)

    # -- the culture ---------------------------------------------------------------------------------------------------

    def _measured(self, n: int) -> State:
        """Return the reading of sample `n`, with the error that the panel expects."""
        rng = np.random.default_rng([self._seed, 2, n])
        values: dict[str, float] = {}
        for species in self.panel.species:
            error = float(rng.standard_normal())
            true = self._true.get(species.measures or species.name, _usual_of(species.low, species.high))
            sd = species.analyzer.cv * true + species.analyzer.sd
            if species.noise is not None:
                sd = float(np.hypot(species.noise.relative * true, species.noise.absolute))
            values[species.name] = float(np.clip(true + sd * error, species.low, species.high))
        return State.of_values(self.panel, n * self._hours, values)

    def _grow(self, days: float) -> None:
        n = max(1, round(days / STEP_DAYS))
        for _ in range(n):
            self._step(days / n)

    def _step(self, days: float) -> None:
        """Advance by one short step, in which each balance y' = p - lam y is linear."""
        panel, now, u = self.panel, self._true, self.in_force.by_name()
        cells = panel.the("cells")
        fed = {n: max(now[n], 0.0) / (AFFINITY * r.usual + max(now[n], 0.0)) for n, r in self._rates.items() if r.taken}
        scarcest = min(fed.values(), default=1.0)
        held = {s.of: s for s in panel.setpoints if s.role == "held_concentration"}
        pumps = {n: _pumped(s, now[n], u[s.name]) for n, s in held.items()}
        feeds = {n: u[n] for n in panel.of_role("feed_rate")}
        flows = Flows(
            perfusion=np.asarray(sum(u[n] for n in panel.of_role("perfusion"))),
            bleed=np.asarray(sum(u[n] for n in panel.of_role("bleed"))),
            sampling=panel.equipment.sampling if panel.balance == "perfusion" else 0.0,
            feed=np.asarray(sum(feeds.values()) + sum(float(flow) for flow, _ in pumps.values())),
        )
        if panel.balance != "perfusion":  # nothing is harvested: what flows in thins the broth, cells too
            flows = Flows(perfusion=flows.perfusion, bleed=flows.feed, sampling=0.0, feed=flows.feed)
        growth = np.asarray(GROWTH * self._vigour * scarcest * self._suitability(u))
        death = np.asarray(DEATH + STARVED * (1.0 - scarcest))
        after = dict(now)
        for species in panel.modelled:
            name, value, rates = species.name, np.asarray(now[species.name]), self._rates[species.name]
            if species.role == "cells":
                made, lost = viable_cells(growth, death, flows, 1.0)
            elif species.role == "product":
                made, lost = product(np.asarray(now[cells]), np.asarray(rates.made), flows, np.asarray(1.0))
            elif species.role == "solute":
                inlet = next((u[s.name] for s in panel.setpoints if s.role == "inlet_concentration" and s.of == name),
                             self._medium[name])  # fmt: skip
                poured = sum(feeds[s.name] * s.composition[name] for s in panel.setpoints if s.name in feeds)
                taken = rates.taken * now[cells] / (AFFINITY * rates.usual + max(now[name], 0.0))
                made, lost = solute(inlet, flows, rates.made * now[cells] + poured, taken)
                if name in pumps:
                    made, lost = held_solute(value, *pumps[name], (made, lost), held[name].composition[name])
            else:
                made, lost = np.asarray(0.5 * (98.0 - 30.0 * (1.0 - scarcest))), np.asarray(0.5)
            after[name] = float(np.clip(_advanced(value, made, lost, days), species.low, species.high))
        self._true = after

    def _suitability(self, u: dict[str, float]) -> float:
        """Return which share of their growth the conditions leave the cells, best at nominal values."""
        share = 1.0
        for setpoint in (s for s in self.panel.setpoints if s.role == "condition" and s.allowed is not None):
            assert setpoint.allowed is not None
            half = 0.5 * max(setpoint.allowed.high - setpoint.allowed.low, 1e-9)
            share *= max(0.0, 1.0 - OFF_NOMINAL * ((u[setpoint.name] - setpoint.allowed.nominal) / half) ** 2)
        return share


def _advanced(value: FloatArray, made: FloatArray | float, lost: FloatArray | float, days: float) -> float:
    """Return y after some days of y' = made - lost y."""
    rate = float(lost)
    if abs(rate) < 1e-9:
        return float(value + np.asarray(made) * days)
    level = float(made) / rate
    return float(level + (float(value) - level) * np.exp(-rate * days))


def _pumped(setpoint: Setpoint, concentration: float, held_at: float) -> tuple[FloatArray, FloatArray]:
    width = setpoint.control_width or max(1e-3, 0.02 * held_at)
    most = setpoint.max_flow if isfinite(setpoint.max_flow) else 1.0
    return concentrate_feed(np.asarray(concentration), np.asarray(held_at), most, width)


def _rates(panel: Panel, name: str, own: float) -> _Rates:
    """Return the turnover of a species by the cells: half of the usual inflow is taken up, the rest is made."""
    species = next(s for s in panel.modelled if s.name == name)
    usual = species.prior.mean if species.prior is not None else 1.0
    if species.role not in ("solute", "product"):
        return _Rates(taken=0.0, made=0.0, usual=usual)
    nominal = _nominal(panel).by_name()
    supply = panel.medium[name] * sum(nominal[n] for n in panel.of_role("perfusion"))
    if panel.balance != "perfusion":
        supply += PER_DAY * panel.medium[name]  # what the culture was begun in
    for setpoint in panel.setpoints:
        flow = nominal[setpoint.name]
        if setpoint.role == "feed_rate":
            supply += flow * setpoint.composition[name]
        elif setpoint.of == name and setpoint.role == "held_concentration":
            supply += 0.25 * min(setpoint.max_flow, 1.0) * setpoint.composition[name]
        elif setpoint.of == name and setpoint.role == "inlet_concentration":
            supply += flow * sum(nominal[n] for n in panel.of_role("perfusion"))
    if supply > 0.0:
        return _Rates(taken=0.5 * own * supply / USUAL_CELLS, made=0.0, usual=max(usual, 0.1 * supply))
    return _Rates(taken=0.0, made=0.3 * own * usual / USUAL_CELLS, usual=usual)


def _nominal(panel: Panel) -> Setpoints:
    """Return nominal setpoints; 0 where the panel allows nothing by itself."""
    values = {s.name: s.allowed.nominal if s.allowed is not None else s.low for s in panel.setpoints}
    return Setpoints.of_values(panel, values)


def _start(panel: Panel, cells: float, medium: Medium) -> dict[str, float]:
    """Return a fresh culture: so many cells, mostly alive, in the medium, else in usual amounts."""
    alive = share_alive(panel)
    start = {}
    for species in panel.modelled:
        usual = species.prior.mean if species.prior is not None else 1.0
        start[species.name] = medium[species.name] or usual
    return start | {panel.the("cells"): cells} | ({} if alive is None else {alive: 97.0})


def _usual_of(low: float, high: float) -> float:
    """Return some value of a species that nothing acts on."""
    return 0.5 * (low + high) if isfinite(high) else max(low, 1.0)
