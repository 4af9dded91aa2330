"""The loop: what it counts, decides, writes and records on good days."""

import asyncio
import json
from dataclasses import replace
from hashlib import sha256
from math import nan

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode
from perfusio.errors import ConfigError, EndOfRun, SampleOverdue, UnreadableSource
from perfusio.events import SampleRead
from perfusio.protocols import ConnectorKind
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.verification.verify import read_records, verify
from perfusio.state import SETPOINTS, Setpoints
from perfusio.testing import ScriptedConnector, make_state
from perfusio.twin.outcome import Outcome

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal


def days(n, *, without=(), **values):
    return [make_state(day=d, **values) for d in range(n + 1) if d not in without]


class TestCounts:
    async def test_fourteen_days_complete(self, run_twin):
        run = await run_twin(ScriptedConnector(days(14)), days=14)
        assert run.counts == ("COMPLETED", 15, 14)
        assert [e.turn for e in run.of("Decided")] == list(range(14))
        assert len(run.of("SampleRead")) == 15
        ended = run.events[-1]
        assert (ended.outcome, ended.n_samples, ended.n_decisions) == ("COMPLETED", 15, 14)
        assert ended.reason == Outcome.COMPLETED.value

    async def test_one_day_missing(self, run_twin):
        connector = ScriptedConnector(days(14, without=[5]))
        run = await run_twin(connector, days=14)
        assert run.counts == ("COMPLETED", 14, 13)
        (missing,) = run.of("SampleMissing")
        assert (missing.turn, missing.expected_h) == (5, 120.0)
        assert "no decision for R01 in this turn" in missing.reason
        assert len(run.of("Forecasted", day=5)) == 1
        assert run.of("Decided", "WriteIntended", day=5) == []
        assert len(connector.written) == 13

    async def test_the_last_day_is_forecast_and_never_decided(self, run_twin):
        run = await run_twin(ScriptedConnector(days(9)), days=3)
        assert run.counts == ("COMPLETED", 4, 3)
        assert run.of("Decided", "WriteIntended", day=3) == []
        assert len(run.of("Forecasted", day=3)) == 1

    async def test_a_source_that_ends_early_is_no_failure(self, run_twin):
        run = await run_twin(ScriptedConnector(days(2)), days=28)
        assert run.counts == ("SOURCE_EXHAUSTED", 3, 3)

    async def test_extra_samples_are_learnt_from_and_trigger_nothing(self, run_twin):
        samples = [make_state(time_h=float(h)) for h in (0, 6, 24, 31, 48)]
        run = await run_twin(ScriptedConnector(samples), days=2)
        assert run.counts == ("COMPLETED", 3, 2)
        assert [(e.state.time_h, e.extra) for e in run.of("SampleRead")] == [
            (0, False), (6, True), (24, False), (31, True), (48, False),
        ]  # fmt: skip
        assert len(run.result.trajectories["R01"].states) == 5

    async def test_a_late_titer_completes_its_sample(self, run_twin):
        samples = [make_state(day=0, titer=nan), make_state(day=1), make_state(day=0, titer=5.0), make_state(day=2)]
        run = await run_twin(ScriptedConnector(samples), days=2)
        assert run.counts == ("COMPLETED", 3, 2)
        assert run.result.trajectories["R01"].states[0].titer == 5.0

    async def test_what_was_not_measured_is_said(self, run_twin):
        run = await run_twin(ScriptedConnector([make_state(day=0, glucose=nan, titer=nan), *days(1)[1:]]), days=1)
        assert run.of("SampleRead")[0].reason == "Not measured: glucose, titer."

    async def test_silent_days_do_not_end_the_run(self, run_twin):
        silence = [SampleOverdue("Nothing.")] * 9
        run = await run_twin(ScriptedConnector([*days(1), *silence, *days(13)[11:]]), days=12)
        assert run.counts == ("COMPLETED", 4, 3)
        assert [e.turn for e in run.of("SampleMissing")] == list(range(2, 11))

    async def test_a_gap_in_a_file_is_no_silence(self, run_twin):
        run = await run_twin(ScriptedConnector(days(8, without=range(2, 7))), days=8)
        assert run.counts == ("COMPLETED", 4, 3)

    async def test_eight_hourly_turns(self, run_twin):
        samples = [make_state(time_h=8.0 * i) for i in range(4)]
        run = await run_twin(ScriptedConnector(samples), days=1, sampling_interval_hours=8.0)
        assert run.counts == ("COMPLETED", 4, 3)

    async def test_the_model_is_conditioned_each_turn_and_refitted_every_few(self, run_twin):
        run = await run_twin(ScriptedConnector(days(7)), days=7, retrain_every=3)
        assert [e.turn for e in run.of("ModelConditioned")] == list(range(8))
        assert [e.turn for e in run.of("ModelFitted")] == [3, 6]


