"""One verified write: look, write, read back, try again, put back. Every road to a vessel takes it.

    look: are they in force? -> write -> read back -> done | try again | old values back | unknown

A write that failed is unknown, not undone: it is read back before anything else is done. The part that differs from one
kind of vessel to another (how a value is sent, when another try helps, what may still happen on a dead link) is a
`Wire`.
"""

from __future__ import annotations

from math import isclose, isfinite
from typing import Protocol

from perfusio.errors import OutOfRange, PerfusioError, WriteRejected
from perfusio.protocols import Ending, WriteReport
from perfusio.state import FloatArray, Setpoints

TOLERANCE = 1e-6
"""Relative; a register of type Float keeps seven digits."""


class Wire(Protocol):
    """Needs of one write to a vessel; it is made for this one write and knows its deadline."""

    @property
    def trouble(self) -> str:
        """Errors so far, in sentences; empty if none."""
        ...

    @property
    def if_unchanged(self) -> Ending:
        """How a write ended after which the old values are in force: REFUSED, UNKNOWN if it may still happen, ...

        or RESTORED, where a person should find out why before anything more is written.
        """
        ...

    async def look(self) -> Setpoints:
        """Return the setpoints in force now, NaN where the vessel does not say.

        Raises:
            PerfusioError: it cannot be read now.
        """
        ...

    def problems_with(self, asked: Setpoints, old: Setpoints) -> list[str]:
        """Return why this cannot be sent to this vessel, one sentence each; empty if it can."""
        ...

    def held(self, asked: Setpoints) -> Setpoints:
        """Return the setpoints as the vessel can hold them, e.g. rounded to the type of a register."""
        ...

    async def put(self, wanted: Setpoints) -> Setpoints | None:
        """Send the wanted setpoints, unless their time is over, and return those in force then; None = not known."""
        ...

    async def tries_again(self, old: Setpoints, found: Setpoints) -> bool:
        """Wait as long as another try should wait, and return whether it can help and there is time for it."""
        ...


async def verified_write(
    wire: Wire,
    asked: Setpoints,
    *,
    expected: Setpoints,
    believed: Setpoints | None = None,
    within: FloatArray | None = None,
) -> WriteReport:
    """Carry out one write; it always ends with a report.

    Args:
        wire: The vessel, for this write.
        asked: Setpoints to be in force, all of them.
        expected: Setpoints required before, NaN where anything may be.
        believed: Assumed setpoints where the vessel does not say; default: none.
        within: By how much each may be read differently and still be in force (U,), canonical units: the resolution of
            a controller. Default: seven digits.
    """
    try:
        before = await wire.look()
    except PerfusioError as error:
        words = f"{error} Nothing was sent. A write does not wait for a link."
        return WriteReport(ending=Ending.REFUSED, in_force=Setpoints(panel=asked.panel), words=words)
    if differences(expected, before, within):
        words = f"Expected and found: {in_words(expected, before)}."
        return WriteReport(ending=Ending.OVERRIDDEN, in_force=before, words=words)
    old = before if believed is None else before.filled_from(believed)[0]
    if problems := [*impossible(asked), *wire.problems_with(asked, old)]:
        return WriteReport(ending=Ending.REFUSED, in_force=before, words=" ".join(problems))
    asked = wire.held(asked)
    found = await wire.put(asked)
    while found is not None and lacking(asked, found, within) and await wire.tries_again(old, found):
        found = await wire.put(asked)
    return await _ended(wire, asked, old, found, within)


async def _ended(
    wire: Wire, asked: Setpoints, old: Setpoints, found: Setpoints | None, within: FloatArray | None
) -> WriteReport:
    """Put the old values back if only a part of the new ones is in force, and report."""
    if found is None:
        return WriteReport(ending=Ending.UNKNOWN, in_force=Setpoints(panel=asked.panel), words=wire.trouble)
    if not lacking(asked, found, within):
        return WriteReport(ending=Ending.DONE, in_force=found, words=wire.trouble)
    words = f"Asked and found: {in_words(asked, found)}. {wire.trouble}".strip()
    if not lacking(old, found, within):
        return _unchanged(wire, asked, found)
    back = await wire.put(old)
    if back is None:
        return WriteReport(ending=Ending.UNKNOWN, in_force=Setpoints(panel=asked.panel), words=words)
    if lacking(old, back, within):
        words = f"{words} Not put back: {in_words(old, back)}."
        return WriteReport(ending=Ending.PARTIAL, in_force=back, words=words)
    return WriteReport(ending=Ending.RESTORED, in_force=back, words=words)


