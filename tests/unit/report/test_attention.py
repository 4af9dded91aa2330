"""What a person should see beside the rows: every write that ended badly, every act of a person."""

import pytest

from perfusio.events import ConnectorFailed, DayMissed, ModeChanged, ModelConditioned, OperatorActed, WriteRefused
from perfusio.report.attention import attention
from perfusio.report.lines import Tone
from perfusio.state import Setpoints


@pytest.mark.parametrize(
    ("event", "label", "words"),
    [
        (ConnectorFailed(operation="read_sample", reason="Cable."), "LINK:", "read_sample: Cable."),
        (ModeChanged(before="automatic", mode="hold", who="A. Smith", reason="Noise."), "MODE:",
         "automatic -> hold, A. Smith: Noise."),
        (ModeChanged(before="automatic", mode="hold", reason="A file."), "MODE:",
         "automatic -> hold, by a file: A file."),
        (OperatorActed(act="approve", who="A. Smith", reason="Fine."), "ORDER:", "approve by A. Smith (Fine.): done"),
        (OperatorActed(act="approve", who="A. Smith", is_done=False, answer="Too late.", reason="Fine."), "ORDER:",
         "approve by A. Smith (Fine.): NOT done. Too late."),
        (DayMissed(expected_h=24.0, reason="Passed."), "DAY MISSED:", "Passed."),
        (WriteRefused(key="k", asked=Setpoints(), reason="No."), "NOT WRITTEN:", "No."),
    ],
)  # fmt: skip
def test_label_and_words(event, label, words):
    assert attention(event)[:2] == (label, words)
    assert attention(event)[2] is not Tone.PLAIN


def test_the_rest_is_told_otherwise():
    assert attention(ModelConditioned(model_id="m")) is None
