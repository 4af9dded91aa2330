"""Samples that cannot be true, samples that are corrected, and days without a decision, in a whole run."""

import asyncio
from dataclasses import replace

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.events import AlarmChanged, AlarmRaised, SampleCorrected, SampleQuarantined, SampleRead
from perfusio.protocols import ConnectorKind
from perfusio.record.summary import Summary
from perfusio.record.verification.verify import read_records
from perfusio.selftest.loop.model_faults import Sick
from perfusio.selftest.quiet_vessel import QuietVessel, sample_of
from perfusio.testing import ManualClock, ScriptedConnector
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.resume import known_after

N_DAYS = 4


class Scripted(QuietVessel):
    """Gives these samples, one after the other."""

    def __init__(self, samples):
        super().__init__(len(samples) - 1)
        self._samples = samples

    async def read_sample(self):
        await super().read_sample()
        return self._samples[self._day]


def run(folder, samples, model=None, **asked):
    config = RunConfig(duration_days=N_DAYS, forecast_days=2, n_paths=16, run_dir=folder, **asked)
    twin = DigitalTwin(
        connector={"R01": Scripted(samples)}, design_space=DEFAULT_AMBR250_DESIGN_SPACE, run_config=config,
        model=model or SteadyModel(), policy=SteppingPolicy(),
    )  # fmt: skip
    result = asyncio.run(twin.run())
    records = list(read_records(folder / "audit.jsonl"))
    return result.trajectories["R01"], records, [r.to_event() for r in records]


def days(*numbers):
    return [sample_of(n) for n in numbers]


def test_a_unit_mixed_up_is_quarantined_and_the_run_goes_on(tmp_path):
    samples = days(0, 1, 2, 3, 4)
    samples[2] = replace(samples[2], viability=0.979)
    trajectory, _, events = run(tmp_path, samples)
    (refused,) = [e for e in events if isinstance(e, SampleQuarantined)]
    assert refused.turn == 2
    assert "fraction" in refused.reason
    assert [s.time_h for s in trajectory.states] == [0.0, 24.0, 72.0, 96.0]


def test_an_infinite_value_is_quarantined_and_the_run_goes_on(tmp_path):
    samples = days(0, 1, 2, 3, 4)
    samples[2] = replace(samples[2], titer=float("inf"))
    _, _, events = run(tmp_path, samples)
    (refused,) = [e for e in events if isinstance(e, SampleQuarantined)]
    assert refused.state.quality == {"titer": "inf was found"}


def test_a_correction_names_the_record_it_corrects_and_resume_knows_it(tmp_path):
    again = replace(sample_of(1), glucose=3.1)
    trajectory, records, events = run(tmp_path, [sample_of(0), sample_of(1), again, *days(2, 3, 4)])
    (corrected,) = [e for e in events if isinstance(e, SampleCorrected)]
    (first,) = [r.seq for r in records if r.event == SampleRead.__name__ and r.payload["state"]["time_h"] == 24.0]
    assert corrected.corrects == first
    assert [s.glucose for s in trajectory.states][:2] == [sample_of(0).glucose, 3.1]
    assert known_after(Summary.of(records)).trajectories["R01"] == trajectory


def test_days_without_a_decision_alarm_and_two_of_them_escalate(tmp_path):
    _, _, events = run(tmp_path, days(0, 1, 2, 3, 4), Sick(is_nan=True), fallback="hold")
    raised = [(e.turn, e.level) for e in events if isinstance(e, AlarmRaised) and e.quantity == "decision"]
    assert raised == [(0, "act"), (2, "escalated")]
    over = [(e.turn, e.alarm) for e in events if isinstance(e, AlarmChanged)]
    assert (2, "decision:act") in over


def test_a_sample_of_zeros_is_refused_with_one_alarm_and_the_truth_after_it_is_used(tmp_path):
    """A controller that restarted, an export of an empty cup: the run goes on, and a person is asked once."""
    samples = days(0, 1, 2, 3, 4)
    zeros = {name: 0.0 for name in samples[2].measured() if samples[2].panel[name].role not in ("size", "signal")}
    samples[2] = samples[2].with_values(**zeros)
    trajectory, _, events = run(tmp_path, samples)
    (refused,) = [e for e in events if isinstance(e, SampleQuarantined)]
    assert "exactly 0" in refused.reason
    assert [s.time_h for s in trajectory.states] == [0.0, 24.0, 72.0, 96.0]
    told = [(e.turn, e.quantity, e.level) for e in events if isinstance(e, AlarmRaised) and e.quantity == "refused"]
    assert told == [(2, "refused", "doubt")]
    assert (3, "refused:doubt") in [(e.turn, e.alarm) for e in events if isinstance(e, AlarmChanged)]


def test_a_false_low_that_was_believed_is_withdrawn_on_record_and_resume_knows_it(tmp_path):
    low = days(0, 1, 2, 3, 4)
    low[2] = low[2].with_values(viability=30.0, titer=60.0)
    trajectory, records, events = run(tmp_path, low)
    corrected = [e for e in events if isinstance(e, SampleCorrected)]
    if corrected:  # else it was refused at once
        assert "cannot both be true" in corrected[0].reason
        assert trajectory.at(48.0).measured() == {}
        assert known_after(Summary.of(records)).trajectories["R01"] == trajectory
    else:
        assert [e for e in events if isinstance(e, SampleQuarantined)]
    assert trajectory.states[-1].time_h == 96.0


async def test_a_sample_from_the_future_is_refused_and_the_right_one_awaited(run_twin, tmp_path):
    """A day that was typed as 30 instead of 2 must not make the days between pass as missed."""
    wrong = replace(sample_of(2), time_h=720.0)
    connector = ScriptedConnector(
        [sample_of(0), sample_of(1), wrong, sample_of(2), sample_of(3)], kind=ConnectorKind.HARDWARE
    )
    run = await run_twin(connector, days=3)
    (refused,) = run.of("SampleQuarantined")
    assert (refused.turn, refused.state.time_h) == (2, 720.0)
    assert "not so much time has passed" in refused.reason
    assert run.of("SampleMissing") == []
    assert [s.time_h for s in run.result.trajectories["R01"].states] == [0.0, 24.0, 48.0, 72.0]


class DatedConnector(ScriptedConnector):
    began = ManualClock().now()


async def test_a_first_sample_from_the_future_is_not_the_start(run_twin):
    connector = DatedConnector([sample_of(5), sample_of(0)], kind=ConnectorKind.HARDWARE)
    run = await run_twin(connector, days=1, clock=ManualClock())
    assert "is dated 2026-01-10" in run.of("SampleQuarantined")[0].reason
    assert run.twin.run_state.starts == {"R01": (0, 0.0)}
