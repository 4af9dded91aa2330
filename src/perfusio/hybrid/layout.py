"""The model's arrays for one panel: order, scales, noise, priors. Derived once per panel and carried along.

Species enter on the **latent** scale, on which errors are alike: log(c + floor), viability in tens of points. The
belief about a vessel is n = Q + P_v + Q numbers: latent species, its own rates, and a drift per species. Letters: Q
species, U setpoints, P parameters, P_v rates of a vessel's own, D = Q + U + 1 inputs of the Gaussian processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import ArrayLike

from perfusio.errors import ModelError
from perfusio.kinetics.binding import Binding
from perfusio.physics.feeds import feed_arrays, mixed
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.process.species import Species
from perfusio.state import FloatArray
from perfusio.trajectory import Feed, Trajectory

_VIABILITY_SCALE = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """An on-line reading of a modelled species.

    Attributes:
        name: Of the signal.
        place: Of the species.
        relative: Relative sd [-].
        absolute: Absolute sd, canonical unit.
        memory_h: How long an error persists [h].
    """

    name: str
    place: int
    relative: float
    absolute: float
    memory_h: float

    @classmethod
    def of(cls, panel: Panel, signal: Species) -> Signal:
        """Return a signal of a panel."""
        assert signal.noise is not None  # the panel filled it
        return cls(
            name=signal.name, place=panel.index(signal.measures), relative=signal.noise.relative,
            absolute=signal.noise.absolute, memory_h=signal.error_memory_h,
        )  # fmt: skip


class Layout:
    """Arrays of a panel. Read only.

    Attributes:
        panel: The quantities.
        bound: Their places as the rate laws see them, and the parameters of these laws.
        species: Names of the Q modelled species.
        setpoints: Names of the U setpoints.
        parameters: Names of the P parameters.
        alive: Place of viability among the species, None where the panel has none.
        perfusion: Place of the perfusion rate among setpoints, None where the panel has none.
        floor: Below it the analyzer sees noise and the logarithm would see minus infinity (Q,).
        ceiling: Above it a value is a mistake: the most that a path far from all data may reach (Q,).
        highest: Latent values that paths end at (Q,).
        noise_cv: Relative sd of one measurement (Q,).
        noise_absolute: Absolute sd of one measurement (Q,).
        default_state: Expected where a species was never measured (Q,).
        default_sd: How little that means, latent (Q,).
        medium: Concentrations of the inflow unless a run says otherwise (Q,).
        gp_scale: One unit of each input of the processes: a change that a scientist would call clear (D,).
        drift_sd: Prior sd of the drift [latent/day] (Q,).
        drift_walk: Its walk [latent/day per square root of a day] (Q,).
        white_sd: Error of a step that is new every day [latent per square root of a day] (Q,).
        usual: Usual error of the prior [latent/day; log of the rate] (Q,).
        limit: Most that drift and residual together may reach [latent/day], at any perfusion (Q,).
        washed_out: Places of the species that leave with the flows.
        typical: Of each parameter (P,).
        log_sd: Of the logarithm of each parameter between cell lines (P,).
        signals: On-line signals of modelled species.
        rate_form: Species whose residual corrects a rate, as a concentrate holds them: parameter by species.
        latent: Where latent species stand in a belief.
        rates: Where a vessel's own rates stand in a belief.
        drift: Where drifts stand in a belief.
        belief: Names of the n numbers of a belief.
        inputs: Names of the D inputs of the processes.
    """

    def __init__(self, panel: Panel) -> None:
        """Derive everything from a panel.

        Raises:
            ConfigError: the rate laws cannot be bound to it.
        """
        self.panel, self.bound = panel, Binding.of(panel)
        self.species, self.setpoints = panel.species_names, panel.setpoint_names
        self.parameters = tuple(p.name for p in self.bound.parameters)
        self.alive, self.perfusion = self.bound.alive, self.bound.perfusion
        self.n_species, self.n_setpoints = len(self.species), len(self.setpoints)
        self.n_columns = self.n_species + self.n_setpoints + 2
        self.n_parameters, self.n_vessel_rates = len(self.parameters), self.bound.n_vessel_rates
        self.floor = np.array([n.floor for n in panel.noise])
        self.noise_cv = np.array([n.relative for n in panel.noise])
        self.noise_absolute = np.array([n.absolute for n in panel.noise])
        self.ceiling = np.array([s.high for s in panel.modelled])
        tops = np.where(np.isfinite(self.ceiling), self.ceiling, 1e5)
        self.highest = np.log(tops + self.floor)
        if self.alive is not None:
            self.highest[self.alive] = np.inf  # latent viability may lie above 100 for a while: no information is lost
        self.default_state = np.array([p.mean for p in panel.prior])
        self.default_sd = np.array([p.sd for p in panel.prior])
        self.medium = np.array([panel.medium[name] for name in self.species])
        unexplained = panel.unexplained
        clear = (*(u.clear_change for u in unexplained), *(s.clear_change for s in panel.setpoints), panel.clear_days)
        self.gp_scale = np.array(clear)
        self.drift_sd = np.array([u.drift_sd for u in unexplained])
        self.drift_walk = np.array([u.drift_walk for u in unexplained])
        self.white_sd = np.array([u.white_sd for u in unexplained])
        self.usual = np.array([u.usual for u in unexplained])
        self.limit = np.array([u.limit for u in unexplained])
        self.washed_out = [self.species.index(name) for name in panel.of_role("solute", "product")]
        self.typical = np.array([p.value for p in self.bound.parameters])
        self.log_sd = np.array([p.log_sd for p in self.bound.parameters])
        self.rate_form = {
            panel.index(s.of): self.parameters.index(f"{s.of}_uptake")
            for s in panel.setpoints
            if s.role == "held_concentration" and f"{s.of}_uptake" in self.parameters
        }
        self.signals = tuple(Signal.of(panel, s) for s in panel.signals)
        q, p_v = self.n_species, self.n_vessel_rates
        self.latent, self.rates, self.drift = slice(0, q), slice(q, q + p_v), slice(q + p_v, 2 * q + p_v)
        self.n_belief = 2 * q + p_v
        self.belief = (*self.species, *self.parameters[:p_v], *(f"drift of {name}" for name in self.species))
        self.inputs = (*self.species, *self.setpoints, "culture day")

    def __reduce__(self) -> tuple[Callable[[Panel], Layout], tuple[Panel]]:
        """Copy it by its panel: one layout for each panel of a process is enough."""
        return layout_of, (self.panel,)

    @cached_property
    def always_free(self) -> FloatArray:
        """How free the drift of each species is at the least (Q,).

        A drift of viability adds up for a week before readings with a noise of a point or two show it, so surprises
        free it too late; held as tight as others it is believed too high where decisions go to its limit.
        """
        return np.where(np.arange(self.n_species) == self._alive, 1.0, 0.0)

    @property
    def _alive(self) -> int:
        return -1 if self.alive is None else self.alive

    def medium_of(self, trajectory: Trajectory) -> FloatArray:
        """Return the concentrations in the perfusion medium of a run (Q,), canonical units."""
        own = trajectory.flows_in
        if own is self.panel.medium:
            return self.medium
        own = own.of(dict(self.panel.dissolved))
        return np.array([own[name] for name in self.species])

    def check(self, panel: Panel) -> None:
        """Refuse a vessel of another process: its arrays would be read in the wrong order.

        Raises:
            ModelError: the modelled species or the setpoints are others, or stand in another order.
        """
        if panel is self.panel or (panel.species_names, panel.setpoint_names) == (self.species, self.setpoints):
            return
        raise ModelError(
            f"A vessel of the process {panel.name!r} ({', '.join((*panel.species_names, *panel.setpoint_names))}) was "
            f"given to a model of {self.panel.name!r} ({', '.join((*self.species, *self.setpoints))}); expected the "
            "same quantities in the same order. Fit a model of this process."
        )

    def has_equipment_of(self, panel: Panel) -> bool:
        """Whether a process has the same feeds, concentrates, pumps and sampling, and so the same flows."""
        return panel is self.panel or layout_of(panel).bound == self.bound

    def check_equipment(self, panels: Iterable[Panel]) -> None:
        """Refuse vessels of another process, or with other flows.

        Raises:
            ModelError: as `check`, or feeds, concentrates, pumps or sampling are others.
        """
        for panel in panels:
            self.check(panel)
            if not self.has_equipment_of(panel):
                raise ModelError(
                    f"Vessels of {panel.name!r} with different feeds, concentrates, pumps or sampling were given to "
                    "one model, expected the same ones for all of them. Give each equipment a model of its own, "
                    "`model.for_process(process)`."
                )

    def is_alike(self, other: Layout) -> bool:
        """Whether parameters learnt on `other` mean the same here: the same quantities, laws and scales."""
        return (
            (self.species, self.setpoints, self.parameters) == (other.species, other.setpoints, other.parameters)
            and self.rate_form == other.rate_form
            and all(np.array_equal(getattr(self, n), getattr(other, n)) for n in ("floor", "gp_scale", "usual"))
        )

    def to_latent(self, species: FloatArray) -> FloatArray:
        """Map species (Q, ...) to the scale on which errors are alike: log(c + floor); viability in tens of points."""
        floor = self.floor.reshape(-1, *[1] * (species.ndim - 1)).astype(species.dtype, copy=False)
        with np.errstate(invalid="ignore", divide="ignore"):
            latent: FloatArray = np.log(species + floor)
        if self.alive is not None:
            latent[self.alive] = species[self.alive] / _VIABILITY_SCALE
        return latent

    def from_latent(self, latent: FloatArray) -> FloatArray:
        """Invert `to_latent`; values end at the physical limits (0, ceiling)."""
        shape = (-1, *[1] * (latent.ndim - 1))
        ceiling, floor = (of.reshape(shape).astype(latent.dtype, copy=False) for of in (self.ceiling, self.floor))
        species: FloatArray = np.exp(np.minimum(latent, 12.0)) - floor
        if self.alive is not None:
            species[self.alive] = latent[self.alive] * _VIABILITY_SCALE
        return np.clip(species, 0.0, ceiling, out=species)

    def excess_viability(self, latent: FloatArray, species: FloatArray) -> FloatArray:
        """Return by how much latent viability (Q, B) exceeds its limit, `species` = `from_latent(latent)`."""
        assert self.alive is not None
        excess: FloatArray = latent[self.alive] - species[self.alive] / _VIABILITY_SCALE
        return excess

    def fed_latent(self, latent: FloatArray, feeds: Sequence[Feed | None]) -> tuple[FloatArray, FloatArray]:
        """Return latent states (Q, B) right after feeds, and their slope by the states before, (Q, B).

        A belief a little below zero is mixed as it is: clipping would lose its slope.
        """
        floor = self.floor[:, None]
        inside = np.exp(np.minimum(latent, 12.0))  # concentration plus floor
        fractions, held = feed_arrays(feeds, self.panel)
        after = mixed(inside - floor, fractions, held, self.alive) + floor
        is_fed = np.broadcast_to(fractions > 0.0, latent.shape).copy()
        if self.alive is not None:
            is_fed[self.alive] = False
        fed = np.where(is_fed, np.log(np.where(is_fed, after, 1.0)), latent)
        slope = np.where(is_fed, inside / (1.0 + fractions) / np.where(is_fed, after, 1.0), 1.0)
        return fed, slope

    def noise_sd(self, species: FloatArray) -> FloatArray:
        """Return the latent standard deviation of measuring species (Q, ...)."""
        shape = (-1, *[1] * (species.ndim - 1))
        sd = np.hypot(self.noise_cv.reshape(shape) * species, self.noise_absolute.reshape(shape))
        slope = 1.0 / (species + self.floor.reshape(shape) + 1e-12)
        if self.alive is not None:
            slope[self.alive] = 1.0 / _VIABILITY_SCALE
        latent_sd: FloatArray = sd * slope
        return latent_sd

    def signal_sd(self, signal: Signal, value: float, hours: float) -> float:
        """Return the latent sd of one reading of a signal, `hours` after the one before.

        An error that persists is one error: the readings within its memory weigh together as much as one does.
        """
        sd = np.hypot(signal.relative * value, signal.absolute)
        slope = 1.0 / _VIABILITY_SCALE if signal.place == self.alive else 1.0 / (value + self.floor[signal.place])
        return float(sd * slope * np.sqrt(max(signal.memory_h / hours, 1.0)))

    def gp_inputs(self, latent: FloatArray, setpoints: FloatArray, day: ArrayLike) -> FloatArray:
        """Return inputs of the Gaussian processes, shape (N, D), from latent (Q, N), setpoints (U, N), day (N,)."""
        days = np.broadcast_to(np.asarray(day, dtype=latent.dtype), latent.shape[1:])
        scale = self.gp_scale.astype(latent.dtype, copy=False)
        inputs: FloatArray = np.concatenate([latent, setpoints, days[None]]).T / scale
        return inputs


@cache
def layout_of(panel: Panel = CHO_PERFUSION) -> Layout:
    """Return the layout of a panel; made once.

    Raises:
        ConfigError: the rate laws cannot be bound to it.
    """
    return Layout(panel)
