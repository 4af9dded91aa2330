"""Whether a sample is possible: against the samples before it and the forecast. Pure.

Three things can come of it: the whole sample is quarantined (a unit mixed up, a change that no culture makes, another
vessel's cup), one value of it is not used, or a value is used with a remark. Remarks stay in `State.quality`, and so on
record. Where the sample before is the one that cannot be, it is withdrawn, and the new one is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import isinf, log, nan

from perfusio.process.roles import share_alive
from perfusio.process.species import Species
from perfusio.protocols import NOT_USED
from perfusio.state import Setpoints, State
from perfusio.trajectory import Trajectory
from perfusio.twin.samples.changes import UNCOUNTED, contradictions, latest
from perfusio.twin.samples.copies import NOBODY, Neighbour, copied_from, n_digits
from perfusio.twin.samples.likelihoods import EXCHANGED, FOREIGN, Expected, Explained, intervals_since, is_at_limit
from perfusio.twin.samples.surprises import are_alike, expected_at, foreseen, scaled_alike, surprising, unexplained
from perfusio.twin.samples.two_samples import earlier_is_doubtful, rather_the_earlier

__all__ = ["Checked", "Expected", "checked", "expected_at", "foreseen", "recordable"]

ENOUGH_TRANSITIONS = 10
"""Intervals of a vessel from which on frozen values, and surprising ones of any quantity, are not used."""
SEVERAL = 2
"""So many values that nothing explains are an instrument, not a culture, once there were so many samples: the second
one is the first to show cell line and medium.
"""
N_FROZEN = 3
NEAR = 0.5
"""A surprising value is the culture's if it is so near the one before [changes that would be called clear, a day]."""
LOOKS_BACK = 2000
"""Samples before the new one in which its earlier values are looked for: more than a day at one a minute."""
_ABOUT = log(1.3)
SO_LITTLE = 10.0
"""Times the noise floor: less product than that may be washed out between two samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Ruling on a sample.

    Attributes:
        sample: The sample with its remarks, and NaN where a value must not be used.
        quarantined: Why none of it may be used; empty if it may.
        withdrawn: The sample before, of which nothing may be used any more; None if it stays.
        why: It is withdrawn.
    """

    sample: State
    quarantined: str = ""
    withdrawn: State | None = None
    why: str = ""


def checked(
    sample: State,
    trajectory: Trajectory,
    in_force: Setpoints,
    expected: Expected | None = None,
    *,
    lately: Sequence[State] = (),
    others: Mapping[str, Neighbour] = NOBODY,
    formerly: tuple[Expected | None, Expected | None] = (None, None),
) -> Checked:
    """Judge a sample whose values are each possible by themselves.

    Args:
        sample: The new one; it may also complete one that is known.
        trajectory: Of the vessel so far.
        in_force: Setpoints since the latest sample.
        expected: Forecast for about that time, if there was any.
        lately: Samples of the vessel that were refused since the latest one that was not.
        others: The other vessels of the run.
        formerly: Forecasts made without the latest sample: for its time, and for that of the new one.
    """
    n = trajectory.n_before(sample.time_h)
    before = trajectory.states[max(0, n - LOOKS_BACK) : n]
    if grave := [*_nothing_measured(sample), *_mistaken_units(sample, before, in_force)]:
        return Checked(sample=sample, quarantined=" ".join(grave))
    frozen, remarks = _frozen(sample, before), surprising(sample, before, expected)
    if found := contradictions(sample, before, in_force):
        words = " ".join(one.words for one in found)
        asked = "The two cannot both be true: check the count, the assay and the dilution"
        if not earlier_is_doubtful(sample, before, in_force, found, lately, formerly):
            return Checked(sample=sample, quarantined=f"{words} {asked}, and give the sample again.")
        doubtful = found[0].earlier
        why = f"{words} {asked}. That of hour {doubtful.time_h:g} fits the others less, and is not used any more."
        return Checked(sample=sample, withdrawn=doubtful, why=why)
    explained = Explained(sample, before, expected)
    foreign = explained.foreign(sample)
    strange = tuple(name for name, odds in foreign.items() if odds > 0.0)
    is_confirmed = any(are_alike(sample, refused, before, strange) for refused in lately)
    least = FOREIGN * intervals_since(sample, before)
    is_foreign = len(strange) >= SEVERAL and len(before) >= SEVERAL and sum(foreign.values()) > least
    doubt = _not_of_this_vessel(sample, before, expected, strange if is_foreign else (), others)
    if doubt and not is_confirmed:
        if is_foreign and before and rather_the_earlier(sample, before[-1], before[:-1], formerly):
            last = f"Without the sample of hour {before[-1].time_h:g} it is as it was to be"
            why = f"{doubt} {last}: that one is not used any more."
            return Checked(sample=sample, withdrawn=before[-1], why=why)
        return Checked(sample=sample, quarantined=doubt)
    if is_confirmed:
        remarks = {name: f"{words}, as in the sample that was refused" for name, words in remarks.items()}
    unused = {**_only_zeros(sample, before), **_uncounted(sample, before)}
    is_known = len(trajectory.setpoints) >= ENOUGH_TRANSITIONS
    if is_known and len(frozen) > 1:  # one coarse value repeats itself by chance, two are an instrument's old ones
        unused |= frozen
    if expected is not None and not is_confirmed:
        odd = unexplained(sample, before, expected, tuple(remarks), near=NEAR)
        odds, pair = explained.exchanged(sample)
        swapped = {} if pair is None or odds <= EXCHANGED else {
            one: f"as expected if exchanged with {other}" for one, other in (pair, pair[::-1])
        }
        if not is_known:  # what the model has not learnt yet is no fault of an instrument, but nobody decides on it
            odd = tuple(n for n in odd if n in sample.panel.critical)
        unused |= {name: remarks[name] for name in odd} | swapped
    return Checked(sample=_remarked(sample, {**_at_odds(sample), **frozen, **remarks, **unused}, unused))