class TestInForce:
    async def test_what_was_written_is_what_was_decided_and_what_the_vessel_holds(self, run_twin):
        connector = ScriptedConnector(days(4))
        run = await run_twin(connector)
        decided = [e.setpoints for e in run.of("Decided")]
        assert len(set(decided)) == 2
        assert connector.written == decided
        assert [e.new for e in run.of("WriteIntended")] == decided
        assert [(e.asked, e.acknowledged) for e in run.of("SetpointsWritten")] == [(u, u) for u in decided]
        assert run.result.trajectories["R01"].setpoints == tuple(decided)
        assert [e.key for e in run.of("Decided")] == [f"{run.records[0].run}:R01:{d}:0" for d in range(4)]

    async def test_the_facts_of_a_day_come_in_order(self, run_twin):
        run = await run_twin(ScriptedConnector(days(4)), retrain_every=2)
        assert [type(e).__name__ for e in run.events if e.turn == 2] == [
            "SampleRead", "ModelConditioned", "Decided", "WriteIntended", "SetpointsWritten", "ModelFitted",
        ]  # fmt: skip

    async def test_the_model_learns_from_the_acknowledgement_not_from_the_wish(self, run_twin):
        other = replace(NOMINAL, bleed_rate=0.11)
        run = await run_twin(ScriptedConnector(days(2), write_script=[other] * 4), days=2)
        assert run.result.trajectories["R01"].setpoints == (other, other)
        assert [(type(e).__name__, e.turn) for e in run.of("WritePartial", "SetpointsWritten")] == [("WritePartial", 0)]
        assert run.twin.mode("R01") is Mode.HOLD  # a person has to look
        assert [e.mode for e in run.of("ModeChanged")] == ["hold"]

    async def test_an_operator_at_the_vessel_is_seen_with_the_next_sample(self, run_twin):
        connector = ScriptedConnector(days(3))

        def operator(event):
            if type(event).__name__ == "SetpointsWritten" and event.turn == 1:
                connector.in_force = replace(NOMINAL, bleed_rate=0.12)

        run = await run_twin(connector, days=3, observers=(operator,))
        # known with sample 2: from then on; how long before, nobody said
        assert run.of("WriteIntended", day=2)[0].old.bleed_rate == 0.12
        (found,) = run.of("OverrideDetected")
        assert (found.turn, found.found.bleed_rate) == (2, 0.12)
        assert len(connector.written) == 2
        assert run.twin.mode("R01") is Mode.ADVISORY
        assert run.twin.run_state.in_force["R01"].bleed_rate == 0.12

    async def test_in_a_replay_our_writes_never_count(self, run_twin):
        of_file = replace(NOMINAL, perfusion_rate=1.2, bleed_rate=0.1)
        connector = ScriptedConnector(days(4), kind=ConnectorKind.REPLAY, setpoints=of_file)
        run = await run_twin(connector)
        assert len(connector.written) == 4
        assert run.result.trajectories["R01"].setpoints == (of_file,) * 4
        assert [e.assumed for e in run.of("SampleRead")[1:]] == [()] * 4
        assert {e.old for e in run.of("WriteIntended")} == {of_file}

    async def test_setpoints_that_a_replay_lacks_are_nominal_and_assumed(self, run_twin):
        connector = ScriptedConnector(days(2), kind=ConnectorKind.REPLAY, setpoints=Setpoints(perfusion_rate=1.2))
        run = await run_twin(connector, days=2)
        expected = replace(NOMINAL, perfusion_rate=1.2)
        assert run.result.trajectories["R01"].setpoints == (expected,) * 2
        read = run.of("SampleRead")
        assert read[0].assumed == SETPOINTS
        assert read[1].assumed == read[2].assumed == tuple(n for n in SETPOINTS if n != "perfusion_rate")
        assert read[1].in_force == expected

    async def test_a_vessel_that_does_not_report_keeps_the_last_written_as_assumed(self, run_twin):
        class Mute(ScriptedConnector):
            def __init__(self, script):
                super().__init__(script)
                self.confirms_at_once = False

            async def read_setpoints(self):
                return Setpoints()

        run = await run_twin(Mute(days(2)), days=2)
        decided = [e.setpoints for e in run.of("Decided")]
        assert run.result.trajectories["R01"].setpoints == tuple(decided)
        assert [type(e).__name__ for e in run.of("SetpointsWritten", "WriteUnknown")] == ["SetpointsWritten"] * 2


