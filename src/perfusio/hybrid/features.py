"""Between vessels and arrays: latent scale, measurement noise, and the indexed multi-task format.

The **indexed format** is public: `x` has one row per species per time step, columns `[species x 9, setpoints x 6, day,
task_id]`; `y` holds the value of species `task_id` one interval later, in canonical units. Rows whose target is missing
are left out; inputs that were not measured come from the smoother. Where a culture is fed, the species are those right
after the feed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from perfusio.errors import ModelError
from perfusio.physics.feeds import after_feeds, feed_arrays, mixed
from perfusio.process import roles
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.state import SETPOINTS, SPECIES, SPECIES_INDEX, FloatArray
from perfusio.trajectory import Feed, Trajectory

N_SPECIES, N_SETPOINTS = len(SPECIES), len(SETPOINTS)
N_COLUMNS = N_SPECIES + N_SETPOINTS + 2
VIABILITY = SPECIES_INDEX[roles.VIABILITY]
_VIABILITY_SCALE = 10.0

PANEL = CHO_PERFUSION
# Below these values the analyzer sees noise and the logarithm would see minus infinity; canonical units.
FLOOR = np.array([n.floor for n in PANEL.noise])
# Above these a value is a mistake: what a path far from all data may reach, and no further.
CEILING = np.array([s.high for s in PANEL.modelled])
# Relative and absolute standard deviation of one measurement (viability is additive, in points).
NOISE_CV = np.array([n.relative for n in PANEL.noise])
NOISE_ABSOLUTE = np.array([n.absolute for n in PANEL.noise])
# Expected where a species was never measured, and how little that means (latent standard deviation).
DEFAULT_STATE = np.array([p.mean for p in PANEL.prior])
DEFAULT_SD = np.array([p.sd for p in PANEL.prior])
# One unit of each GP input: a change that a scientist would call clear.
GP_SCALE = np.array(
    [*(u.clear_change for u in PANEL.unexplained), *(s.clear_change for s in PANEL.setpoints), PANEL.clear_days]
)


def to_latent(species: FloatArray) -> FloatArray:
    """Map species (Q, ...) to the scale on which errors are alike: log(c + floor); viability in tens of points."""
    floor = FLOOR.reshape(-1, *[1] * (species.ndim - 1)).astype(species.dtype, copy=False)
    with np.errstate(invalid="ignore", divide="ignore"):
        latent: FloatArray = np.log(species + floor)
    latent[VIABILITY] = species[VIABILITY] / _VIABILITY_SCALE
    return latent


def from_latent(latent: FloatArray) -> FloatArray:
    """Invert `to_latent`; values end at what is physically possible (0, CEILING)."""
    shape = (-1, *[1] * (latent.ndim - 1))
    ceiling, floor = (of.reshape(shape).astype(latent.dtype, copy=False) for of in (CEILING, FLOOR))
    species: FloatArray = np.exp(np.minimum(latent, 12.0)) - floor
    species[VIABILITY] = latent[VIABILITY] * _VIABILITY_SCALE
    return np.clip(species, 0.0, ceiling, out=species)


def fed_latent(latent: FloatArray, feeds: Sequence[Feed | None]) -> tuple[FloatArray, FloatArray]:
    """Return latent states (Q, B) right after feeds, and their slope by the states before, (Q, B).

    What a filter believes to lie a little below zero is mixed as it is: clipping would lose its slope.
    """
    floor = FLOOR[:, None]
    inside = np.exp(np.minimum(latent, 12.0))  # concentration plus floor
    fractions, held = feed_arrays(feeds)
    after = mixed(inside - floor, fractions, held) + floor
    is_fed = np.broadcast_to(fractions > 0.0, latent.shape).copy()
    is_fed[VIABILITY] = False
    fed = np.where(is_fed, np.log(np.where(is_fed, after, 1.0)), latent)
    slope = np.where(is_fed, inside / (1.0 + fractions) / np.where(is_fed, after, 1.0), 1.0)
    return fed, slope


def noise_sd(species: FloatArray) -> FloatArray:
    """Return the latent standard deviation of measuring species (Q, ...)."""
    shape = (-1, *[1] * (species.ndim - 1))
    sd = np.hypot(NOISE_CV.reshape(shape) * species, NOISE_ABSOLUTE.reshape(shape))
    slope = 1.0 / (species + FLOOR.reshape(shape) + 1e-12)
    slope[VIABILITY] = 1.0 / _VIABILITY_SCALE
    latent_sd: FloatArray = sd * slope
    return latent_sd


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedData:
    """Transitions in the indexed multi-task format.

    Attributes:
        x: Shape (R, 17): species before, setpoints in force, culture day before, task_id.
        y: Shape (R,): measured species `task_id` after the interval.
        hours: Shape (R,): length of the interval.
        read: Shape (R,): what was measured of species `task_id` at the start of the interval (after a feed), NaN where
            nothing was; the column of `x` may hold a better estimate. Its error is also in the row before.
    """

    x: FloatArray
    y: FloatArray
    hours: FloatArray
    read: FloatArray

    def __post_init__(self) -> None:
        """Refuse arrays of another shape."""
        rows = len(self.y)
        if self.x.shape != (rows, N_COLUMNS) or not self.hours.shape == self.read.shape == (rows,):
            raise ModelError(
                f"The indexed format needs x (R, {N_COLUMNS}) and y, hours, read (R,); found x {self.x.shape}, "
                f"y {self.y.shape}, hours {self.hours.shape}, read {self.read.shape}."
            )

    @property
    def task(self) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        """Species index of each row, shape (R,)."""
        return self.x[:, -1].astype(np.intp)


def indexed(
    trajectories: Sequence[Trajectory], inputs: Sequence[FloatArray] | None = None, *, from_transition: ArrayLike = 0
) -> IndexedData:
    """Put trajectories into the indexed multi-task format.

    Args:
        trajectories: Runs, each with its own number of samples.
        inputs: For each run the states at its samples to start from, before any feed, shape (N, Q); default: the
            measured values.
        from_transition: First transition to use, one number or one per run.

    Returns:
        Rows in order of run, time, species. Rows without a target, or with an unknown input, are left out.
    """
    starts = np.broadcast_to(np.asarray(from_transition, dtype=int), (len(trajectories),))
    blocks, targets, hours, read = [np.empty((0, N_COLUMNS))], [np.empty(0)], [np.empty(0)], [np.empty(0)]
    for k, t in enumerate(trajectories):
        if len(t.states) < 2:
            continue
        before = after_feeds((t.values if inputs is None else inputs[k])[:-1], t.fed)
        row = np.concatenate([before, t.inputs, t.times_h[:-1, None] / 24.0], axis=1)[starts[k] :]
        measured = after_feeds(t.values[:-1], t.fed)[starts[k] :]
        after = t.values[1 + starts[k] :]
        tasks = np.tile(np.arange(N_SPECIES), len(row))
        x = np.column_stack([np.repeat(row, N_SPECIES, axis=0), tasks])
        usable = np.isfinite(after.ravel()) & np.isfinite(x).all(axis=1)
        blocks.append(x[usable])
        targets.append(after.ravel()[usable])
        read.append(measured.ravel()[usable])
        hours.append(np.repeat(np.diff(t.times_h)[starts[k] :], N_SPECIES)[usable])
    return IndexedData(
        x=np.concatenate(blocks), y=np.concatenate(targets), hours=np.concatenate(hours), read=np.concatenate(read)
    )


def gp_inputs(latent: FloatArray, setpoints: FloatArray, day: ArrayLike) -> FloatArray:
    """Return the inputs of the Gaussian processes, shape (N, 16), from latent (Q, N), setpoints (U, N), day (N,)."""
    days = np.broadcast_to(np.asarray(day, dtype=latent.dtype), latent.shape[1:])
    inputs: FloatArray = np.concatenate([latent, setpoints, days[None]]).T / GP_SCALE.astype(latent.dtype, copy=False)
    return inputs
