"""From a forecast of the true state to a forecast of what the analyzer will report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from perfusio.forecast import Forecast
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.streams import normal, stream


def observed(forecast: Forecast, *, seed: int = 0) -> Forecast:
    """Add measurement noise to a forecast: each path gets its own error at each time, as a sample would.

    Hold measurements against this one and the truth against `forecast` itself: measurements scatter more than the true
    state, so intervals of the true state would seem too narrow. The noise is that of the filter, a normal error on the
    scale of `layout.to_latent`; its mean is zero, so the mean stays.

    Args:
        forecast: Of the true state, Q species at H times in S paths.
        seed: Of the noise; the same seed adds the same noise.

    Returns:
        A forecast with the same times and mean, with larger `sd` and wider `samples`, within what is possible.
    """
    at = layout_of(forecast.panel)
    paths = np.moveaxis(forecast.samples, -1, 0)
    streams = [stream(seed, name) for name in at.species]
    noise = at.noise_sd(paths) * normal(streams, paths.shape[1:])
    samples = np.ascontiguousarray(np.moveaxis(at.from_latent(at.to_latent(paths) + noise), 0, -1))
    return replace(forecast, samples=samples, sd=samples.std(axis=0))
