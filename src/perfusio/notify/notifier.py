"""Notifier: an observer of runs that delivers alarms to people, in a thread of its own."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from math import nan

from perfusio.events import AlarmChanged, AlarmDelivered, AlarmRaised, Event
from perfusio.notify.channels import Channel, NotDelivered
from perfusio.notify.message import DELIVERY, Message, body, folded, message_of, subject
from perfusio.notify.page import CarriesPages, PageToSend

MOST_WAITING = 10_000
GATHER_S = 2.0
"""From the first message on, others that come within this time are told together."""
LEAST_BETWEEN_S = 600.0
"""Between two deliveries, unless something urgent has happened that was not told yet."""
RETRIES_S = (1.0, 5.0, 25.0)
CLOSE_S = 30.0


class Notifier:
    """Tells people. Calling it never blocks and never fails: the control loop does not wait for a mail server.

    The result of each delivery can be asked for (`news`): the run puts it on record.

    Args:
        channels: Ways to reach people; each gets every message.
        gather_s: How long messages are gathered that come together [s].
        least_between_s: Least time between two deliveries that are not urgent [s].
        retries_s: Waits before a channel is tried again [s].
        sleep: Lets time pass; a test can bring its own.
        down: Channels whose alarm is active on record, from a program before. It ends as the channel delivers, or now
            if the channel is not used any more.

    Attributes:
        delivered: Number of deliveries.
        failures: Undelivered messages, and why, in order.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        *,
        gather_s: float = GATHER_S,
        least_between_s: float = LEAST_BETWEEN_S,
        retries_s: Sequence[float] = RETRIES_S,
        sleep: Callable[[float], None] = time.sleep,
        down: Collection[str] = (),
    ) -> None:
        self._channels, self._gather_s, self._between_s = tuple(channels), gather_s, least_between_s
        self._retries_s, self._sleep = tuple(retries_s), sleep
        self._waiting: queue.Queue[Message | PageToSend | None] = queue.Queue(MOST_WAITING)
        self._urgent_told: set[tuple[str, str]] = set()
        self._is_closing = threading.Event()
        self._news: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._down = {channel.name for channel in self._channels} & set(down)
        for name in sorted(set(down) - self._down):
            self._note_works(name, "It is not used any more.")
        self.delivered, self.n_lost, self.failures = 0, 0, list[str]()
        self._thread = threading.Thread(target=self._work, name="perfusio-notify", daemon=True)
        self._thread.start()

    def __call__(self, event: Event) -> None:
        """Take an event."""
        message = message_of(event)
        if message is not None:
            try:
                self._waiting.put_nowait(message)
            except queue.Full:
                self.n_lost += 1

    def say(self, kind: str, text: str) -> None:
        """Tell people something urgent that is no event of a record, as that the record itself has failed."""
        with suppress(queue.Full):
            self._waiting.put_nowait(Message(kind=kind, reactor="", text=text, is_urgent=True))

    def send(self, page: PageToSend) -> None:
        """Send people a page, as the one of the morning: by channels that can carry it, as a text by the others."""
        try:
            self._waiting.put_nowait(page)
        except queue.Full:
            self.n_lost += 1

    def news(self) -> list[Event]:
        """Return the deliveries and failures since this was last asked; it never blocks."""
        found: list[Event] = []
        with suppress(queue.Empty):
            while True:
                found.append(self._news.get_nowait())
        return found

    def close(self, within_s: float = CLOSE_S) -> None:
        """Deliver waiting messages, and end; one that takes longer is given up, which is a failure."""
        self._is_closing.set()
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            self.n_lost += 1
        self._thread.join(within_s)
        if self._thread.is_alive():
            self.failures.append(f"given up after {within_s:g} s: a channel has not answered, and may deliver or not")

    # -- in the thread -----------------------------------------------------------------------------------------------

    def _work(self) -> None:
        last = -self._between_s
        while True:
            messages, is_over = self._gathered(last)
            if messages:
                self._tell(folded(messages))
                last = time.monotonic()
            if is_over:
                return

    def _gathered(self, last: float) -> tuple[list[Message], bool]:
        """Wait for messages; return those to be told together, and whether these are the last."""
        first = self._waiting.get()
        if first is not None and not isinstance(first, Message):
            self._send_now(first)
            return [], False
        messages, ends = [first] if first else [], time.monotonic() + self._gather_s
        is_over = first is None
        while not is_over:
            now, due = time.monotonic(), ends
            if not any(m.is_urgent and (m.kind, m.reactor) not in self._urgent_told for m in messages):
                due = max(ends, last + self._between_s)
            if now >= due:
                break
            try:
                one = self._waiting.get(timeout=due - now)
            except queue.Empty:
                break
            is_over = one is None
            if isinstance(one, Message):
                messages.append(one)
            elif one is not None:
                self._send_now(one)
        self._urgent_told |= {(m.kind, m.reactor) for m in messages if m.is_urgent}
        over = {m.kind.removesuffix(" cleared") for m in messages if m.kind.endswith(" cleared")}
        self._urgent_told = {(kind, reactor) for kind, reactor in self._urgent_told if kind not in over}
        return messages, is_over

    def _send_now(self, page: PageToSend) -> None:
        """Send a page: it waits for no other message."""
        self.failures += [why for channel in self._channels if (why := self._sent_by(channel, page))]

    def _sent_by(self, channel: Channel, page: PageToSend) -> str:
        if isinstance(channel, CarriesPages):
            return self._delivered_by(channel, page.subject, lambda: channel.deliver_page(page))
        return self._delivered_by(channel, page.subject, lambda: channel.deliver(page.subject, page.text))

    def _tell(self, messages: Sequence[Message]) -> None:
        failed = {c.name: why for c in self._channels if (why := self._told_by(c, messages))}
        self.failures += failed.values()
        good = [c for c in self._channels if c.name not in failed]
        for why in failed.values():  # a channel that fails is told on those that work
            for channel in good:
                self._told_by(channel, [Message(kind="delivery failed", reactor="", text=why, is_urgent=True)])

    def _told_by(self, channel: Channel, messages: Sequence[Message]) -> str:
        line = subject(messages)
        return self._delivered_by(channel, line, lambda: channel.deliver(line, body(messages)))

    def _delivered_by(self, channel: Channel, line: str, deliver: Callable[[], None]) -> str:
        """Return why a channel could not deliver, after all tries; nothing if it did."""
        why, n_tries = "", 0
        for wait_s in (0.0, *self._retries_s):
            if wait_s:
                if self._is_closing.is_set():
                    break
                self._sleep(wait_s)
            n_tries += 1
            try:
                deliver()
            except NotDelivered as error:
                why = str(error)
            except Exception as error:  # noqa: BLE001 - a bug in one channel must not silence the others
                why = f"{channel.name}: {type(error).__name__}"
            else:
                self.delivered += 1
                why = ""
                break
        self._note(channel.name, line, n_tries, why)
        return why

    def _note(self, channel: str, line: str, n_tries: int, why: str) -> None:
        """Keep the result of a delivery for the record; a channel that fails is an alarm until it works again."""
        self._news.put(
            AlarmDelivered(channel=channel, subject=line, is_delivered=not why, n_tries=n_tries, reason=why)
        )
        about = f"{DELIVERY} {channel}"
        if why and channel not in self._down:
            self._down.add(channel)
            response = "Mend the channel; look after the run by the others, or with perfusio alarms."
            self._news.put(
                AlarmRaised(
                    quantity=about, level="act", value=nan, limit=nan, lead_days=0.0, response=response, reason=why
                )
            )
        elif not why and channel in self._down:
            self._down.remove(channel)
            self._note_works(channel, "It delivered again.")

    def _note_works(self, channel: str, reason: str) -> None:
        self._news.put(AlarmChanged(alarm=f"{DELIVERY} {channel}:act", status="cleared", reason=reason))
