"""What people are told, and how much of it."""

import pytest

from perfusio.events import AlarmChanged, AlarmRaised, ConnectorFailed, Forecasted, RunEnded
from perfusio.notify.message import FOLD_AT, Message, body, folded, message_of, subject
from perfusio.protocols import Ending
from perfusio.twin.state.standing_alarms import badly_written


def alarm(reactor="R01", level="act", reason="Glucose is low."):
    return AlarmRaised(reactor=reactor, quantity="glucose", level=level, value=0.2, limit=0.3, lead_days=0.0,
                       response="Feed.", reason=reason)  # fmt: skip


@pytest.mark.parametrize(
    ("event", "is_urgent"),
    [
        (alarm(), True),
        (alarm(level="warn"), False),
        (alarm(level="escalated"), True),
        (badly_written(Ending.UNKNOWN, reactor="R01", turn=3), True),
        (ConnectorFailed(reactor="R01", operation="read_sample", reason="Down."), False),
        (RunEnded(outcome="FAILED", n_samples=0, n_decisions=0), True),
        (RunEnded(outcome="COMPLETED", n_samples=0, n_decisions=0), False),
    ],
)
def test_what_somebody_must_look_at_now_is_urgent(event, is_urgent):
    assert message_of(event).is_urgent is is_urgent


def test_the_ordinary_is_not_told():
    assert message_of(Forecasted(hold={}, model_id="m")) is None
    assert message_of(AlarmChanged(alarm="glucose:act", status="acknowledged")) is None


def test_repeats_fold_and_the_latest_word_counts():
    found = folded([message_of(alarm(reason="One.")), message_of(alarm(reason="Two."))])
    assert [m.text for m in found] == ["Two."]


def test_the_same_alarm_of_24_vessels_is_one_message():
    found = folded([message_of(alarm(f"R{i:02d}")) for i in range(1, 25)])
    assert len(found) == 1
    assert found[0].text.startswith("24 vessels (R01, R02, R03, R04, R05, R06 and 18 more)")
    assert found[0].is_urgent


def test_a_few_vessels_are_each_named():
    assert len(folded([message_of(alarm(f"R{i:02d}")) for i in range(FOLD_AT - 1)])) == FOLD_AT - 1


def test_what_is_urgent_comes_first():
    found = folded([message_of(alarm("R01", "warn")), message_of(alarm("R02", "act"))])
    assert subject(found) == "[perfusio] URGENT R02: glucose act (+1)"
    assert body(found) == "R02: glucose act. Glucose is low. Feed.\n\nR01: glucose warn. Glucose is low. Feed."


def test_no_text_forges_a_header_or_a_line():
    nasty = Message(kind="x\r\nBcc: all@example.org", reactor="R01", text="a\x1b[2Jb\u202e\nc")
    assert "\n" not in subject([nasty])
    assert "\r" not in subject([nasty])
    assert body([nasty]).isprintable()
