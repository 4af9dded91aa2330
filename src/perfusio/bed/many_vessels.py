"""Many vessels decided for in step: simulations for their searches are run together, as are their forecasts.

Playing vessels side by side is much cheaper than one after another and changes no number, so a vessel's decision does
not depend on who else is decided for. A vessel whose search fails drops out; the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

import numpy as np

from perfusio.bed.search import Search, Wish
from perfusio.errors import ModelError, PerfusioError
from perfusio.forecast import Forecast
from perfusio.protocols import ForecastsTogether, Futures, JointFutures, Model
from perfusio.state import Setpoints
from perfusio.trajectory import Trajectory

T = TypeVar("T")
Plan = Sequence[Setpoints]
FAULTS = (PerfusioError, ArithmeticError, ValueError, np.linalg.LinAlgError)
"""Errors that one vessel may cause: in its numbers. A mistake in our own code is not among them."""


def guarded(reactor: str, work: Callable[[], T]) -> T | PerfusioError:
    """Return the result of work for one vessel, or the error with which it failed."""
    try:
        return work()
    except PerfusioError as error:
        return error
    except FAULTS as error:
        return ModelError(f"No decision for {reactor}: {error}")


def in_step(searches: Mapping[str, Search[T]]) -> dict[str, T | PerfusioError]:
    """Run the searches of vessels side by side and return the find of each, or why there is none."""
    found: dict[str, T | PerfusioError] = {}
    going = dict(searches)
    while going:
        wishes: list[Wish] = []
        for reactor, search in list(going.items()):
            try:
                wish = guarded(reactor, partial(next, search))
            except StopIteration as end:
                found[reactor] = end.value
                del going[reactor]
                continue
            if isinstance(wish, PerfusioError):
                found[reactor] = wish
                del going[reactor]
            else:
                wishes.append(wish)
        _play(wishes)
    return {reactor: found[reactor] for reactor in searches}


def _play(wishes: Sequence[Wish]) -> None:
    """Simulate for several problems together where that can be done; a problem alone simulates when it is asked.

    A failure here is left to the problem itself: it fails again when its own search asks, and costs no other vessel.
    """
    needed = []
    for problem, candidates in wishes:
        with suppress(*FAULTS):
            plans = problem.unplayed(candidates)
            if plans is not None and isinstance(problem.futures, JointFutures):
                needed.append((problem, plans))
    asked = [(problem.futures, plans) for problem, plans in needed]
    if len(asked) < 2:
        return
    with suppress(*FAULTS):
        played = asked[0][0].play_together(asked)  # type: ignore[attr-defined]
        for (problem, _), paths in zip(needed, played, strict=True):
            with suppress(*FAULTS):
                problem.receive(paths)


def few(futures: Futures, n_paths: int, again: Callable[[int], Futures]) -> Futures:
    """Return the first so many paths of futures, or so many drawn again where they cannot be parted."""
    return futures.rough(n_paths) if isinstance(futures, JointFutures) else again(n_paths)


def forecasts(
    model: Model, asked: Mapping[str, tuple[Trajectory, Sequence[Plan]]], *, hours: float, n_paths: int, seed: int
) -> dict[str, tuple[Forecast, ...] | PerfusioError]:
    """Return the forecasts of each vessel under each of its plans, on common paths."""

    def alone(reactor: str) -> tuple[Forecast, ...] | PerfusioError:
        trajectory, plans = asked[reactor]
        return guarded(
            reactor, lambda: model.rollout(trajectory, plans, interval_hours=hours, n_paths=n_paths, seed=seed)
        )

    if isinstance(model, ForecastsTogether) and len(asked) > 1:
        each = [(reactor, t, plan) for reactor, (t, plans) in asked.items() for plan in plans]
        with suppress(*FAULTS):  # one vessel must not cost the others their forecasts
            made = model.rollout_vessels(
                [t for _, t, _ in each], [plan for *_, plan in each], interval_hours=hours, n_paths=n_paths, seed=seed
            )
            return {
                reactor: tuple(f for (r, *_), f in zip(each, made, strict=True) if r == reactor) for reactor in asked
            }
    return {reactor: alone(reactor) for reactor in asked}