def _unchanged(wire: Wire, asked: Setpoints, found: Setpoints) -> WriteReport:
    """The old values are in force: whether that is the end of it, the wire knows."""
    if wire.if_unchanged is Ending.UNKNOWN:
        words = f"{wire.trouble} The old values are in force, but the write may still be carried out."
        return WriteReport(ending=Ending.UNKNOWN, in_force=Setpoints(panel=asked.panel), words=words)
    kept = f"The vessel kept its setpoints: {in_words(asked, found)} (asked, found)."
    return WriteReport(ending=wire.if_unchanged, in_force=found, words=wire.trouble or kept)


# -- setpoints against setpoints -------------------------------------------------------------------------------------


def agree(a: float, b: float, within: float = 0.0) -> bool:
    """Whether two values of a setpoint are the same: to seven digits, or within the resolution of the vessel.

    The one place where a read-back counts as equal; a resolution of a rig's own comes in as `within`.
    """
    return isclose(a, b, rel_tol=TOLERANCE, abs_tol=max(TOLERANCE, within))


def differences(wanted: Setpoints, found: Setpoints, within: FloatArray | None = None) -> dict[str, str]:
    """Return the setpoints that are known to differ, each with both values in words; an unsaid one does not differ.

    Args:
        wanted: Setpoints that ought to be in force.
        found: Those in force.
        within: By how much each may differ and still be the same (U,), canonical units; default: seven digits.
    """
    out = {}
    panel = wanted.panel
    for name in panel.setpoint_names:
        a, b = getattr(wanted, name), getattr(found, name)
        slack = 0.0 if within is None else float(within[panel.index(name)])
        if a == a and b == b and not agree(a, b, slack):
            out[name] = f"{a:g} and {b:g} {panel[name].unit}"
    return out


def lacking(wanted: Setpoints, found: Setpoints, within: FloatArray | None = None) -> tuple[str, ...]:
    """Return the setpoints that are not read as wanted: other values, and such that the vessel does not say.

    Args:
        wanted: Setpoints that ought to be in force.
        found: Those in force.
        within: As for `differences`.
    """
    panel = wanted.panel
    values = [(name, getattr(wanted, name), getattr(found, name)) for name in panel.setpoint_names]
    slack = [0.0] * len(values) if within is None else [float(within[panel.index(name)]) for name, _, _ in values]
    return tuple(name for (name, a, b), most in zip(values, slack, strict=True) if a == a and not agree(a, b, most))


def unread(old: Setpoints, new: Setpoints, found: Setpoints) -> list[str]:
    """Return the setpoints that a write moves and that the vessel does not tell."""
    names = new.panel.setpoint_names
    return [n for n in names if getattr(old, n) != getattr(new, n) and getattr(found, n) != getattr(found, n)]


def in_words(wanted: Setpoints, found: Setpoints) -> str:
    """Return as one text the differences, e.g. ``bleed_rate 0.2 and 0.15 1/day``, and unreadable setpoints."""
    known = differences(wanted, found)
    unsaid = {n: f"{getattr(wanted, n):g} and not read" for n in lacking(wanted, found) if n not in known}
    return ", ".join(f"{name} {text}" for name, text in (known | unsaid).items())


def impossible(wanted: Setpoints) -> list[str]:
    """Return why setpoints can never be asked for, one sentence for each that is no number or out of its range."""
    problems = []
    for quantity in wanted.panel.setpoints:
        name, value = quantity.name, getattr(wanted, quantity.name)
        if not isfinite(value):
            problems.append(f"{name} = {value:g} cannot be written: expected a number of {quantity.unit}.")
            continue
        try:
            quantity.check(value)
        except OutOfRange as error:
            problems.append(str(error))
    return problems


def refuse_impossible(wanted: Setpoints, **where: str) -> None:
    """Refuse setpoints that can never be asked for.

    Raises:
        WriteRejected: a value is missing or not possible.
    """
    if problems := impossible(wanted):
        n = len(wanted.panel.setpoints)
        raise WriteRejected(f"{' '.join(problems)} Give all {n} setpoints, each within its range.", **where)
