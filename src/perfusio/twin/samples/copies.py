"""A sample whose values another vessel gave, too: one cup was measured twice, or booked on two vessels. Pure.

No two cultures give the same readings. Which of the two vessels the cup is not from is told by the course of each; in
doubt it is not used here, and a person is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from perfusio.state import State
from perfusio.twin.samples.likelihoods import Expected, Explained

FEWEST, DIGITS = 3, 3
"""So many values of so many significant digits are alike by no chance."""
WITHIN_H = 24.0
"""A cup is measured again, or booked twice, within so many hours."""
LOOKS_BACK = 6
"""Samples of another vessel that are looked at."""
IN_DOUBT = 1.0
"""Log odds below which the course of neither vessel says whose sample it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Another vessel of the run.

    Attributes:
        states: Its latest samples, those of this turn among them, in order of time.
        expected: Its forecast for about now, if there is any.
    """

    states: Sequence[State] = field(default=())
    expected: Expected | None = None


NOBODY: Mapping[str, Neighbour] = MappingProxyType({})


def copied_from(
    sample: State, before: Sequence[State], expected: Expected | None, others: Mapping[str, Neighbour]
) -> str:
    """Return which other vessel gave this sample, in words; nothing where none did, or where it fits less there.

    Vessels that were alike all along, twins of a script or of one flask, say nothing.

    Args:
        sample: The new one.
        before: Earlier ones of its vessel.
        expected: Forecast for it.
        others: The other vessels.
    """
    if not before or not _telling(sample):
        return ""
    for reactor, known in others.items():
        for i in reversed(range(max(0, len(known.states) - LOOKS_BACK), len(known.states))):
            other = known.states[i]
            if abs(other.time_h - sample.time_h) > WITHIN_H or not _telling(sample).items() <= other.measured().items():
                continue
            if any(_telling(before[-1]).items() <= s.measured().items() for s in known.states):
                continue
            here = _foreign(sample, before, expected)
            there = _foreign(other, known.states[:i], known.expected)
            if here > there - IN_DOUBT:
                less = "fit less here" if here > there + IN_DOUBT else "fit both"
                return f"{reactor} at hour {other.time_h:g}, and they {less}"
    return ""


def _foreign(sample: State, before: Sequence[State], expected: Expected | None) -> float:
    """Return the log odds that a sample is none of the vessel with these earlier ones."""
    return sum(Explained(sample, before, expected).foreign(sample).values())


def _telling(sample: State) -> dict[str, float]:
    """Return the values with enough digits; nothing where these are too few."""
    found = {n: v for n, v in sample.measured().items() if n_digits(v) >= DIGITS}
    return found if len(found) >= FEWEST else {}


def n_digits(value: float) -> int:
    """Return the significant digits with which a value was given: 98 and 4.2 have two, 98.2 has three."""
    digits = f"{value:.12g}".partition("e")[0].replace(".", "").replace("-", "")
    return len(digits.strip("0")) if digits.strip("0") else 0
