"""How likely the values of a sample are for its vessel, and whether another origin explains them better. Pure.

Each value of a true sample has one of four explanations, on the latent scale on which errors are alike: it is as
forecast, it stays near the one before, it goes on as the last two went, or it is anything that a culture may have. A
sample of another vessel is anything in every value. Columns that were exchanged are true values of each other. The
odds of two origins are the ratio of these probabilities (Bayes' rule with even priors); they are added over values, as
if errors were independent, so thresholds were chosen on some cultures and are tried on others (selftest T19).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import nan

import numpy as np

from perfusio.hybrid.layout import Layout, layout_of
from perfusio.state import FloatArray, State

FORECAST, LAST, TREND, ANYTHING = 0.6, 0.2, 0.15, 0.05
"""Prior probability of each explanation of one value; those that a sample does not have leave their share to others."""
COARSE = 1.3
"""Times its stated standard deviation, a forecast is off: filters believe themselves too much in new cultures."""
STAYS, GOES_ON = 0.25, 0.2
"""Standard deviations about the value before, and about the trend, after a day [changes that would be called clear]."""
ANY, ANY_ALIVE = 1.0, 0.3
"""Standard deviation of what a culture may have, about the forecast: a factor of e; three points of viability."""
FOREIGN = 2.0
"""Log odds from which on a sample is rather another vessel's, or of a culture in trouble, than as it was to be. After
a gap, be it of the cells alone, times its length, in usual intervals: what a forecast did not see moved all values
together, and odds that are added as if errors were independent say too much."""
ANYTHING_AT_FIRST, MOST_ANYTHING = 0.25, 0.3
"""The last of these over the number of samples before: of a young culture neither cell line nor medium has shown yet.
After a gap it is so many days times larger, to this end."""
EXCHANGED = 5.0
"""Log odds from which on two columns were exchanged: some 30 pairs are tried, and few people exchange any."""
LATELY = 8
"""So many samples tell the usual interval."""
LEAST_DAYS = 0.25
"""Samples closer together than this say no more about a trend than samples so far apart [day]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Forecast for one time: mean and standard deviation by quantity.

    Attributes:
        time_h: When [h].
        mean: In the unit of each quantity.
        sd: The same, of a measurement.
    """

    time_h: float
    mean: Mapping[str, float] = field(default_factory=dict)
    sd: Mapping[str, float] = field(default_factory=dict)


class Explained:
    """Probability densities of the next sample of a vessel.

    Args:
        panel_of: A sample of the vessel, which says the process and the time.
        before: Samples before it, in order of time.
        expected: Forecast for its time, if there is one.
    """

    def __init__(self, panel_of: State, before: Sequence[State], expected: Expected | None) -> None:
        at = self.at = layout_of(panel_of.panel)
        last, last_h, previous, previous_h = _last_two(at, before)
        days = np.maximum((panel_of.time_h - last_h) / 24.0, LEAST_DAYS)
        slope = np.minimum(days / np.maximum((last_h - previous_h) / 24.0, LEAST_DAYS), 2.0)
        with np.errstate(invalid="ignore"):
            goes_on = last + slope * (last - previous)
        mean, sd = _forecast(at, expected)
        clear = at.gp_scale[: at.n_species] * np.maximum(days, 1.0)
        error = at.noise_sd(at.from_latent(last))
        centre = np.where(np.isfinite(mean), mean, last)
        spread = np.where(np.arange(at.n_species) == (-1 if at.alive is None else at.alive), ANY_ALIVE, ANY)
        gap = max(1.0, (panel_of.time_h - before[-1].time_h) / 24.0) if before else 1.0
        anything = min(gap * max(ANYTHING, ANYTHING_AT_FIRST / max(len(before), 1)), MOST_ANYTHING)
        stays = np.hypot(STAYS * clear, error)
        self._parts = (
            (FORECAST, mean, COARSE * sd),
            (LAST, last, stays),
            (TREND, goes_on, np.hypot(GOES_ON * clear, 2.0 * error)),
            # never narrower than the others: after a gap a value that has not changed is nobody else's
            (anything, centre, np.fmax(spread, np.fmax(COARSE * sd, stays))),
        )

    def log_true(self, latent: FloatArray) -> FloatArray:
        """Return the log density of each value (Q,) if the sample is this vessel's; NaN where nothing is known."""
        shares = np.array([np.where(np.isfinite(mean + sd), share, 0.0) for share, mean, sd in self._parts])
        parts = np.array([_log_normal(latent, mean, sd) for _, mean, sd in self._parts])
        with np.errstate(divide="ignore", invalid="ignore"):
            weighted = np.where(shares > 0.0, np.log(shares / np.sum(shares, axis=0)) + parts, -np.inf)
            total: FloatArray = np.logaddexp.reduce(weighted, axis=0)
        return np.where(np.isfinite(total), total, nan)

    def log_anything(self, latent: FloatArray) -> FloatArray:
        """Return the log density of each value (Q,) of just any culture; NaN where nothing is known."""
        _, mean, sd = self._parts[-1]
        return _log_normal(latent, mean, sd)

    def foreign(self, sample: State) -> dict[str, float]:
        """Return the log odds of each value that it is just anything, rather than this vessel's."""
        latent = _latent(self.at, sample)
        odds = self.log_anything(latent) - self.log_true(latent)
        return {n: float(v) for n, v in zip(self.at.species, odds, strict=True) if np.isfinite(v)}

    def exchanged(self, sample: State) -> tuple[float, tuple[str, str] | None]:
        """Return the pair of columns that were exchanged likeliest, and the log odds that they were."""
        raw = _values(self.at, sample)
        best: tuple[float, tuple[str, str] | None] = (-np.inf, None)
        as_it_is = self._log_raw(raw)
        for a, b in combinations(np.flatnonzero(np.isfinite(as_it_is)), 2):
            turned = raw.copy()
            turned[a], turned[b] = raw[b], raw[a]
            if turned[a] > self.at.ceiling[a] or turned[b] > self.at.ceiling[b]:
                continue
            odds = float(np.sum((self._log_raw(turned) - as_it_is)[[a, b]]))
            if odds > best[0]:
                best = odds, (self.at.species[a], self.at.species[b])
        return best

    def _log_raw(self, raw: FloatArray) -> FloatArray:
        """Return the log density of each value (Q,), per canonical unit."""
        slope = 1.0 / (raw + self.at.floor + 1e-12)
        if self.at.alive is not None:
            slope[self.at.alive] = 0.1
        log: FloatArray = self.log_true(self.at.to_latent(raw)) + np.log(slope)
        return log


