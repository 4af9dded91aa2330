"""DailyPage: sends the morning's page of a run each day at an hour, in a thread of its own, beside the loop."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from perfusio.events import Event, RunResumed, RunStarted

if TYPE_CHECKING:
    from perfusio.notify.notifier import Notifier

LOOK_S = 30.0
"""How often the clock is looked at: a machine that slept, or a clock that was moved, is noticed by then."""


def local_now() -> datetime:
    """Return the wall time of this machine, with its zone."""
    return datetime.now().astimezone()


class DailyPage:
    """An observer of a run; it begins with the run and ends with `close`. No fault of it reaches the run.

    An hour that passed while no program was running is made up for once, if the record does not show that the page of
    that day was sent.

    Args:
        record: The `audit.jsonl` of the run.
        at: Hour of the day, local.
        people: Who sends it.
        now: Tells the wall time with its zone.
        look_s: How often the clock is looked at [s].
    """

    def __init__(
        self, record: Path, at: time, people: Notifier, *, now: Callable[[], datetime] = local_now,
        look_s: float = LOOK_S,
    ) -> None:  # fmt: skip
        self._record, self._at, self._people, self._now, self._look_s = record, at, people, now, look_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="perfusio-daily-page", daemon=True)
        self._has_begun = self._is_resumed = False
        self._began = self._due = now()

    def __call__(self, event: Event) -> None:
        """Begin with the run."""
        if isinstance(event, RunStarted | RunResumed) and not self._has_begun:
            self._has_begun, self._is_resumed, now = True, isinstance(event, RunResumed), self._now()
            self._began, self._due = now, next_hour(now, self._at)
            self._thread.start()

    def close(self) -> None:
        """End, and wait for a page that is being made."""
        self._over.set()
        if self._has_begun:
            self._thread.join(60.0)

    def _is_missed(self) -> bool:
        """Whether the page of this day was due before the program began, and was not sent by the record."""
        began = self._began
        return self._is_resumed and at_hour(began, self._at) <= began and not self._record_shows(began)

    def _record_shows(self, now: datetime) -> bool:
        """Whether the page of this day was delivered, or the run had not begun when it was due."""
        from perfusio.report.page.morning import heading

        wanted, first = heading(now.strftime("%Y-%m-%d")), ""
        try:
            with self._record.open(encoding="utf-8") as lines:
                for line in lines:
                    first = first or str(json.loads(line)["ts"])
                    if '"AlarmDelivered"' in line and wanted in line and '"is_delivered":true' in line:
                        return True
        except (OSError, ValueError, KeyError):  # making the page says what is wrong with it
            return True
        return not first or datetime.fromisoformat(first) > at_hour(now, self._at)

    def _work(self) -> None:
        if self._is_missed():
            self._send(self._now())
        while not self._over.wait(self._look_s):
            now = self._now()
            if now >= self._due:
                self._due = next_hour(now, self._at)
                self._send(now)

    def _send(self, now: datetime) -> None:
        from perfusio.report.page.morning import morning_page

        try:
            self._people.send(morning_page(self._record, now))
        except Exception as error:  # noqa: BLE001 - a page is a comfort: no fault of it may reach the run
            self._people.say("the morning's page could not be made", f"{type(error).__name__}: {error}")


def at_hour(now: datetime, at: time) -> datetime:
    """Return an hour of the day of `now`, by the clock on the wall of this machine: also on days of 23 or 25 hours."""
    return datetime.combine(now.astimezone().date(), at).astimezone()


def next_hour(now: datetime, at: time) -> datetime:
    """Return when it is that hour next, later than `now`."""
    today = at_hour(now, at)
    return today if today > now else at_hour(now + timedelta(days=1), at)
