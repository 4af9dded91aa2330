"""How good forecasts were: error, coverage, CRPS, sharpness, PIT; per species and horizon, on arrays alone.

No score stands alone: a small error with a poor coverage is luck, a good coverage with wide intervals is ignorance.
CRPS: Gneiting and Raftery, JASA 102:359, 2007 (eq. 20, 21); PIT: Dawid, JRSS A 147:278, 1984.

Letters: N forecasts, S samples, Q species, K horizons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from perfusio.errors import ModelError
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.state import FloatArray

LEVELS: tuple[float, ...] = (0.8, 0.9)
N_BINS = 10


def rrmse(predicted: FloatArray, actual: FloatArray, scale: FloatArray) -> FloatArray:
    """Return rmse / sd of the test values; 1 is as good as always saying their mean.

    Args:
        predicted: Shape (N, Q).
        actual: What came, (N, Q), NaN where not measured: left out.
        scale: Standard deviation of the test values, (Q,).
    """
    return np.sqrt(_mean((predicted - actual) ** 2)) / scale


def coverage(samples: FloatArray, actual: FloatArray, level: float) -> FloatArray:
    """Return the share of values inside the central interval of `level`, (Q,); it should be `level`.

    Args:
        samples: Shape (N, S, Q).
        actual: Shape (N, Q), NaN left out.
        level: E.g. 0.8.
    """
    low, high = _interval(samples, level)
    return _mean(np.where(np.isfinite(actual), (low <= actual) & (actual <= high), np.nan))


def sharpness(samples: FloatArray, actual: FloatArray, level: float, scale: FloatArray) -> FloatArray:
    """Return the mean width of the central interval over the sd of the test values, (Q,); smaller is sharper."""
    low, high = _interval(samples, level)
    return _mean(np.where(np.isfinite(actual), high - low, np.nan)) / scale


def crps_samples(samples: FloatArray, actual: FloatArray) -> FloatArray:
    """Return the CRPS of the empirical distribution of samples (N, S, Q) at actual (N, Q), shape (N, Q).

    E|X - y| - E|X - X'| / 2 in O(S log S), by sorting. With one sample it is the absolute error. Unit of the values.
    """
    ordered = np.sort(samples, axis=1)
    s = ordered.shape[1]
    rank_weight = (2.0 * np.arange(1, s + 1) - s - 1.0) / s**2
    spread = np.einsum("s,nsq->nq", rank_weight, ordered)
    off: FloatArray = np.abs(ordered - actual[:, None]).mean(axis=1) - spread
    return off


def crps_gaussian(mean: FloatArray, sd: FloatArray, actual: FloatArray) -> FloatArray:
    """Return the CRPS of normal distributions, element by element (closed form); sd = 0 gives the absolute error."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(sd > 0.0, (actual - mean) / sd, 0.0)
    density = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    value = sd * (z * (2.0 * ndtr(z) - 1.0) + 2.0 * density - 1.0 / np.sqrt(np.pi))
    return np.where(sd > 0.0, value, np.abs(actual - mean))


def pit(samples: FloatArray, actual: FloatArray) -> FloatArray:
    """Return the probability integral transform (N, Q): where in its forecast each value lay, 0 to 1, NaN left in.

    Ties count half, so that a value at a physical limit, where many samples sit, is not taken for an extreme one.
    """
    below = (samples < actual[:, None]).mean(axis=1)
    ties = (samples == actual[:, None]).mean(axis=1)
    return np.where(np.isfinite(actual), below + 0.5 * ties, np.nan)