def _log_normal(x: FloatArray, mean: FloatArray, sd: FloatArray) -> FloatArray:
    log: FloatArray = -0.5 * ((x - mean) / sd) ** 2 - np.log(sd * np.sqrt(2.0 * np.pi))
    return log


def _values(at: Layout, state: State) -> FloatArray:
    """Return the values of a sample (Q,), NaN where one stands at an end of what can be measured."""
    return np.array([nan if is_at_limit(state, n) else getattr(state, n) for n in at.species])


def _latent(at: Layout, state: State) -> FloatArray:
    return at.to_latent(_values(at, state))


def intervals_since(sample: State, before: Sequence[State]) -> float:
    """Return how long the last count of cells but this one is ago, in intervals that are usual for the vessel; >= 1.

    A sample whose count was not used leaves a forecast as blind as one that is missing: cells move all the rest.
    """
    times = np.array([s.time_h for s in before[-LATELY:]])
    usual = float(np.median(np.diff(times))) if len(times) > 1 else 24.0
    if not len(times) or not usual > 0.0:
        return 1.0
    cells = sample.panel.the("cells")
    counted = next((s.time_h for s in reversed(before[-LATELY:]) if (v := getattr(s, cells)) == v), float(times[0]))
    return max(1.0, (sample.time_h - counted) / usual)


def is_at_limit(state: State, name: str) -> bool:
    """Whether a value stands at a limit of detection, or at an end of its range."""
    quantity, value = state.panel[name], getattr(state, name)
    return "limit" in state.quality.get(name, "") or value in (quantity.low, quantity.high)


def _last_two(at: Layout, before: Sequence[State]) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the last value of each quantity, latent, its time [h], and the same of the one before; NaN for none."""
    found = np.full((4, at.n_species), nan)
    for i, name in enumerate(at.species):
        n = 0
        for state in reversed(before):
            if n < 2 and (value := getattr(state, name)) == value:
                found[2 * n, i], found[2 * n + 1, i] = value, state.time_h
                n += 1
            if n == 2:
                break
    return at.to_latent(found[0]), found[1], at.to_latent(found[2]), found[3]


def _forecast(at: Layout, expected: Expected | None) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation of a forecast, latent (Q,); NaN where there is none."""
    if expected is None:
        return np.full(at.n_species, nan), np.full(at.n_species, nan)
    mean = np.array([expected.mean.get(n, nan) for n in at.species])
    slope = 1.0 / (mean + at.floor)
    if at.alive is not None:
        slope[at.alive] = 0.1
    sd = np.array([expected.sd.get(n, nan) for n in at.species]) * slope
    return at.to_latent(mean), np.fmax(sd, at.noise_sd(mean))
