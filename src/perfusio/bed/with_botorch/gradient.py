"""Gradient search by BoTorch's `optimize_acqf`; the paths are numpy, so gradients are central differences.

All differences of a step are played in one batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np
import torch
from botorch.acquisition import AcquisitionFunction
from botorch.optim import optimize_acqf

from perfusio.state import FloatArray

N_RAW, N_STARTS, MAX_ITERATIONS = 48, 4, 12
STEP = 5e-3
"""Of the differences, as a share of the box."""


class _ByDifferences(torch.autograd.Function):  # type: ignore[misc]
    """Values of a numpy function with a gradient."""

    @staticmethod
    def forward(ctx: Any, unit: torch.Tensor, values: Callable[[FloatArray], FloatArray]) -> torch.Tensor:
        ctx.values = values
        ctx.save_for_backward(unit)
        return torch.from_numpy(values(unit.detach().numpy()))

    @staticmethod
    def backward(ctx: Any, *above: torch.Tensor) -> tuple[torch.Tensor, None]:
        unit = ctx.saved_tensors[0].detach().numpy()
        n, d = unit.shape
        steps = STEP * np.eye(d)
        ahead, behind = np.minimum(unit[:, None] + steps, 1.0), np.maximum(unit[:, None] - steps, 0.0)
        values = ctx.values(np.concatenate([ahead, behind]).reshape(-1, d)).reshape(2, n, d)
        gradient = (values[0] - values[1]) / (ahead - behind)[:, np.arange(d), np.arange(d)]
        return above[0].unsqueeze(-1) * torch.from_numpy(gradient), None


class _Merit(AcquisitionFunction):  # type: ignore[misc]
    """A function of the unit cube that BoTorch can climb."""

    def __init__(self, values: Callable[[FloatArray], FloatArray]) -> None:
        torch.nn.Module.__init__(self)  # there is no model to hold
        self._values = values

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return values (batch,) at X (batch, 1, D)."""
        return _ByDifferences.apply(X.squeeze(-2), self._values)


def climbed(
    merit: Callable[[FloatArray], FloatArray], low: FloatArray, high: FloatArray, start: FloatArray, *, seed: int
) -> FloatArray:
    """Return the ends (N_STARTS, D) of climbs from the best of N_RAW random points and from `start`.

    Args:
        merit: Candidates (G, D) -> values (G,), higher is better, continuous.
        low: Lower corner of the box (D,).
        high: Upper corner (D,).
        start: Where one of the climbs begins (D,).
        seed: Of the random points.
    """
    span = high - low

    def values(unit: FloatArray) -> FloatArray:
        return merit(low + unit * span)

    rng = np.random.default_rng(seed)
    unit = np.where(span > 0.0, (start - low) / np.where(span > 0.0, span, 1.0), 0.5)
    raw = rng.random((N_RAW, len(low)))
    best = raw[np.argsort(-values(raw), kind="stable")[: N_STARTS - 1]]
    with catch_warnings():
        simplefilter("ignore", RuntimeWarning)  # a climb that ends early, on the last digits, is judged like any other
        found, _ = optimize_acqf(
            _Merit(values),
            bounds=torch.stack([torch.zeros(len(low)), torch.ones(len(low))]).double(),
            q=1,
            num_restarts=N_STARTS,
            batch_initial_conditions=torch.from_numpy(np.concatenate([unit[None], best])).unsqueeze(-2),
            options={"maxiter": MAX_ITERATIONS},
            return_best_only=False,
        )
    ends: FloatArray = low + np.clip(found.detach().squeeze(-2).numpy(), 0.0, 1.0) * span
    return ends
