"""The states of a run given all its samples (Simon, Optimal State Estimation, Wiley 2006, ch. 9.4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perfusio.hybrid.filtering.belief import Step
from perfusio.hybrid.layout import Layout
from perfusio.state import FloatArray


def smoothed(layout: Layout, steps: Sequence[Step]) -> tuple[FloatArray, FloatArray]:
    """Return the latent states of one run given all its samples, and their sd, both (N, Q) (Rauch-Tung-Striebel)."""
    mean, cov = steps[-1].mean, steps[-1].cov
    means, sds = [mean], [np.sqrt(np.diag(cov))]
    for before, after in zip(reversed(steps[:-1]), reversed(steps[1:]), strict=True):
        ridge = after.predicted_cov + 1e-10 * np.eye(layout.n_belief)
        gain = np.linalg.solve(ridge, after.jacobian @ before.cov).T
        mean = before.mean + gain @ (mean - after.predicted_mean)
        cov = before.cov + gain @ (cov - after.predicted_cov) @ gain.T
        means.append(mean)
        sds.append(np.sqrt(np.maximum(np.diag(cov), 0.0)))
    return np.array(means[::-1])[:, layout.latent], np.array(sds[::-1])[:, layout.latent]