def pit_histogram(values: FloatArray, n_bins: int = N_BINS) -> FloatArray:
    """Return the share of PIT values (N, Q) in each of `n_bins` equal bins, (Q, n_bins); flat is calibrated.

    A hump says that the intervals are too wide, a bowl that they are too narrow, a slope that forecasts are biased.
    """
    known = [v[np.isfinite(v)] for v in values.T]
    counts = np.array([np.histogram(v, bins=n_bins, range=(0.0, 1.0))[0] for v in known], dtype=float)
    with np.errstate(invalid="ignore"):
        shares: FloatArray = counts / counts.sum(axis=1, keepdims=True)
    return shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """Forecasts of one horizon lined up with what came.

    Attributes:
        point: Shape (N, Q), what is said where one number is asked for.
        actual: Shape (N, Q), NaN where not measured.
        samples: Shape (N, S, Q); None for a point forecast.
    """

    point: FloatArray
    actual: FloatArray
    samples: FloatArray | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        q = self.point.shape[-1]
        fits = self.point.shape == self.actual.shape == (len(self.point), q)
        if not fits or (self.samples is not None and self.samples[:, 0].shape != self.point.shape):
            found = None if self.samples is None else self.samples.shape
            raise ModelError(
                f"Cases need point and actual (N, {q}) and samples (N, S, {q}); found {self.point.shape}, "
                f"{self.actual.shape} and {found}. Line up each forecast with the state that came."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How one forecaster did; arrays of shape (K, Q) in the order of `horizons` and the species.

    Attributes:
        horizons: Names of the horizons, e.g. ``("1", "7", "trajectory")``.
        n: How many values were compared.
        rrmse: rmse / sd of the test values.
        crps: Mean CRPS / sd of the test values.
        coverage: By level, share inside the interval; NaN for a point forecast, as are the next two.
        sharpness: By level, mean width / sd of the test values.
        pit: Shares per bin, (K, Q, N_BINS).
        species: Names of the Q species.
    """

    horizons: tuple[str, ...]
    n: FloatArray
    rrmse: FloatArray
    crps: FloatArray
    coverage: Mapping[float, FloatArray]
    sharpness: Mapping[float, FloatArray]
    pit: FloatArray
    species: tuple[str, ...] = CHO_PERFUSION.species_names

    @property
    def is_point(self) -> bool:
        """Whether there were no intervals to judge."""
        return not np.isfinite(self.pit).any()

    def to_json(self) -> dict[str, object]:
        """Return plain data: by horizon and species; null where there was nothing to compare."""
        rows: dict[str, FloatArray] = {"n": self.n, "rrmse": self.rrmse, "crps": self.crps}
        if not self.is_point:
            rows |= {f"coverage_{100 * a:.0f}": v for a, v in self.coverage.items()}
            rows |= {f"sharpness_{100 * a:.0f}": v for a, v in self.sharpness.items()}
        out: dict[str, object] = {
            horizon: {s: {key: _plain(v[k, q]) for key, v in rows.items()} for q, s in enumerate(self.species)}
            for k, horizon in enumerate(self.horizons)
        }
        return out


def score(cases: Mapping[str, Cases], scale: FloatArray, panel: Panel = CHO_PERFUSION) -> Score:
    """Score one forecaster.

    Args:
        cases: By name of the horizon.
        scale: Standard deviation of the test values, (Q,): the same for every horizon, so that they compare.
        panel: The quantities of the process.
    """
    k = list(cases.values())
    blank = np.full(len(scale), np.nan)
    no_bins = np.full((len(scale), N_BINS), np.nan)
    return Score(
        horizons=tuple(cases),
        n=np.array([np.isfinite(c.actual).sum(axis=0) for c in k], dtype=float),
        rrmse=np.array([rrmse(c.point, c.actual, scale) for c in k]),
        crps=np.array(
            [_mean(crps_samples(c.point[:, None] if c.samples is None else c.samples, c.actual)) / scale for c in k]
        ),
        coverage={a: np.array([blank if c.samples is None else coverage(c.samples, c.actual, a) for c in k])
                  for a in LEVELS},
        sharpness={a: np.array([blank if c.samples is None else sharpness(c.samples, c.actual, a, scale) for c in k])
                   for a in LEVELS},
        pit=np.array([no_bins if c.samples is None else pit_histogram(pit(c.samples, c.actual)) for c in k]),
        species=panel.species_names,
    )  # fmt: skip


def spread(values: FloatArray) -> FloatArray:
    """Return the standard deviation of test values (N, Q), NaN left out; NaN where nothing varies."""
    mean = _mean(values)
    sd = _mean((values - mean) ** 2) ** 0.5
    return np.where(sd > 1e-9 * np.abs(mean), sd, np.nan)  # the mean of equal numbers is not quite that number


def _interval(samples: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    tail = 50.0 * (1.0 - level)
    low, high = np.percentile(samples, [tail, 100.0 - tail], axis=1)
    return low, high


def _mean(values: FloatArray) -> FloatArray:
    """Mean over the first axis of what is there; NaN, without a warning, where nothing is."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        mean: FloatArray = np.where(known, values, 0.0).sum(axis=0) / known.sum(axis=0)
    return mean


def _plain(value: float) -> float | None:
    return float(f"{value:.6g}") if np.isfinite(value) else None
