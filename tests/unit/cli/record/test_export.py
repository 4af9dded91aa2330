"""What is exported of a record is what the twin knows."""

from dataclasses import replace

from perfusio.cli.record.export import recorded
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import Mode, RunConfig
from perfusio.events import SampleAccepted, SampleCorrected, SampleQuarantined, SampleRead
from perfusio.record.audit_logger import AuditLogger
from perfusio.state import State
from perfusio.testing import ManualClock, make_state
from perfusio.twin.loop import first_records


def test_corrected_completed_and_accepted_samples_are_exported_as_the_twin_knows_them(tmp_path):
    at = {"reactor": "R01"}
    accepted = make_state(day=1.5)
    source = {"kind": "simulated", "clone": "CloneX"}
    events = [
        first_records.started(RunConfig(duration_days=3), SPACE, {"R01": Mode.AUTOMATIC}, {"R01": source}),
        SampleRead(**at, turn=0, state=make_state(day=0), in_force=SPACE.nominal),
        SampleRead(**at, turn=1, state=make_state(day=1, glucose=4.0, titer=float("nan")), in_force=SPACE.nominal),
        SampleQuarantined(**at, turn=2, state=accepted),
        SampleQuarantined(**at, turn=2, state=make_state(day=1.7)),
        SampleRead(**at, turn=2, state=make_state(day=2), in_force=replace(SPACE.nominal, bleed_rate=0.2)),
        SampleCorrected(**at, turn=2, state=make_state(day=1, glucose=2.5, titer=float("nan")), corrects=3),
        SampleRead(**at, turn=2, state=State(time_h=24.0, titer=410.0), in_force=SPACE.nominal, extra=True),
        SampleAccepted(**at, turn=2, state=accepted, who="AB"),
    ]  # fmt: skip
    with AuditLogger(tmp_path / "audit.jsonl", clock=ManualClock()) as log:
        for event in events:
            log.append(event)
    table = recorded(tmp_path / "audit.jsonl")
    assert [row.state.day for row in table.rows] == [0, 1, 1.5, 2]
    assert (table.rows[1].state.glucose, table.rows[1].state.titer) == (2.5, 410.0)
    assert table.rows[2].setpoints.bleed_rate == 0.2
    assert table.clones == {("", "R01"): "CloneX"}