class TestModes:
    @pytest.mark.parametrize(
        ("kind", "mode", "writes"),
        [
            (ConnectorKind.REPLAY, None, True),
            (ConnectorKind.SIMULATED, None, True),
            (ConnectorKind.HARDWARE, None, False),
            (ConnectorKind.HARDWARE, Mode.AUTOMATIC, True),
            (ConnectorKind.SIMULATED, Mode.ADVISORY, False),
        ],
    )
    async def test_who_may_write(self, run_twin, kind, mode, writes):
        connector = ScriptedConnector(days(2), kind=kind)
        run = await run_twin(connector, days=2, mode=mode)
        assert run.counts == ("COMPLETED", 3, 2)
        assert len(connector.written) == (2 if writes else 0)
        assert [e.action for e in run.of("Withheld")] == ([] if writes else ["advise"] * 2)

    @pytest.mark.parametrize("mode", [Mode.MANUAL, Mode.HOLD])
    async def test_nothing_is_decided_without_a_mandate(self, run_twin, alternating, mode):
        connector = ScriptedConnector(days(2))
        run = await run_twin(connector, days=2, mode=mode, policy=alternating)
        assert (run.counts, connector.written, alternating.asked) == (("COMPLETED", 3, 0), [], [])
        assert len(run.of("Forecasted")) == 3


class TestRecord:
    async def test_hashes_of_states_can_be_computed_by_anyone(self, run_twin):
        run = await run_twin(ScriptedConnector(days(3)), days=3)
        hashed = 0
        for line in run.path.read_text().splitlines():
            record = json.loads(line)
            state = record["payload"].get("state")
            if state is None:
                assert record["state_sha256"] is None
                continue
            hashed += 1
            canonical = json.dumps(state, sort_keys=True, separators=(",", ":")).encode()
            assert record["state_sha256"] == sha256(canonical).hexdigest()
        assert hashed == 4

    async def test_samples_and_setpoints_can_be_rebuilt_from_the_record(self, run_twin):
        run = await run_twin(ScriptedConnector(days(3, ammonium=nan)), days=3)
        read = [e for e in run.events if isinstance(e, SampleRead)]
        trajectory = run.result.trajectories["R01"]
        assert [e.state.measured() for e in read] == [s.measured() for s in trajectory.states]
        assert tuple(e.in_force for e in read[1:]) == trajectory.setpoints

    async def test_observers_hear_of_facts_only(self, run_twin, tmp_path):
        heard = []

        def observer(event):
            lines = (tmp_path / "audit.jsonl").read_text().splitlines()
            heard.append((type(event).__name__, json.loads(lines[-1])["event"]))

        run = await run_twin(ScriptedConnector(days(2)), days=2, observers=(observer,))
        assert [h[0] for h in heard] == [type(e).__name__ for e in run.events]
        assert all(told == durable for told, durable in heard)

    async def test_an_alarm_is_raised_once_while_it_lasts_and_again_after_it_ended(self, run_twin):
        glucose = [3.0, 0.8, 0.7, 3.0, 3.0, 0.7]
        run = await run_twin(
            ScriptedConnector([make_state(day=d, glucose=g, viability=99.0) for d, g in enumerate(glucose)]), days=5
        )
        alarms = [a for a in run.of("AlarmRaised") if a.quantity == "glucose"]
        assert [(a.turn, a.level) for a in alarms] == [(1, "warn"), (5, "warn")]

    async def test_a_given_logger_names_the_run_everywhere(self, make_twin, tmp_path):
        logger = AuditLogger(tmp_path / "other.jsonl", run_id="mine-01")
        result = await make_twin(ScriptedConnector(days(1)), days=1, audit=logger).run()
        assert result.audit_path is None
        assert result.trajectories["R01"].run_id == "mine-01"
        assert verify(tmp_path / "other.jsonl").outcome == "COMPLETED"
        assert '"key":"mine-01:R01:0:0"' in (tmp_path / "other.jsonl").read_text()

    async def test_an_interruption_is_on_record(self, make_twin, tmp_path):
        class Waiting(ScriptedConnector):
            async def read_sample(self):
                try:
                    return await super().read_sample()
                except EndOfRun:
                    waiting.set()
                    await asyncio.Event().wait()

        waiting = asyncio.Event()
        connector = Waiting(days(2))
        task = asyncio.create_task(make_twin(connector, days=9).run())
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        report = verify(tmp_path / "audit.jsonl")
        assert report.is_intact
        assert not report.is_finished, "a run that is interrupted can go on"
        assert list(read_records(tmp_path / "audit.jsonl"))[-1].event == "RunInterrupted"
        assert len(connector.written) == 3

    async def test_an_unusable_source_is_refused_before_there_is_a_record(self, make_twin, tmp_path):
        with pytest.raises(UnreadableSource):
            await make_twin(ScriptedConnector([UnreadableSource(("line 2: not a number",))])).run()
        assert list(tmp_path.iterdir()) == []

    def test_no_vessel_is_refused(self, make_twin):
        with pytest.raises(ConfigError, match="No vessel"):
            make_twin({})
