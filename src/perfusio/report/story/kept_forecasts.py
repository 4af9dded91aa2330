"""KeptForecast: a forecast as the record keeps it, to be held against the measurements that came afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfusio.events import Decided, Event, Forecasted, SampleRead
from perfusio.record.run_state import RunState
from perfusio.report.recorded_forecast import Outlook, outlook_of, rows_of
from perfusio.state import FloatArray, Setpoints

IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptForecast:
    """One forecast under one plan.

    Attributes:
        made_h: Time of the last sample that it knew [h].
        times_h: Its times [h], (H,).
        rows: Mean and quantiles of the species, (5, H, Q), in the order of `recorded_forecast.KEYS`.
        plan: Setpoints of the intervals to come, under which it was made; the last one stays.
        is_chosen: Whether these were recommended, and not those in force.
        is_followed: Whether they were in force until the next sample; a later plan may differ all the same.
    """

    made_h: float
    times_h: FloatArray
    rows: FloatArray
    plan: tuple[Setpoints, ...]
    is_chosen: bool
    is_followed: bool = True

    def outlook(self, name: str) -> Outlook:
        """Return one quantity of it, a species or one that follows from a species and the plan."""
        return outlook_of(self.rows, self.times_h, name, self.plan)

    def species_at(self, time_h: float) -> FloatArray:
        """Return mean, 80 and 90 % ends of all species at a time [h], linear between its own times, (5, Q)."""
        after = min(int(np.searchsorted(self.times_h, time_h)), len(self.times_h) - 1)
        before = max(after - 1, 0)
        length = self.times_h[after] - self.times_h[before]
        share = 1.0 if length == 0.0 else min(max((time_h - self.times_h[before]) / length, 0.0), 1.0)
        ends = self.rows[[0, 2, 3, 1, 4]]
        between: FloatArray = ends[:, before] + share * (ends[:, after] - ends[:, before])
        return between


class Candidates:
    """The forecasts of one turn, of which one is kept once it is known which setpoints were in force."""

    def __init__(self, event: Decided | Forecasted, made_h: float, in_force: Setpoints) -> None:
        """Take both forecasts of a decision, or the only one of a turn without a decision."""
        panel, times = in_force.panel, np.array(event.hold["times_h"], dtype=float)
        kept = _a_day_apart(times, made_h)
        self._times, self.made_h, self._in_force = times[kept], made_h, in_force
        self._held = rows_of(event.hold, panel)[:, kept]
        self._chosen: FloatArray | None = None
        self._plan: tuple[Setpoints, ...] = (in_force,)
        if isinstance(event, Decided):
            plan = event.planned
            self._chosen = rows_of(event.chosen, panel)[:, kept]
            self._plan = tuple(plan[min(int(i), len(plan) - 1)] for i in kept)

    def of(self, found: Setpoints | None) -> KeptForecast:
        """Return the forecast that was made under the setpoints that were then in force.

        Args:
            found: Setpoints in force until the next sample; None = nothing is known yet, and the recommended ones are
                taken.
        """
        if self._chosen is not None and (found is None or _is_same(self._plan[0], found)):
            return self._kept(self._chosen, self._plan, is_chosen=True)
        is_followed = found is None or _is_same(self._in_force, found)
        return self._kept(self._held, (self._in_force,), is_chosen=False, is_followed=is_followed)

    def _kept(
        self, rows: FloatArray, plan: Sequence[Setpoints], *, is_chosen: bool, is_followed: bool = True
    ) -> KeptForecast:
        return KeptForecast(
            made_h=self.made_h, times_h=self._times, rows=rows, plan=tuple(plan), is_chosen=is_chosen,
            is_followed=is_followed,
        )  # fmt: skip


class ForecastKeeper:
    """The forecasts of all vessels of a run, taken in event by event, each kept under the setpoints then in force."""

    def __init__(self) -> None:
        self._kept, self._open = dict[str, list[KeptForecast]](), dict[str, Candidates]()

    def take(self, event: Event, known: RunState) -> None:
        """Take in an event.

        Args:
            event: Any.
            known: State of the run after it.
        """
        name = event.reactor or ""
        if isinstance(event, SampleRead):
            if not event.extra and name in self._open:
                self._close(name, event.in_force)
        elif isinstance(event, Decided | Forecasted) and name in known.trajectories:
            states = known.trajectories[name].states
            if not states:
                return
            if name in self._open:  # no sample came in between: nothing is known against the setpoints then in force
                self._close(name, known.in_force[name])
            self._open[name] = Candidates(event, states[-1].time_h, known.in_force[name])

    def of(self, name: str, known: RunState) -> tuple[KeptForecast, ...]:
        """Return the forecasts of a vessel in order of time, the latest as it was recommended."""
        kept = list(self._kept.get(name, ()))
        if name in self._open:
            is_decided = isinstance(known.forecasts.get(name), Decided)
            kept.append(self._open[name].of(None if is_decided else known.in_force[name]))
        return tuple(kept)

    def _close(self, name: str, found: Setpoints) -> None:
        self._kept.setdefault(name, []).append(self._open.pop(name).of(found))


def _a_day_apart(times_h: FloatArray, made_h: float) -> IntArray:
    """Return places of the first time, of the last one, and of times that are a day apart: enough for days ahead.

    A forecast in steps of an hour has 672 times, and a run of hours makes as many forecasts.
    """
    days = np.floor((times_h - made_h) / 24.0 + 1e-6)
    is_kept = np.diff(days, prepend=-1.0) > 0
    is_kept[[0, -1]] = True
    return np.flatnonzero(is_kept)


def _is_same(asked: Setpoints, found: Setpoints) -> bool:
    """Whether setpoints are equal as far as a vessel shows them: six digits."""
    return bool(np.allclose(asked.vector(), found.vector(), rtol=1e-6, atol=1e-9, equal_nan=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierForecasts:
    """Forecasts of one quantity, each made the same time before the time that it speaks of.

    Attributes:
        lead_days: That time [day].
        times_h: Times spoken of [h], (N,), rising.
        mean: Shape (N,).
        ends: Lower and upper end by level, 80 and 90 %, two arrays (N,) each.
    """

    lead_days: float
    times_h: FloatArray
    mean: FloatArray
    ends: dict[int, tuple[FloatArray, FloatArray]]


def earlier(kept: Sequence[KeptForecast], name: str, lead_days: float, until_h: float = np.inf) -> EarlierForecasts:
    """Return what was forecast of a quantity `lead_days` ahead, up to `until_h` [h]."""
    found: dict[float, tuple[float, ...]] = {}
    for one in kept:
        at_h = one.made_h + 24.0 * lead_days
        if at_h > until_h + 1e-6 or not len(one.times_h) or at_h > one.times_h[-1] + 1e-6:
            continue
        if at_h < one.times_h[0] - 1e-6:
            continue
        if at_h not in found:
            found[at_h] = at(one.outlook(name), at_h)
    times = sorted(found)
    table = np.array([found[t] for t in times]).reshape(len(times), 5)
    return EarlierForecasts(
        lead_days=lead_days, times_h=np.array(times), mean=table[:, 0],
        ends={80: (table[:, 1], table[:, 2]), 90: (table[:, 3], table[:, 4])},
    )  # fmt: skip


def at(ahead: Outlook, time_h: float) -> tuple[float, float, float, float, float]:
    """Return mean, 80 and 90 % interval of a forecast at a time, linear between its own times [h]."""
    columns = (ahead.mean, *ahead.ends[80], *ahead.ends[90])
    mean, low80, high80, low90, high90 = (float(np.interp(time_h, ahead.times_h, column)) for column in columns)
    return mean, low80, high80, low90, high90
