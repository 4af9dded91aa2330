"""Changes that no culture makes between two samples: too fast a rise, too fast a fall. Pure.

Rises are bounded by growth and secretion; falls by washout, uptake and lysis. The bounds are facts of the panel,
several times the rates of cultures, so that a true sample is never refused by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, isfinite

from perfusio.process.facts import Fall, Rise
from perfusio.process.panel import Panel
from perfusio.process.roles import share_alive
from perfusio.process.species import Species
from perfusio.state import Setpoints, State

UNCOUNTED = 1.0
"""Cells [1e6/mL] below which counts scatter too much to speak of growth."""
SHORTEST_D = 0.25
"""Two samples closer together than this are judged as if they were so far apart [day]."""
BOTH_OFF = 1.35
"""By so much the ratio of two readings may be off: two analyzer errors of 10 %, or a bolus beside the inflow."""
READING_SD = 3.0
"""Absolute errors of a reading that are allowed for [its standard deviations]."""
COUNT_OFF = 1.5
"""The same as BOTH_OFF for total cells, the quotient of a count and a viability."""
SHARE_OFF = 0.05
"""A share of living cells may be off by so much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Two samples that cannot both be true.

    Attributes:
        quantity: Which of their values.
        earlier: The sample before.
        words: Finding and expectation.
    """

    quantity: str
    earlier: State
    words: str


def contradictions(sample: State, before: Sequence[State], in_force: Setpoints) -> list[Contradiction]:
    """Return the values of a sample that cannot follow on those before it.

    Args:
        sample: The new one.
        before: Earlier ones, in order of time.
        in_force: Setpoints since the latest of them; the flow through the vessel bounds how fast anything is washed
            out.
    """
    found = []
    for species in sample.panel.species:
        name, unit, value = species.name, species.unit, getattr(sample, species.name)
        earlier = latest(before, name) if isfinite(value) else None
        if earlier is None:
            continue
        days, last = (sample.time_h - earlier.time_h) / 24.0, getattr(earlier, name)
        since = f"{name} {value:g} {unit} after {last:g} {unit} {24 * days:g} h before"
        most = _most(species, earlier, sample, max(days, SHORTEST_D))
        least = _least(species, earlier, sample, max(days, SHORTEST_D), _dilution(in_force))
        if value > most:
            words = f"{since}: no culture rises beyond {most:.3g} {unit} by then."
        elif value < least:
            words = f"{since}: washout, uptake and death leave {least:.3g} {unit} or more by then."
        else:
            continue
        found.append(Contradiction(quantity=name, earlier=earlier, words=words))
    return found + _of_all_cells(sample, before)


def _of_all_cells(sample: State, before: Sequence[State]) -> list[Contradiction]:
    """Dead cells were alive: viable and dead ones together do not multiply faster than living ones."""
    panel, alive = sample.panel, share_alive(sample.panel)
    cells = panel[panel.the("cells")]
    total = all_cells(sample)
    if alive is None or total is None or not isinstance(cells, Species) or cells.rise is None:
        return []
    earlier = next((s for s in reversed(before) if all_cells(s) is not None), None)
    if earlier is None or cells.rise.factor is None:
        return []
    known, days = all_cells(earlier) or 0.0, max((sample.time_h - earlier.time_h) / 24.0, SHORTEST_D)
    most = COUNT_OFF * max(known, UNCOUNTED) * cells.rise.factor**days
    if total <= most:
        return []
    words = (
        f"{cells.name} and {alive} make {total:.3g} {cells.unit}, dead ones included, after {known:.3g}: no culture "
        f"rises beyond {most:.3g} by then."
    )
    return [Contradiction(quantity=alive, earlier=earlier, words=words)]


def all_cells(state: State) -> float | None:
    """Return viable and dead cells, None where one of count and viability is not known or too small to divide by."""
    alive = share_alive(state.panel)
    share = getattr(state, alive) / 100.0 if alive is not None else float("nan")
    count = getattr(state, state.panel.the("cells"))
    return float(count / share) if isfinite(count) and share > 0.01 else None


def latest(before: Sequence[State], name: str) -> State | None:
    """Return the last sample in which a quantity was measured, None if it never was."""
    return next((s for s in reversed(before) if isfinite(getattr(s, name))), None)


def _most(species: Species, earlier: State, sample: State, days: float) -> float:
    """Return the most that a quantity can be some days after a sample."""
    rise: Rise | None = species.rise
    if rise is None:
        return inf
    last: float = getattr(earlier, species.name)
    if rise.factor is not None:
        return float(max(last, UNCOUNTED) * rise.factor**days)
    if not rise.per_cell:
        return float(last + rise.free * days)
    return float(last + (rise.free + rise.per_cell * _count(earlier, sample)) * days)


def _least(species: Species, earlier: State, sample: State, days: float, dilution: float) -> float:
    """Return the least that a quantity can be some days after a sample.

    A first-order loss by the flow [1/day] and by itself, less the uptake of cells; both readings may be
    off.
    """
    fall: Fall | None = species.fall
    if fall is None or not isfinite(dilution):
        return -inf
    last: float = getattr(earlier, species.name)
    if species.role == "cells":
        return _fewest(species, fall, earlier, sample, dilution, days)
    taken_up = fall.free + (fall.per_cell * _count(earlier, sample) if fall.per_cell else 0.0)
    left = last * exp(-(dilution + fall.rate) * days) - taken_up * days
    return left / BOTH_OFF - _blur(species) if left > 0.0 else -inf


def _fewest(species: Species, fall: Fall, earlier: State, sample: State, dilution: float, days: float) -> float:
    """Return the fewest viable cells: death since leaves dead cells, which lyse at a bounded rate.

    In the worst case all died right after the earlier sample; D deaths leave D exp(-lysis t) dead cells, of which the
    share of living ones tells: Xv0 exp(-out t) <= Xv1 (1 + exp(lysis t) (1 - share) / share).
    """
    alive = share_alive(sample.panel)
    share = getattr(sample, alive) / 100.0 if alive is not None else float("nan")
    last: float = getattr(earlier, species.name)
    if not isfinite(share) or share <= SHARE_OFF or last < UNCOUNTED:
        return -inf
    share -= SHARE_OFF
    lost = 1.0 + exp(fall.rate * days) * (1.0 - share) / share
    return last * exp(-dilution * days) / (lost * COUNT_OFF) - _blur(species)


def _blur(species: Species) -> float:
    """Return the error of a reading near zero: its absolute noise and the floor below which it is noise."""
    return 0.0 if species.noise is None else READING_SD * species.noise.absolute + species.noise.floor


def _count(earlier: State, sample: State) -> float:
    """Return the larger cell count of two samples [1e6/mL]; infinite where neither has one."""
    cells = sample.panel.the("cells")
    return max((v for v in (getattr(earlier, cells), getattr(sample, cells)) if isfinite(v)), default=inf)


def _dilution(in_force: Setpoints) -> float:
    """Return the most that flows through or dilutes [1/day]: perfusion, feeds, concentrates, sampling, bleed."""
    panel: Panel = in_force.panel
    asked = sum(getattr(in_force, name) for name in panel.of_role("perfusion", "feed_rate", "bleed"))
    pumped = sum(s.max_flow for s in panel.setpoints if s.role == "held_concentration" and isfinite(s.max_flow))
    return float(asked + pumped + panel.equipment.sampling)
