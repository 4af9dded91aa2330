"""Beside the turns of a whole run: heartbeats go out, and what was delivered is on record before the end."""

from perfusio.events import AlarmDelivered, AlarmRaised
from perfusio.testing import ScriptedConnector, make_state


class Watched(ScriptedConnector):
    is_watched = True

    def __init__(self, script):
        super().__init__(script)
        self.beats = []

    async def beat(self, count):
        self.beats.append(count)


class Teller:
    """Delivers each alarm at once."""

    def __init__(self):
        self._news = []

    def __call__(self, event):
        if isinstance(event, AlarmRaised):
            self._news.append(
                AlarmDelivered(channel="log", subject=event.quantity, is_delivered=False, n_tries=4, reason="Full.")
            )

    def news(self):
        found, self._news = self._news, []
        return found


async def test_a_controller_sees_the_twin_and_the_record_says_what_was_delivered(run_twin):
    connector = Watched([make_state(day=d, viability=96.0) for d in range(3)])
    run = await run_twin(connector, days=2, observers=(Teller(),))
    assert connector.beats == [1]
    assert not connector.written or len(run.of("SetpointsWritten")) == len(connector.written)
    delivered = run.of("AlarmDelivered")
    assert [(e.subject, e.is_delivered, e.reason) for e in delivered] == [("viability", False, "Full.")]
    assert run.records[-1].event == "RunEnded"
