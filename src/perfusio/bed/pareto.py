"""Several objectives at once: which outcomes are worth a choice, how good a set of them is, and which to pick.

Outcomes are arrays (N, M): N choices, M objectives, all to be maximised.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perfusio.errors import ConfigError
from perfusio.state import FloatArray


def nondominated(outcomes: FloatArray) -> NDArray[np.intp]:
    """Return the rows (K,) that no other row beats; of equal ones the first. A row with NaN is never among them."""
    values = np.asarray(outcomes, dtype=float)
    known = np.flatnonzero(~np.isnan(values).any(axis=1))
    _, first = np.unique(values[known], axis=0, return_index=True)
    rows = known[np.sort(first)]
    kept = values[rows]
    beaten = np.array([bool(((kept >= row).all(axis=1) & (kept > row).any(axis=1)).any()) for row in kept], dtype=bool)
    best: NDArray[np.intp] = rows[~beaten]
    return best


def hypervolume(outcomes: FloatArray, reference: Sequence[float] | FloatArray) -> float:
    """Return the volume of the region that the outcomes dominate, as far as it lies beyond a reference point.

    Args:
        outcomes: (N, M), M from 2 on.
        reference: (M,), in the units of the outcomes: as bad as anything worth counting.

    Raises:
        ConfigError: the reference has another number of objectives.
    """
    values, corner = np.asarray(outcomes, dtype=float), np.asarray(reference, dtype=float)
    if values.ndim != 2 or corner.shape != values.shape[1:] or len(corner) < 2:
        raise ConfigError(
            f"Outcomes of shape {values.shape} and a reference of shape {corner.shape}: expected (N, M) and (M,) with "
            "two objectives or more. Give one reference value per objective."
        )
    beyond = values[nondominated(values)] - corner
    return _volume(beyond[(beyond > 0.0).all(axis=1)])


def _volume(sides: FloatArray) -> float:
    """Return the volume of boxes (N, M) that all have a corner at 0, counting once their intersection.

    Sliced along the last objective: between two of its values the boxes that reach so far share one cross-section
    (hypervolume by slicing objectives; While et al., IEEE Trans. Evol. Comput. 10:29, 2006).
    """
    order = np.argsort(-sides[:, -1], kind="stable")
    sides = sides[order]
    if sides.shape[1] == 2:
        reached = np.maximum.accumulate(sides[:, 0])
        return float(reached @ (sides[:, 1] - np.append(sides[1:, 1], 0.0)))
    thick = sides[:, -1] - np.append(sides[1:, -1], 0.0)
    return float(sum(t * _volume(sides[: i + 1, :-1]) for i, t in enumerate(thick.tolist()) if t > 0.0))


def scaled(outcomes: FloatArray) -> FloatArray:
    """Map each objective to 0 (worst of the rows) to 1 (best); 1 where all are equal."""
    low, high = outcomes.min(axis=0), outcomes.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    mapped: FloatArray = np.where(high > low, (outcomes - low) / span, 1.0)
    return mapped


def pick(outcomes: FloatArray, *, weights: Sequence[float] | None = None) -> int:
    """Return the row that is the best compromise.

    Without weights it is the knee: the row nearest to having the best of every objective, each scaled to its range on
    the front. With weights it is the row with the largest weighted sum of the scaled objectives. A person who wants
    another takes another row.

    Args:
        outcomes: (N, M), with at least one row that is known.
        weights: One per objective, none negative, not all 0.

    Raises:
        ConfigError: nothing to pick from, or unusable weights.
    """
    values = np.asarray(outcomes, dtype=float)
    rows = nondominated(values) if values.ndim == 2 else np.array([], dtype=np.intp)
    if not len(rows):
        raise ConfigError(f"Nothing to pick from: outcomes of shape {values.shape}, expected (N, M) with known rows.")
    unit = scaled(values[rows])
    if weights is None:
        return int(rows[np.argmin(((1.0 - unit) ** 2).sum(axis=1))])
    given = np.asarray(weights, dtype=float)
    if given.shape != values.shape[1:] or not (np.isfinite(given) & (given >= 0.0)).all() or not given.any():
        raise ConfigError(
            f"weights = {given.tolist()}: expected {values.shape[1]} numbers from 0 on, one per objective, not all 0."
        )
    return int(rows[np.argmax(unit @ given)])
