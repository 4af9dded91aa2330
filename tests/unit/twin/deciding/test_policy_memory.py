"""What a policy was told is on record, and comes back from it."""

import json

from perfusio.bed.policy import BEDPolicy
from perfusio.bed.shared_limits import SharedLimit
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode, RunConfig
from perfusio.twin.deciding.policy_memory import as_recorded, on_record
from perfusio.twin.loop import first_records

LIMITED = BEDPolicy(shared=(SharedLimit(high=24.0), SharedLimit(high=0.5, setpoint="bleed_rate", reactors=("A", "B"))))


def test_limits_come_back_from_the_first_record():
    started = first_records.started(
        RunConfig(duration_days=1), DEFAULT_AMBR250_DESIGN_SPACE, {"A": Mode.AUTOMATIC}, {"A": {}}, policy=LIMITED
    )
    assert as_recorded(json.loads(json.dumps(started.config))) == LIMITED


def test_a_policy_that_was_told_nothing_leaves_the_record_as_it_was():
    class Own:
        def decide(self, trajectories, in_force, model, design_space, config, *, day):
            return {}

    assert on_record(BEDPolicy()) == on_record(Own()) == on_record(None) == {}
    assert as_recorded({}) == BEDPolicy()
