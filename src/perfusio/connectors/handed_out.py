"""The samples handed out of a source, held against its present content.

Three things are news: a further row, a value where there was none, and a value that is another one now, which is a
correction. A source whose read rows are gone is refused until they are back, and so is a source that has become another
one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from perfusio.errors import UnreadableSource
from perfusio.protocols import NOT_USED, Standing
from perfusio.state import Setpoints, State
from perfusio.tables.columns.header_names import amount

MOST_TOLD = 20
"""Problems that are told one by one; a source that lost all of its rows has thousands."""


class Row(Protocol):
    """One sample of one vessel in a file or a database."""

    @property
    def state(self) -> State:
        """The measured values."""

    @property
    def setpoints(self) -> Setpoints:
        """In force from this sample to the next; NaN where the source does not say."""

    @property
    def place(self) -> str:
        """Where it stands, e.g. ``"line 3"``; empty where a place says nothing."""


R = TypeVar("R", bound=Row)


class HandedOut(Generic[R]):
    """Rows of one vessel's source so far, and how many were handed out.

    Args:
        may_forget: Rows that were read may be gone: files of a folder are taken away.

    Attributes:
        rows: All rows in order of time, as last read.
        n: How many of them were handed out; they come first.
    """

    def __init__(self, *, may_forget: bool = False) -> None:
        self.rows: Sequence[R] = ()
        self.n = 0
        self._may_forget = may_forget
        self._there_at_first: float | None = None  # time of the latest row when the source was first read [h]
        self._late: deque[State] = deque()
        self._standing: Standing | None = None

    @property
    def last(self) -> R | None:
        """The row of the latest sample that was handed out, as far as the source was read since a resume."""
        return self.rows[self.n - 1] if self.n else None

    @property
    def is_fresh(self) -> bool:
        """Whether the latest sample that was handed out had come since the source was first read."""
        there, last = self._there_at_first, self.last
        return there is not None and last is not None and last.state.time_h > there

    @property
    def latest_h(self) -> float | None:
        """Time of the latest sample known, one that was refused only if there is no other; None before the first [h].

        A write after a resume, before the source was read again, is for that sample.
        """
        if self._standing is not None:
            known = self._standing.states or self._standing.refused
            return max(state.time_h for state in known)
        return self.rows[self.n - 1].state.time_h if self.n else None

    def goes_on(self, standing: Standing) -> None:
        """Count rows of an earlier program as handed out; rows are held against them when they are read."""
        if standing.states or standing.refused:
            self.rows, self.n, self._standing = (), 0, standing
            self._late.clear()

    def next(self) -> State | None:
        """Hand out the news: late values and corrections first, then the next row; None if nothing is."""
        if self._late:
            return self._late.popleft()
        if self._standing is not None or self.n == len(self.rows):
            return None
        self.n += 1
        return self.rows[self.n - 1].state

    def hold_against(self, name: str, rows: Sequence[R], *, n_same: int = 0) -> None:
        """Take the present rows of the source, and find the news in them.

        Args:
            name: Of the source, for messages.
            rows: Of the vessel, in order of time.
            n_same: So many of the first rows are those of the last time, as is known already.

        Raises:
            UnreadableSource: a row or a value that was read is gone, a setpoint is another one, or the source is
                another one than before; known rows stay known.
        """
        before = _told(self._standing) if self._standing is not None else self._since(n_same)
        n_same = 0 if self._standing is not None else min(n_same, self.n)
        latest = max(before, default=self.latest_h) if self._standing is not None else self.latest_h
        n_now = 0 if latest is None else bisect_right(rows, latest, key=lambda row: row.state.time_h)
        if before or n_now > n_same:
            news = _compared(name, before, rows[n_same:n_now], n_same=n_same, may_forget=self._may_forget)
            self._late.extend(news)
        self.rows, self.n, self._standing = rows, n_now, None
        if self._there_at_first is None:
            self._there_at_first = rows[-1].state.time_h if rows else -1.0

    def _since(self, n_same: int) -> dict[float, _Known]:
        return {row.state.time_h: _Known(row.state, row.setpoints, row.place) for row in self.rows[n_same : self.n]}


@dataclass(frozen=True, slots=True)
class _Known:
    """A sample that was read before: by us, with its row, or by an earlier program, as its record has it."""

    state: State
    setpoints: Setpoints | None = None
    place: str = ""
    is_refused: bool = False


def _told(standing: Standing) -> dict[float, _Known]:
    refused = {state.time_h: _Known(state, is_refused=True) for state in standing.refused}
    return refused | {state.time_h: _Known(state) for state in standing.states}


def _compared(
    name: str, before: Mapping[float, _Known], rows: Sequence[Row], *, n_same: int, may_forget: bool
) -> list[State]:
    """Return the late values, corrections and rows put in between; refuse changes that cannot be news."""
    now = {row.state.time_h: row for row in rows}
    gone: list[str] = []
    changed: list[str] = []
    different: set[float] = set()
    news = [row.state for row in rows if row.state.time_h not in before]
    for time, old in before.items():
        new = now.get(time)
        if new is None:
            if not (may_forget or old.is_refused):  # whoever takes a refused row out has mended the source
                different.add(time)
                gone.append(f"{name}: {_gone(old)}")
            continue
        where = f"{name}, {new.place}" if new.place else name
        taken_back = [*_emptied(old, new), *_other_setpoints(old, new)]
        corrected = _corrected(old.state, new.state)
        gone += [f"{where}: {words} Put the old value back." for words in taken_back]
        if not old.is_refused and (taken_back or corrected):
            different.add(time)
            changed += [f"{where}: {_was(old.state, n, getattr(new.state, n))}" for n in corrected]
        if (found := _news(old, new.state, corrected)) is not None:
            news.append(found)
    total = n_same + sum(not old.is_refused for old in before.values())
    first = min((time for time, old in before.items() if not old.is_refused), default=None) if not n_same else None
    if different and (first in different or 2 * len(different) > total):
        n = len(different)
        what = f"is another source than the one that was read: {n} of {total} samples are not as they were"
        if all(time not in now for time in different):
            what = f"lacks {n} of the {total} samples that were read: it is half saved, or another source"
        lead = f"{name} {what}. Put the right one back, or start a new run with this one."
        raise _refusal(name, [lead, *gone, *changed])
    if gone:
        raise _refusal(name, gone)
    return sorted(news, key=lambda state: state.time_h)


def _refusal(name: str, problems: Sequence[str]) -> UnreadableSource:
    told = list(problems[:MOST_TOLD])
    if len(problems) > MOST_TOLD:
        told.append(f"{name}: and {len(problems) - MOST_TOLD} more of this kind.")
    return UnreadableSource(tuple(told), connector=name, operation="read_sample")


def _gone(old: _Known) -> str:
    where = f" ({old.place} when it was read)" if old.place else ", which was read,"
    return f"the sample at {old.state.time_h:g} h{where} has vanished. Put it back."


def _was(old: State, name: str, now: float) -> str:
    quantity = old.panel[name]
    is_now = "empty" if now != now else f"{now:g}"
    was = amount(getattr(old, name), quantity)
    return f"{name} of the sample at {old.time_h:g} h was {was} when it was read and is now {is_now}."


def _emptied(old: _Known, new: Row) -> list[str]:
    if old.is_refused:
        return []
    names = [n for n in old.state.measured() if getattr(new.state, n) != getattr(new.state, n)]
    return [_was(old.state, n, getattr(new.state, n)) for n in names]


def _other_setpoints(old: _Known, new: Row) -> list[str]:
    """Setpoints in force are history: they may be filled in, and no more."""
    if old.setpoints is None:
        return []
    panel = old.setpoints.panel
    pairs = [(n, getattr(old.setpoints, n), getattr(new.setpoints, n)) for n in panel.setpoint_names]
    return [
        f"{n} of the sample at {old.state.time_h:g} h was {amount(a, panel[n])} when it was read and is now "
        f"{'empty' if b != b else format(b, 'g')}."
        for n, a, b in pairs
        if a == a and a != b
    ]


def _corrected(old: State, new: State) -> list[str]:
    """Return the quantities that were measured and are measured otherwise now."""
    pairs = [(s.name, getattr(old, s.name), getattr(new, s.name)) for s in old.panel.species]
    return [n for n, a, b in pairs if a == a and b == b and a != b]


def _news(old: _Known, new: State, corrected: Sequence[str]) -> State | None:
    """Return the new values of a known sample; a value that was not used stays unused."""
    if old.is_refused:
        return None if old.state.measured() == new.measured() else new
    filled = [n for n, b in new.measured().items() if getattr(old.state, n) != getattr(old.state, n)]
    filled = [n for n in filled if not is_unused(old.state, n, getattr(new, n))]
    if not filled and not corrected:
        return None
    # a correction comes with its whole row: if the sample was refused for the wrong value, none of it is known
    names = [*(n for n in new.measured() if not is_unused(old.state, n, getattr(new, n)))] if corrected else filled
    values: dict[str, float] = {n: getattr(new, n) for n in names}
    return State.of_values(new.panel, new.time_h, values, {n: q for n, q in new.quality.items() if n in values})


def is_unused(known: State, name: str, value: float) -> bool:
    """Whether this very value was found in a known sample before, and not used."""
    remarks = known.quality.get(name, "").split("; ")
    return any(remark.startswith(f"{value:g} {NOT_USED}") for remark in remarks)
