"""Whether a sample can be what it says: against the samples before it and what was forecast. Pure.

Three things can come of it: the whole sample is quarantined (a unit mixed up, a change that no culture makes), one
value of it is not used, or a value is used with a remark. Remarks stay in `State.quality`, and so on record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from math import isfinite, isinf, log, nan
from typing import Any

import numpy as np

from perfusio.events import Decided, Forecasted
from perfusio.hybrid.layout import layout_of
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.protocols import NOT_USED
from perfusio.state import SPECIES, SPECIES_INDEX, STATE_QUANTITIES, Setpoints, State
from perfusio.trajectory import Trajectory

ENOUGH_TRANSITIONS = 10
"""Intervals of a vessel before a frozen or a surprising value is more than remarked upon."""
SURPRISE_SD = 5.0
"""Distance from the forecast [its standard deviations] that makes a value surprising."""
N_FROZEN = 3
LOOKS_BACK = 2000
"""Samples before the new one in which its earlier values are looked for: more than a day at one a minute."""
_RISES = {s.name: (s.role, s.rise) for s in CHO_PERFUSION.species if s.rise is not None}
FASTEST_GROWTH = next(rise.factor for role, rise in _RISES.values() if role == "cells" and rise.factor)
"""Factor per day."""
UNCOUNTED = 1.0
"""Cells [1e6/mL] below which counts scatter too much to speak of growth."""
FASTEST_RISE_OF_VIABILITY = next((rise.free for role, rise in _RISES.values() if role == "viability"), 0.0)
"""Points per day."""
FASTEST_PER_CELL: Mapping[str, float] = {n: rise.per_cell for n, (_, rise) in _RISES.items() if rise.per_cell}
"""Rise per day and 1e6 cells/mL, in the unit of each: several times what the best producers reach."""
FREE_RISE: Mapping[str, float] = {n: _RISES[n][1].free for n in FASTEST_PER_CELL}
"""Rise per day that needs no cells: what a new medium or a feed may bring."""
_ABOUT = log(1.3)
_HIGH_GLUCOSE = 12.0  # [g/L]: below, a bolus explains any factor
_UNITS: Mapping[str, Mapping[float, str]] = {
    s.name: {factor: unit for unit, factor in s.mistaken_units} for s in CHO_PERFUSION.species if s.mistaken_units
}
"""By quantity: the factor that a value is wrong by if it is in that unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What is to be made of a sample.

    Attributes:
        sample: The sample with its remarks, and NaN where a value must not be used.
        quarantined: Why none of it may be used; empty if it may.
    """

    sample: State
    quarantined: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What was forecast for one time: mean and standard deviation by quantity.

    Attributes:
        time_h: When [h].
        mean: In the unit of each quantity.
        sd: The same.
    """

    time_h: float
    mean: Mapping[str, float] = field(default_factory=dict)
    sd: Mapping[str, float] = field(default_factory=dict)


def checked(
    sample: State, trajectory: Trajectory, in_force: Setpoints, expected: Expected | None = None
) -> Checked:
    """Judge a sample whose values are each possible by themselves.

    Args:
        sample: The new one; it may also complete one that is known.
        trajectory: Of the vessel so far.
        in_force: Setpoints since the latest sample.
        expected: What was forecast for about that time, if anything was.
    """
    n = trajectory.n_before(sample.time_h)
    before = trajectory.states[max(0, n - LOOKS_BACK) : n]
    grave = [*_mistaken_units(sample, before, in_force), *_impossible_changes(sample, before)]
    if grave:
        return Checked(sample=sample, quarantined=" ".join(grave))
    frozen, surprising = _frozen(sample, before), _surprising(sample, before, expected)
    is_known = len(trajectory.setpoints) >= ENOUGH_TRANSITIONS
    # one coarse value repeats itself by chance; two or more at once are an instrument that reports old values
    unused = {**(frozen if len(frozen) > 1 else {}), **surprising} if is_known else {}
    return Checked(sample=_remarked(sample, {**_at_odds(sample), **frozen, **surprising}, unused))


