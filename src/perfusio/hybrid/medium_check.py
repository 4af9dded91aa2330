"""Whether the samples of a vessel fit the medium that was declared, and which species are fitted better by another.

The vessel is followed by typical rates with their whole spread, once with the declared medium and once with each other
strength of each dissolved species, and the probability densities of its samples are compared (Bayes factors; Kass and
Raftery, JASA 90:773, 1995: above 20 is strong). Nothing that was fitted to the vessel takes part, as a fit to a wrong
medium has explained it away. A culture begins in its medium, up to what the seed brings along, so its first sample
counts too. It has a veto: where it fits the declared medium, later differences come from the cells.

Out of sight are a species whose inlet a setpoint says; and by-products that the medium is not said to hold, as the
seed brings some along. Of a solute that a concentrate holds at its setpoint only the first sample tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perfusio.hybrid.calibration import uncalibrated
from perfusio.hybrid.filtering.belief import Process
from perfusio.hybrid.filtering.filter import filter_runs
from perfusio.hybrid.filtering.update import log_density
from perfusio.hybrid.layout import Layout, layout_of
from perfusio.hybrid.residuals.residual import Residual
from perfusio.process.medium import Medium
from perfusio.state import FloatArray
from perfusio.trajectory import Trajectory

STRENGTHS = (*(0.25, 0.35, 0.5, 0.6, 0.7), *(1.4, 1.7, 2.0, 2.8, 4.0))
"""Of the declared concentration: nearer to 1 it is the tolerance of a recipe, farther off another unit."""
ALIKE = 0.3
"""Strengths that differ by less on the scale on which readings have alike errors are not told apart."""
STRONG = float(np.log(20.0))
"""Log odds from which on a species is named."""
VETO = -2.0
"""Log odds of the first sample below which the medium is not to blame."""
MIN_SAMPLES, MOST_SAMPLES, MOST_DAYS = 2, 40, 8.0
"""The first days tell most: cells are few, and drift has had no time."""
BEGINS_H = 6.0
"""A first sample so early shows the medium [h]."""
SEED_SD = 0.15
"""How much a seed of a tenth to a fifth of the volume changes it, log scale (engineering judgement)."""
MOST_OFF = 4.0
"""A first reading counts as so many standard deviations at most: it may be an outlier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A species whose declared concentration in the medium does not fit.

    Attributes:
        species: Its name.
        declared: In the medium, canonical unit.
        likely: The best fit of the strengths that were tried, canonical unit.
        unit: Of both.
        log_odds: Of that strength against the declared one, natural logarithm.
    """

    species: str
    declared: float
    likely: float
    unit: str
    log_odds: float

    @property
    def words(self) -> str:
        """One sentence for a person: the finding, the expectation, the next step."""
        return (
            f"The samples fit a medium with about {self.likely:.3g} {self.unit} {self.species}, declared are "
            f"{self.declared:.3g} {self.unit}: check the medium, or declare it as it is."
        )


def medium_doubts(trajectory: Trajectory) -> tuple[Doubt, ...]:
    """Return the species whose declared inlet does not fit the first days of a vessel, the surest first.

    Args:
        trajectory: The vessel so far, with its process and medium; with fewer than MIN_SAMPLES samples nothing is said.

    Raises:
        ConfigError: the rate laws cannot be bound to the process.
    """
    at = layout_of(trajectory.panel)
    begin = _first_days(trajectory.of_samples())
    if len(begin.states) < MIN_SAMPLES:
        return ()
    log_factors, rate_cov = uncalibrated(at)
    process = Process(log_factors=log_factors, rate_cov=rate_cov, residual=Residual(layout=at))
    said = dict(zip(at.species, map(float, at.medium_of(begin)), strict=True))
    declared, tellable, found = dict(said), _tellable(at, said), list[Doubt]()
    for _ in range(len(at.species)):  # one after the other: what is named does not spoil the balance of the next
        worst = _worst(process, begin, declared, tellable)
        if worst is None:
            break
        found.append(worst)
        tellable = [name for name in tellable if name != worst.species]
        declared[worst.species] = worst.likely
    return tuple(sorted(found, key=lambda d: -d.log_odds))


def _first_days(trajectory: Trajectory) -> Trajectory:
    if not trajectory.states:
        return trajectory
    end = trajectory.states[0].time_h + 24.0 * MOST_DAYS + 1.0
    return trajectory.until(min(trajectory.n_before(end), MOST_SAMPLES))


def _worst(process: Process, run: Trajectory, declared: dict[str, float], tellable: Sequence[str]) -> Doubt | None:
    """Return the species, of those that are left, whose inlet fits worst; None where all fit."""
    at, panel = process.layout, process.layout.panel
    asked = [(name, level) for name in tellable for level in _levels(at, name, declared)]
    media = [declared, *({**declared, name: level} for name, level in asked)]
    density = _densities(process, run, media)
    begin = np.array([_begin_density(at, run, medium, tellable) for medium in media])
    odds, at_first = density + begin - density[0] - begin[0], begin - begin[0]
    odds[at_first < VETO] = -np.inf
    best = int(np.argmax(odds))
    if odds[best] < STRONG:
        return None
    name, level = asked[best - 1]
    return Doubt(species=name, declared=declared[name], likely=level, unit=panel[name].unit, log_odds=float(odds[best]))


def _tellable(at: Layout, declared: dict[str, float]) -> list[str]:
    """Return solutes of which samples can tell the inlet: the medium holds them, or cells have no way to make them."""
    said_by_setpoint = set(at.bound.inlets)
    return [
        s.name
        for s in at.bound.solutes
        if s.place not in said_by_setpoint and (declared[s.name] > 0.0 or not (s.source or s.is_made))
    ]


def _levels(at: Layout, name: str, declared: dict[str, float]) -> list[float]:
    """Return other concentrations of a species to try; of one that is not declared, those that are usual."""
    q = at.species.index(name)
    usual = declared[name] or float(at.default_state[q])
    levels = np.array([usual * strength for strength in STRENGTHS])
    apart = np.abs(np.log((levels + at.floor[q]) / (declared[name] + at.floor[q])))
    return [float(level) for level in levels[apart > ALIKE]]


def _densities(process: Process, run: Trajectory, media: Sequence[dict[str, float]]) -> FloatArray:
    """Return the log density of a run's samples after the first one under each medium."""
    runs = [
        replace(run, reactor_id=f"{run.reactor_id}:{i}", medium=Medium(**{n: c for n, c in medium.items() if c > 0.0}))
        for i, medium in enumerate(media)
    ]
    _, steps = filter_runs(process, runs, [None] * len(runs))
    return np.array([log_density(s, t, process) for s, t in zip(steps, runs, strict=True)])


def _begin_density(at: Layout, run: Trajectory, medium: dict[str, float], tellable: Sequence[str]) -> float:
    """Return the log density of the first readings of solutes if they are the medium, but for a constant."""
    first = run.states[0]
    if first.time_h >= BEGINS_H:
        return 0.0
    inlet = np.array([medium[name] for name in at.species])
    sd = np.hypot(at.noise_sd(inlet), SEED_SD)
    off = (at.to_latent(first.vector()) - at.to_latent(inlet)) / sd
    told = [at.species.index(name) for name in tellable]
    known = off[told][np.isfinite(off[told])]
    return float(-0.5 * (np.minimum(np.abs(known), MOST_OFF) ** 2).sum())
