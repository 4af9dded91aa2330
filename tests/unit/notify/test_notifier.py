"""Delivery in a thread of its own: gathered, tried again, and never in the way."""

import threading

from perfusio.events import AlarmChanged, AlarmDelivered, AlarmRaised
from perfusio.notify.channels import NotDelivered
from perfusio.notify.message import message_of
from perfusio.notify.notifier import Notifier


class Kept:
    """Keeps what it delivers; fails the first `n_failing` times."""

    def __init__(self, name="kept", n_failing=0, error=NotDelivered):
        self.name, self.got, self._left, self._error = name, [], n_failing, error

    def deliver(self, subject, body):
        if self._left:
            self._left -= 1
            raise self._error(f"{self.name}: down")
        self.got.append((subject, body))


def alarm(reactor="R01", level="act"):
    return AlarmRaised(reactor=reactor, quantity="glucose", level=level, value=0.2, limit=0.3, lead_days=0.0,
                       response="Feed.", reason="Low.")  # fmt: skip


def told(channels, events, **settings):
    waits = []
    notifier = Notifier(channels, **{"gather_s": 0.05, "sleep": waits.append, "retries_s": (1.0, 5.0)} | settings)
    for event in events:
        notifier(event)
    return notifier, waits


def test_what_comes_together_is_told_together():
    channel = Kept()
    notifier, _ = told([channel], [alarm(f"R{i:02d}") for i in range(24)])
    notifier.close()
    assert len(channel.got) == 1
    assert "24 vessels" in channel.got[0][1]
    assert notifier.delivered == 1


def test_what_waits_is_delivered_at_the_end():
    channel = Kept()
    notifier, _ = told([channel], [alarm(level="warn")], least_between_s=1e6, gather_s=1e6)
    notifier.close()
    assert len(channel.got) == 1


def wait_for(condition):
    done = threading.Event()
    for _ in range(500):
        if condition():
            return
        done.wait(0.01)
    raise AssertionError("it never came")


def test_a_channel_that_fails_is_tried_again():
    channel = Kept(n_failing=2)
    notifier, waits = told([channel], [alarm()])
    wait_for(lambda: channel.got)
    notifier.close()
    assert waits == [1.0, 5.0]
    assert notifier.failures == []


def test_a_channel_that_stays_down_is_told_on_another():
    down, bug, good = Kept("email", 99), Kept("webhook", 99, ValueError), Kept("log")
    notifier, _ = told([down, bug, good], [alarm()])
    wait_for(lambda: len(good.got) == 3)
    notifier.close()
    assert notifier.failures == ["email: down", "webhook: ValueError"]
    assert "delivery failed" in good.got[1][0]
    assert "email: down" in good.got[1][1]


def test_what_is_not_urgent_waits_and_what_is_urgent_does_not():
    channel = Kept()
    notifier, _ = told([channel], [alarm("R01", "warn")], least_between_s=1e6)
    wait_for(lambda: len(channel.got) == 1)
    notifier(alarm("R02", "warn"))
    notifier(alarm("R03", "act"))
    wait_for(lambda: len(channel.got) == 2)
    assert "R02" in channel.got[1][1]
    notifier(AlarmChanged(reactor="R03", alarm="glucose:act", status="cleared"))
    notifier.close()
    assert len(channel.got) == 3


def test_a_channel_that_hangs_does_not_hold_up_the_run():
    started, ends = threading.Event(), threading.Event()

    class Hanging:
        name = "hanging"

        def deliver(self, subject, body):
            started.set()
            ends.wait(10.0)

    notifier, _ = told([Hanging()], [alarm()])
    assert started.wait(5.0)
    for _ in range(100):
        notifier(alarm())
    notifier.close(within_s=0.01)
    assert notifier.delivered == 0
    assert "given up after 0.01 s" in notifier.failures[-1]  # who asks what failed is not told that all is well
    ends.set()


def test_what_became_of_each_delivery_is_kept_for_the_record():
    down, good = Kept("email", n_failing=4), Kept("log")
    notifier, _ = told([down, good], [alarm()])
    wait_for(lambda: len(good.got) == 2)
    notifier(alarm("R02"))  # urgent and new: told at once, and e-mail works on the second try
    wait_for(lambda: down.got)
    notifier.close()
    news = notifier.news()
    assert notifier.news() == []
    said = [(e.channel, e.is_delivered, e.n_tries) for e in news if isinstance(e, AlarmDelivered)]
    assert said == [("email", False, 3), ("log", True, 1), ("log", True, 1), ("email", True, 2), ("log", True, 1)]
    (raised,) = [e for e in news if isinstance(e, AlarmRaised)]
    assert (raised.quantity, raised.level, raised.reason) == ("delivery email", "act", "email: down")
    (cleared,) = [e for e in news if isinstance(e, AlarmChanged)]
    assert (cleared.alarm, cleared.status) == ("delivery email:act", "cleared")
    n = len(good.got)
    notifier(raised)
    assert message_of(raised) is message_of(cleared) is None  # or a channel that is down would alarm itself for ever
    assert len(good.got) == n


def test_what_is_no_event_can_be_said_too():
    channel = Kept()
    notifier, _ = told([channel], [])
    notifier.say("the run has died", "The disk is full.")
    notifier.close()
    assert channel.got[0][0] == "[perfusio] URGENT the run has died"
    assert "The disk is full." in channel.got[0][1]