def recordable(sample: State) -> State:
    """Return a sample as it can go on record: no record holds an infinite value, the remark does."""
    infinite = {s.name: v for s in sample.panel.species if isinf(v := getattr(sample, s.name))}
    remarks = {name: f"{value} was found" for name, value in infinite.items()}
    if isinf(sample.time_h):
        remarks["time_h"] = f"{sample.time_h} was found"
        sample = replace(sample, time_h=nan)
    known = sample.with_values(**dict.fromkeys(infinite, nan))
    return replace(known, quality={**sample.quality, **remarks}) if remarks else sample


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
        earlier = latest(before, name) if value > 0.0 else None
        if earlier is None or is_at_limit(earlier, name):
            continue  # a limit of detection says little of the amount
        last = getattr(earlier, name)
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


def _nothing_measured(sample: State) -> list[str]:
    """A controller that restarted, or the export of an empty cup."""
    values = [v for name, v in sample.measured().items() if sample.panel[name].role not in ("size", "signal")]
    if len(values) < SEVERAL or any(values):
        return []
    return [
        f"All {len(values)} values are exactly 0, which is no culture but an instrument that measured nothing. Give "
        "the sample again, with blanks for what was not measured."
    ]


def _not_of_this_vessel(
    sample: State,
    before: Sequence[State],
    expected: Expected | None,
    strange: Sequence[str],
    others: Mapping[str, Neighbour],
) -> str:
    """Return why a sample looks like none of this vessel; nothing if it may be one."""
    mean: Mapping[str, float] = {} if expected is None else expected.mean
    if (factor := scaled_alike(sample, before, expected)) is not None:
        return (
            f"All values are {factor:.2g} times what was expected: a dilution or a unit, not a culture. Give the "
            "sample again as it is undiluted."
        )
    if same := copied_from(sample, before, expected, others):
        return f"All values are those of {same}. Find out whose sample it is."
    if not strange:
        return ""
    panel = sample.panel
    told = "; ".join(
        f"{n} {getattr(sample, n):g} {panel[n].unit}, forecast {mean.get(n, nan):.3g}, last {_last(before, n):.3g}"
        for n in strange
    )
    return (
        f"Several values fit neither the forecast nor the samples before ({told}): another vessel's sample, columns "
        "exchanged, or a culture in trouble. Look at the vessel and measure again; perfusio accept takes it as it is."
    )


# -- single values -----------------------------------------------------------------------------------------------------


def _frozen(sample: State, before: Sequence[State]) -> dict[str, str]:
    found = {}
    for name, value in sample.measured().items():
        if n_digits(value) < 3:
            continue
        measured = (s for s in reversed(before) if (v := getattr(s, name)) == v)
        known = list(islice(measured, N_FROZEN - 1))
        if (
            len(known) == N_FROZEN - 1
            and all(getattr(s, name) == value for s in known)
            and not any(is_at_limit(s, name) for s in (*known, sample))
        ):
            found[name] = f"the same for {N_FROZEN} samples"
    return found


def _only_zeros(sample: State, before: Sequence[State]) -> dict[str, str]:
    """A quantity that a culture has and that every sample says to be exactly 0: it is not measured."""
    found = {}
    if len(before) < N_FROZEN - 1:
        return {}
    for species in sample.panel.modelled:
        name = species.name
        is_there = species.role == "cells" or name == share_alive(sample.panel) or sample.panel.medium[name] > 0.0
        is_there |= species.role == "solute" and species.rise is not None and species.rise.per_cell > 0.0
        if not is_there or getattr(sample, name) != 0.0:
            continue
        raw = [getattr(s, name) for s in before]
        if all(v in (0.0,) or v != v for v in raw):
            found[name] = f"0 in all of {len(before) + 1} samples: not measured? Leave it blank"
    return found


def _uncounted(sample: State, before: Sequence[State]) -> dict[str, str]:
    """Viable cells and viability both exactly 0, where there were cells or no sample yet: nothing was counted."""
    cells, alive = sample.panel.the("cells"), share_alive(sample.panel)
    if alive is None or getattr(sample, cells) != 0.0 or getattr(sample, alive) != 0.0:
        return {}
    if before and not _last(before, cells, default=0.0) > UNCOUNTED:
        return {}
    words = "a counter that counted nothing says so"
    return {cells: words, alive: words}


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


def _last(before: Sequence[State], name: str, *, default: float = nan) -> float:
    found = latest(before, name)
    return default if found is None else float(getattr(found, name))
