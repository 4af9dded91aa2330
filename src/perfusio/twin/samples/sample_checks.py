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
from perfusio.process.facts import Rise
from perfusio.process.panel import Panel
from perfusio.process.roles import share_alive
from perfusio.process.species import Species
from perfusio.protocols import NOT_USED
from perfusio.state import Setpoints, State
from perfusio.trajectory import Trajectory

ENOUGH_TRANSITIONS = 10
"""Intervals of a vessel before a frozen or a surprising value is more than remarked upon."""
SURPRISE_SD = 5.0
"""Distance from the forecast [its standard deviations] that makes a value surprising."""
N_FROZEN = 3
LOOKS_BACK = 2000
"""Samples before the new one in which its earlier values are looked for: more than a day at one a minute."""
UNCOUNTED = 1.0
"""Cells [1e6/mL] below which counts scatter too much to speak of growth."""
_ABOUT = log(1.3)
SO_LITTLE = 10.0
"""Times the noise floor: less product than that may be washed out between two samples."""


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
    infinite = {s.name: v for s in sample.panel.species if isinf(v := getattr(sample, s.name))}
    remarks = {name: f"{value} was found" for name, value in infinite.items()}
    if isinf(sample.time_h):
        remarks["time_h"] = f"{sample.time_h} was found"
        sample = replace(sample, time_h=nan)
    known = sample.with_values(**dict.fromkeys(infinite, nan))
    return replace(known, quality={**sample.quality, **remarks}) if remarks else sample


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
    taken = forecast.chosen if is_chosen and isinstance(forecast, Decided) else forecast.hold
    return expected_at(time_h, taken, in_force.panel)


def expected_at(time_h: float, hold: Mapping[str, Any], panel: Panel = CHO_PERFUSION) -> Expected | None:
    """Return what a forecast says of a time, None where it says nothing within a quarter of its first interval.

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
    return Expected(time_h=times[nearest], mean=rows["mean"], sd=_as_measured(rows["mean"], rows["sd"], panel))


def _as_measured(mean: Mapping[str, float], sd: Mapping[str, float], panel: Panel) -> dict[str, float]:
    """Return standard deviations of a measurement, given those of the true value: the analyzer adds its own error."""
    true, at = np.array([mean.get(name, nan) for name in panel.species_names]), layout_of(panel)
    latent, error = at.to_latent(true), at.noise_sd(true)
    analyzer = np.maximum(*(np.abs(at.from_latent(latent + sign * error) - true) for sign in (1.0, -1.0)))
    return {name: float(np.hypot(sd[name], analyzer[panel.index(name)])) for name in sd if name in mean}


# -- the whole sample --------------------------------------------------------------------------------------------------


def _mistaken_units(sample: State, before: Sequence[State], in_force: Setpoints) -> list[str]:
    found = []
    if (name := share_alive(sample.panel)) is not None:
        value = getattr(sample, name)
        if 0.0 < value <= 1.0 and not _last(before, name, default=100.0) < 50.0:
            label = sample.panel[name].label
            found.append(f"{label} {value:g} % looks like a fraction: expected per cent, {100 * value:g}.")
    for species in (s for s in sample.panel.species if s.mistaken_units):
        name, unit, value = species.name, species.unit, getattr(sample, species.name)
        last = _last(before, name) if value > 0.0 else nan
        if not last > 0.0 or _is_explained(species, value, last, in_force):
            continue
        for other, factor in species.mistaken_units:
            if abs(log(value / last) - log(factor)) < _ABOUT:
                found.append(
                    f"{name} {value:g} {unit} after {last:g} {unit}: a factor of {value / last:.3g} is that between "
                    f"{other} and {unit}. Give it in {unit}, or say the unit in the heading or the mapping."
                )
    return found


def _is_explained(species: Species, value: float, last: float, in_force: Setpoints) -> bool:
    """Whether a change as large as between two units can be the culture's or a feed's."""
    if species.role == "product":
        return bool(species.noise is not None and last < SO_LITTLE * species.noise.floor)
    if species.role != "solute":
        return False
    if species.rise is not None:
        return value - last <= species.rise.free * 2.0
    held = [getattr(in_force, s.name) for s in in_force.panel.setpoints if s.of == species.name]
    usual = 0.0 if species.usual is None else species.usual.high  # below, a bolus explains any factor
    return bool(value <= max([usual, *(1.5 * v for v in held if v == v)]))


def _impossible_changes(sample: State, before: Sequence[State]) -> list[str]:
    found = []
    for species in sample.panel.species:
        name, unit, value = species.name, species.unit, getattr(sample, species.name)
        earlier = _latest(before, name) if species.rise is not None and isfinite(value) else None
        if earlier is None or species.rise is None:
            continue
        days = (sample.time_h - earlier.time_h) / 24.0
        last, most = getattr(earlier, name), _most(name, species.rise, earlier, sample, max(days, 0.25))
        if value > most:
            found.append(
                f"{name} {value:g} {unit} after {last:g} {unit} {24 * days:g} h before: no culture rises beyond "
                f"{most:.3g} {unit} by then. Check the count or the assay, and give the sample again."
            )
    return found


def _most(name: str, rise: Rise, earlier: State, sample: State, days: float) -> float:
    """Return the most that a quantity can be some days after a sample."""
    last: float = getattr(earlier, name)
    if rise.factor is not None:
        return float(max(last, UNCOUNTED) * rise.factor**days)
    if not rise.per_cell:
        return float(last + rise.free * days)
    cells = sample.panel.the("cells")
    counts = [v for v in (getattr(earlier, cells), getattr(sample, cells)) if isfinite(v)]
    if not counts:
        return float("inf")
    return float(last + (rise.free + rise.per_cell * max(counts)) * days)


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
    cells, name = sample.panel.the("cells"), share_alive(sample.panel)
    if name is None:
        return {}
    count, alive = getattr(sample, cells), getattr(sample, name)
    if alive == 0.0 and count > UNCOUNTED:
        return {name: f"at odds with {count:g}e6 viable cells/mL"}
    if count == 0.0 and alive > 50.0:
        return {cells: f"at odds with a viability of {alive:g} %"}
    return {}


def _remarked(sample: State, remarks: Mapping[str, str], unused: Mapping[str, str]) -> State:
    quality = dict(sample.quality)
    for name, remark in remarks.items():
        words = f"{getattr(sample, name):g} {NOT_USED}: {remark}" if name in unused else remark
        quality[name] = f"{quality[name]}; {words}" if quality.get(name) else words
    masked = sample.with_values(**dict.fromkeys(unused, nan)) if unused else sample
    return replace(masked, quality=quality) if remarks else sample


def _is_at_limit(state: State, name: str) -> bool:
    quantity, value = state.panel[name], getattr(state, name)
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