def recordable(sample: State) -> State:
    """Return a sample as it can go on record: no record holds an infinite value, the remark does."""
    infinite = {name: getattr(sample, name) for name in ("time_h", *STATE_QUANTITIES) if isinf(getattr(sample, name))}
    blank: dict[str, Any] = dict.fromkeys(infinite, nan)
    remarks = {name: f"{value} was found" for name, value in infinite.items()}
    return replace(sample, **blank, quality={**sample.quality, **remarks}) if infinite else sample


def foreseen(forecast: Decided | Forecasted | None, in_force: Setpoints, time_h: float) -> Expected | None:
    """Return what the latest forecast of a vessel says of a time, under the setpoints that were in force since.

    Args:
        forecast: As it is on record; a decision holds two, of which the one counts that came about.
        in_force: Setpoints since the latest sample.
        time_h: When [h].
    """
    if forecast is None:
        return None
    is_chosen = isinstance(forecast, Decided) and np.allclose(forecast.setpoints.vector(), in_force.vector())
    return expected_at(time_h, forecast.chosen if is_chosen and isinstance(forecast, Decided) else forecast.hold)


def expected_at(time_h: float, hold: Mapping[str, Any]) -> Expected | None:
    """Return what a forecast says of a time, None where it says nothing within a quarter of its first interval.

    Args:
        time_h: When [h].
        hold: A forecast as it is on record (`Forecast.to_json`).
    """
    times = hold.get("times_h") or []
    nearest = min(range(len(times)), key=lambda i: abs(times[i] - time_h), default=None)
    if nearest is None or abs(times[nearest] - time_h) > 6.0:
        return None
    rows: dict[str, dict[str, float]] = {
        what: {n: v[nearest] for n, v in hold[what].items() if v[nearest] is not None} for what in ("mean", "sd")
    }
    return Expected(time_h=times[nearest], mean=rows["mean"], sd=_as_measured(rows["mean"], rows["sd"]))


def _as_measured(mean: Mapping[str, float], sd: Mapping[str, float]) -> dict[str, float]:
    """Return standard deviations of a measurement, given those of the true value: the analyzer adds its own error."""
    true = np.array([mean.get(name, nan) for name in SPECIES])
    at = layout_of()
    latent, error = at.to_latent(true), at.noise_sd(true)
    analyzer = np.maximum(*(np.abs(at.from_latent(latent + sign * error) - true) for sign in (1.0, -1.0)))
    return {name: float(np.hypot(sd[name], analyzer[SPECIES_INDEX[name]])) for name in sd if name in mean}


# -- the whole sample --------------------------------------------------------------------------------------------------


def _mistaken_units(sample: State, before: Sequence[State], in_force: Setpoints) -> list[str]:
    found = []
    if 0.0 < sample.viability <= 1.0 and not _last(before, "viability", default=100.0) < 50.0:
        found.append(
            f"Viability {sample.viability:g} % looks like a fraction: expected per cent, {100 * sample.viability:g}."
        )
    for name, factors in _UNITS.items():
        value = getattr(sample, name)
        last = _last(before, name) if value > 0.0 else nan
        if not last > 0.0 or _is_explained(name, value, last, in_force):
            continue
        unit = STATE_QUANTITIES[name].unit
        for factor, other in factors.items():
            if abs(log(value / last) - log(factor)) < _ABOUT:
                found.append(
                    f"{name} {value:g} {unit} after {last:g} {unit}: a factor of {value / last:.3g} is that between "
                    f"{other} and {unit}. Give it in {unit}, or say the unit in the heading or the mapping."
                )
    return found


def _is_explained(name: str, value: float, last: float, in_force: Setpoints) -> bool:
    """Whether a change as large as between two units can be the culture's or a feed's."""
    if name == "glucose":
        return value <= max(_HIGH_GLUCOSE, 1.5 * in_force.glucose_setpoint)
    if name == "lactate":
        return value - last <= FREE_RISE[name] * 2.0
    if name == "ammonium":
        return value - last <= FREE_RISE[name] * 2.0
    return name == "titer" and last < 50.0  # [mg/L]: so little may be washed out


