"""Admission: may this sample be used, and why not? The one place where that is asked. Pure.

A sample is admitted (perhaps with remarks, or without a value that must not be used), ignored because it says nothing
new, quarantined with a reason that a person can judge, or it corrects one that is known.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import nan

import numpy as np

from perfusio.errors import OutOfRange
from perfusio.events import Decided, Forecasted
from perfusio.protocols import NOT_USED
from perfusio.state import Setpoints, State
from perfusio.trajectory import Trajectory
from perfusio.twin.samples.copies import NOBODY, Neighbour
from perfusio.twin.samples.corrections import correction, in_words
from perfusio.twin.samples.first_units import other_unit
from perfusio.twin.samples.likelihoods import Expected
from perfusio.twin.samples.sample_checks import checked, foreseen, recordable
from perfusio.twin.state.refused_samples import WITHDRAWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Admit:
    """It is used.

    Attributes:
        sample: With its remarks, and NaN where a value must not be used.
        withdrawn: An earlier sample that cannot be true beside it, as it is to be from now on: without values.
        why: It is withdrawn.
    """

    sample: State
    withdrawn: State | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """It says nothing that is not on record: it was read again after a restart, say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """None of it is used, unless a person accepts it.

    Attributes:
        sample: As it can go on record.
        reason: Why, with the remedy.
    """

    sample: State
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Correct:
    """It is known with other values, which count no more.

    Attributes:
        state: The sample of that time as it is to be from now on.
        reason: The correction.
    """

    state: State
    reason: str


Admission = Admit | Ignore | Quarantine | Correct


def admission(
    sample: State,
    trajectory: Trajectory,
    in_force: Setpoints,
    *,
    forecast: Decided | Forecasted | None = None,
    former: Decided | Forecasted | None = None,
    refused: State | None = None,
    untimely: str = "",
    untold: Collection[str] = (),
    lately: Sequence[State] = (),
    others: Mapping[str, Neighbour] = NOBODY,
) -> Admission:
    """Return the ruling on a sample.

    Args:
        sample: As it came.
        trajectory: Of the vessel so far.
        in_force: Setpoints since the latest sample.
        forecast: The latest of the vessel, as on record.
        former: That of the turn before, which does not know the latest sample.
        refused: The sample of that time that was quarantined, if one was.
        untimely: Why it cannot have been taken yet; empty if it can.
        untold: Quantities whose unit nobody told.
        lately: Samples of the vessel that were refused since the latest one that was not.
        others: The other vessels of the run.
    """
    known = trajectory.at(sample.time_h)
    if known is not None and sample.measured().items() <= known.measured().items():
        return Ignore()
    reason = untimely or impossible(sample, trajectory) or other_unit(sample, trajectory, in_force, untold)
    judged = None if reason else checked(
        sample, trajectory, in_force, foreseen(forecast, in_force, sample.time_h), lately=lately, others=others,
        formerly=_formerly(former, trajectory, sample.time_h),
    )  # fmt: skip
    reason = judged.quarantined if judged is not None else reason
    if judged is None or reason:
        told = recordable(sample)
        if refused is not None and refused.measured() == told.measured():
            return Ignore()  # and refused it stays, however often it is read
        return Quarantine(sample=told, reason=reason)
    if (corrected := correction(sample, trajectory)) is not None:
        words = f"{in_words(sample, trajectory)} What was decided on the old values stays as it is."
        return Correct(state=corrected, reason=words)
    if judged.withdrawn is not None:
        return Admit(sample=judged.sample, withdrawn=_without_values(judged.withdrawn), why=judged.why)
    return Admit(sample=judged.sample)


def _formerly(
    former: Decided | Forecasted | None, trajectory: Trajectory, time_h: float
) -> tuple[Expected | None, Expected | None]:
    """Return what was forecast without the latest sample: for its time, and for a later one."""
    if not trajectory.setpoints:
        return None, None
    since, last_h = trajectory.setpoints[-1], trajectory.states[-1].time_h
    return foreseen(former, since, last_h), foreseen(former, since, time_h)


def _without_values(state: State) -> State:
    """Return a sample of which nothing is used any more; the finding stays in words."""
    remarks = {name: f"{value:g} {NOT_USED}: {WITHDRAWN}" for name, value in state.measured().items()}
    return replace(state.with_values(**dict.fromkeys(remarks, nan)), quality={**state.quality, **remarks})


def impossible(sample: State, trajectory: Trajectory) -> str:
    """Return why a sample cannot be: a value out of its range, or a time that is none or has passed; else nothing."""
    try:
        for quantity in sample.panel.species:
            quantity.check(getattr(sample, quantity.name))
    except OutOfRange as error:
        return str(error)
    if not np.isfinite(sample.time_h):
        return f"The sample has no usable time: {sample.time_h}."
    last_h = trajectory.states[-1].time_h if trajectory.states else -np.inf
    if sample.time_h < last_h and trajectory.at(sample.time_h) is None and not _fits_between(sample, trajectory):
        return (
            f"The sample of hour {sample.time_h:g} came after that of hour {last_h:g}, and there was none at that "
            "time to complete. It was not used."
        )
    return ""


def _fits_between(sample: State, trajectory: Trajectory) -> bool:
    """Whether only signals came before a sample of an earlier time, or only samples before a signal.

    An analyzer answers hours after its sample was taken, a sensor at once: each keeps its own order.
    """
    n = trajectory.n_before(sample.time_h)
    later = islice(reversed(trajectory.states), len(trajectory.states) - n)
    return n > 0 and all(state.is_signal != sample.is_signal for state in later)
