"""Values far from the forecast: which of them the culture explains, and which an instrument. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import Any

import numpy as np

from perfusio.events import Decided, Forecasted
from perfusio.hybrid.layout import layout_of
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.state import FloatArray, Setpoints, State
from perfusio.twin.samples.likelihoods import Expected, is_at_limit
from perfusio.twin.state.refused_samples import AWAY

SURPRISE_SD = 5.0
"""Distance from the forecast [its standard deviations] that makes a value surprising."""
NO_SPREAD = 1e-6
"""Relative standard deviation that is none."""


def foreseen(forecast: Decided | Forecasted | None, in_force: Setpoints, time_h: float) -> Expected | None:
    """Return the latest forecast of a vessel for a time, under the setpoints that were in force since.

    Args:
        forecast: As it is on record; a decision holds two, of which the one counts that came about.
        in_force: Setpoints since the latest sample.
        time_h: When [h].
    """
    if forecast is None:
        return None
    is_chosen = isinstance(forecast, Decided) and np.allclose(forecast.setpoints.vector(), in_force.vector())
    taken = forecast.chosen if is_chosen and isinstance(forecast, Decided) else forecast.hold
    return expected_at(time_h, taken, in_force.panel)


def expected_at(time_h: float, hold: Mapping[str, Any], panel: Panel = CHO_PERFUSION) -> Expected | None:
    """Return a forecast's values at a time, None where it has none within a quarter of its first interval.

    Args:
        time_h: When [h].
        hold: A forecast as it is on record (`Forecast.to_json`).
        panel: The process of its run.
    """
    times = hold.get("times_h") or []
    nearest = min(range(len(times)), key=lambda i: abs(times[i] - time_h), default=None)
    if nearest is None or abs(times[nearest] - time_h) > 6.0:
        return None
    rows: dict[str, dict[str, float]] = {
        what: {n: v[nearest] for n, v in hold[what].items() if v[nearest] is not None} for what in ("mean", "sd")
    }
    if all(sd <= NO_SPREAD * abs(rows["mean"].get(n, 0.0)) for n, sd in rows["sd"].items()):
        return None  # a forecast without spread does not say how far a sample may be from it
    return Expected(time_h=times[nearest], mean=rows["mean"], sd=_as_measured(rows["mean"], rows["sd"], panel))


def surprising(sample: State, before: Sequence[State], expected: Expected | None) -> dict[str, str]:
    """Return the values that are far from the forecast, with a remark; twice in a row is the culture."""
    if expected is None:
        return {}
    found = {}
    for name, value in sample.measured().items():
        mean, sd = expected.mean.get(name, nan), expected.sd.get(name, nan)
        if is_at_limit(sample, name) or not (sd > 0.0 and abs(value - mean) > SURPRISE_SD * sd):
            continue
        if before and AWAY in before[-1].quality.get(name, ""):
            continue
        found[name] = f"{abs(value - mean) / sd:.3g} {AWAY} of {mean:.3g}"
    return found


def unexplained(
    sample: State, before: Sequence[State], expected: Expected, names: Sequence[str], *, near: float = 1.0
) -> tuple[str, ...]:
    """Return those of some surprising values that the reading before does not explain either.

    A value near the one before says that the forecast is wrong, not the instrument.

    Args:
        sample: The new one.
        before: Earlier ones.
        expected: The forecast.
        names: Of the surprising values.
        near: Distance that counts as near after a day, in changes that a scientist would call clear, a fact of the
            panel; after a longer time it is more.
    """
    at = layout_of(sample.panel)
    value, last = _latent(sample, at.species), _latent_before(before, at.species)
    mean = at.to_latent(np.array([expected.mean.get(n, nan) for n in at.species]))
    clear = near * _days_since(sample, before) * at.gp_scale[: at.n_species]
    with np.errstate(invalid="ignore"):
        is_near = (np.abs(value - last) < clear) | (np.abs(value - mean) < clear)
        lies_between = (value - last) * (value - mean) < 0.0
    return tuple(n for n in names if n in at.species and not (is_near | lies_between)[at.species.index(n)])


def are_alike(sample: State, refused: State, before: Sequence[State], names: Sequence[str]) -> bool:
    """Whether a sample confirms a refused one: in these quantities it is nearer to it than to those before."""
    at = layout_of(sample.panel)
    value, other, last = _latent(sample, at.species), _latent(refused, at.species), _latent_before(before, at.species)
    here = [at.species.index(n) for n in names if n in at.species]
    here = [i for i in here if np.isfinite(other[i])]
    with np.errstate(invalid="ignore"):
        nearer = np.abs(value - other) < np.abs(value - last)
    return bool(here) and bool(np.all(nearer[here]))


def scaled_alike(sample: State, before: Sequence[State], expected: Expected | None) -> float | None:
    """Return the factor by which all values of a sample are off, None if there is none: a dilution, or a unit.

    At least four values, by a factor of 3 or more, four of five of them within a factor of 1.6 of each other.
    """
    last = before[-1] if before else None
    known = expected.mean if expected is not None else last.measured() if last is not None else {}
    ratios = [
        np.log(v / m)
        for n, v in sample.measured().items()
        if sample.panel[n].role not in ("size", "signal")
        and (m := known.get(n, nan)) > 3.0 * _floor(sample.panel, n) and v > 0.0 and not is_at_limit(sample, n)
    ]
    if len(ratios) < 4 or abs(middle := float(np.median(ratios))) < np.log(3.0):
        return None
    near = np.mean(np.abs(np.array(ratios) - middle) < np.log(1.6))
    return float(np.exp(middle)) if near >= 0.8 else None


def _as_measured(mean: Mapping[str, float], sd: Mapping[str, float], panel: Panel) -> dict[str, float]:
    """Return standard deviations of a measurement, given those of the true value: the analyzer adds its own error."""
    true, at = np.array([mean.get(name, nan) for name in panel.species_names]), layout_of(panel)
    latent, error = at.to_latent(true), at.noise_sd(true)
    analyzer = np.maximum(*(np.abs(at.from_latent(latent + sign * error) - true) for sign in (1.0, -1.0)))
    return {name: float(np.hypot(sd[name], analyzer[panel.index(name)])) for name in sd if name in mean}


def _days_since(sample: State, before: Sequence[State]) -> float:
    """Return the days since the sample before, at least one."""
    return max(1.0, (sample.time_h - before[-1].time_h) / 24.0) if before else 1.0


def _floor(panel: Panel, name: str) -> float:
    noise = getattr(panel[name], "noise", None)
    return 0.0 if noise is None else float(noise.floor)


def _latent(state: State, names: Sequence[str]) -> FloatArray:
    return layout_of(state.panel).to_latent(np.array([getattr(state, n) for n in names]))


def _latent_before(before: Sequence[State], names: Sequence[str]) -> FloatArray:
    """Return the last value of each quantity, latent, NaN where it was not measured."""
    if not before:
        return np.full(len(names), nan)
    last = [next((v for s in reversed(before) if (v := getattr(s, n)) == v), nan) for n in names]
    return layout_of(before[-1].panel).to_latent(np.array(last))
