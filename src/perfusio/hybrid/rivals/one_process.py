"""One Gaussian process of a rival: hyperparameters by search on some rows, or taken over; conditioned on all rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perfusio.hybrid.gaussian_processes import gp
from perfusio.hybrid.residuals.residual import N_HYPER_ROWS
from perfusio.hybrid.streams import stream
from perfusio.state import FloatArray

Processes = Sequence[gp.GaussianProcess | None]


def learnt(
    x: FloatArray, y: FloatArray, known: FloatArray, *, seed: int, name: str, like: gp.GaussianProcess | None
) -> gp.GaussianProcess:
    """Return the process of one species.

    Args:
        x: Inputs, shape (N, D).
        y: Standardised targets, (N,).
        known: Noise as `gp.independent` gives it.
        seed: Of the rows on which hyperparameters are searched.
        name: Of the species: its random stream.
        like: A process whose hyperparameters are taken instead.

    Raises:
        FitFailed: the search has no usable end.
    """
    if like is not None:
        return gp.GaussianProcess.condition(like.h, x, y, known)
    some = stream(seed, name).permutation(len(y))[:N_HYPER_ROWS]
    h = gp.fit(x[some], y[some], known[:, some], start=gp.initial_hyperparameters(x.shape[1]))
    return gp.GaussianProcess.condition(h, x, y, known)


def is_learnt(processes: Processes) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which species have a process (Q,): those that were measured often enough."""
    return np.array([p is not None for p in processes])