def _impossible_changes(sample: State, before: Sequence[State]) -> list[str]:
    found = []
    for name in ("vcd", "viability", *FASTEST_PER_CELL):
        value = getattr(sample, name)
        earlier = _latest(before, name) if isfinite(value) else None
        if earlier is None:
            continue
        days = (sample.time_h - earlier.time_h) / 24.0
        last, most = getattr(earlier, name), _most(name, earlier, sample, max(days, 0.25))
        if value > most:
            unit = STATE_QUANTITIES[name].unit
            found.append(
                f"{name} {value:g} {unit} after {last:g} {unit} {24 * days:g} h before: no culture rises beyond "
                f"{most:.3g} {unit} by then. Check the count or the assay, and give the sample again."
            )
    return found


def _most(name: str, earlier: State, sample: State, days: float) -> float:
    """Return the most that a quantity can be some days after a sample."""
    last: float = getattr(earlier, name)
    if name == "vcd":
        return float(max(last, UNCOUNTED) * FASTEST_GROWTH**days)
    if name == "viability":
        return last + FASTEST_RISE_OF_VIABILITY * days
    counts = [v for v in (earlier.vcd, sample.vcd) if isfinite(v)]
    if not counts:
        return float("inf")
    return last + (FREE_RISE[name] + FASTEST_PER_CELL[name] * max(counts)) * days


# -- single values -----------------------------------------------------------------------------------------------------


def _frozen(sample: State, before: Sequence[State]) -> dict[str, str]:
    found = {}
    for name, value in sample.measured().items():
        if _n_digits(value) < 3:
            continue
        measured = (s for s in reversed(before) if (v := getattr(s, name)) == v)
        known = list(islice(measured, N_FROZEN - 1))
        if (
            len(known) == N_FROZEN - 1
            and all(getattr(s, name) == value for s in known)
            and not any(_is_at_limit(s, name) for s in (*known, sample))
        ):
            found[name] = f"the same for {N_FROZEN} samples"
    return found


def _surprising(sample: State, before: Sequence[State], expected: Expected | None) -> dict[str, str]:
    if expected is None:
        return {}
    found = {}
    for name, value in sample.measured().items():
        mean, sd = expected.mean.get(name, nan), expected.sd.get(name, nan)
        if _is_at_limit(sample, name) or not (sd > 0.0 and abs(value - mean) > SURPRISE_SD * sd):
            continue
        if before and "sd from the forecast" in before[-1].quality.get(name, ""):
            continue  # twice in a row is the culture, not the instrument
        found[name] = f"{abs(value - mean) / sd:.3g} sd from the forecast of {mean:.3g}"
    return found


def _at_odds(sample: State) -> dict[str, str]:
    """Values that contradict each other; which of them is wrong cannot be known."""
    if sample.viability == 0.0 and sample.vcd > UNCOUNTED:
        return {"viability": f"at odds with {sample.vcd:g}e6 viable cells/mL"}
    if sample.vcd == 0.0 and sample.viability > 50.0:
        return {"vcd": f"at odds with a viability of {sample.viability:g} %"}
    return {}


def _remarked(sample: State, remarks: Mapping[str, str], unused: Mapping[str, str]) -> State:
    quality = dict(sample.quality)
    for name, remark in remarks.items():
        words = f"{getattr(sample, name):g} {NOT_USED}: {remark}" if name in unused else remark
        quality[name] = f"{quality[name]}; {words}" if quality.get(name) else words
    masked: dict[str, Any] = dict.fromkeys(unused, nan)
    return replace(sample, **masked, quality=quality) if remarks else sample


def _is_at_limit(state: State, name: str) -> bool:
    quantity, value = STATE_QUANTITIES[name], getattr(state, name)
    return "limit" in state.quality.get(name, "") or value in (quantity.low, quantity.high)


def _n_digits(value: float) -> int:
    """Return the significant digits with which a value was given: 98 and 4.2 have two, 98.2 has three."""
    digits = f"{value:.12g}".partition("e")[0].replace(".", "").replace("-", "")
    return len(digits.strip("0")) if digits.strip("0") else 0


def _latest(before: Sequence[State], name: str) -> State | None:
    return next((s for s in reversed(before) if isfinite(getattr(s, name))), None)


def _last(before: Sequence[State], name: str, *, default: float = nan) -> float:
    found = _latest(before, name)
    return default if found is None else float(getattr(found, name))
