"""Whatever fails, nothing unsound is written, the run goes on where it can, and the record says what happened."""

import asyncio
import errno
from dataclasses import replace
from math import inf, nan
from threading import Event

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import AuditError, ModelError, NotConnected, SampleOverdue, WriteRejected
from perfusio.protocols import ConnectorKind, Refit
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.journal import SystemDisk
from perfusio.record.verification.verify import read_records, verify
from perfusio.state import Setpoints
from perfusio.testing import ScriptedConnector, make_state
from perfusio.twin.alarms.alarm_handling import Lookout
from perfusio.twin.deciding import model_and_policy

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
BAD_DAY = 2


def days(n, **values):
    return [make_state(day=d, **values) for d in range(n + 1)]


def faulty(base, answer):
    """A policy that is good but for its answer on one day."""

    class Faulty(type(base)):
        def decide(self, trajectories, in_force, model, design_space, config, *, day):
            good = super().decide(trajectories, in_force, model, design_space, config, day=day)
            return answer(good) if day == BAD_DAY else good

    return Faulty()


def changed(**fields):
    return lambda good: {r: replace(d, **fields) for r, d in good.items()}


def raising(error):
    def answer(good):
        raise error

    return answer


def with_forecast(mean=None, samples=None):
    def answer(good):
        d = good["R01"]
        f = replace(d.chosen, **({"mean": mean(d.chosen.mean)} if mean else {"samples": samples(d.chosen.samples)}))
        return {"R01": replace(d, chosen=f)}

    return answer


NONSENSE = {
    "raises": raising(RuntimeError("boom")),
    "raises a PerfusioError": raising(ModelError("no")),
    "None": lambda good: None,
    "empty": lambda good: {},
    "a number": lambda good: 3.0,
    "text for a decision": lambda good: {"R01": "bleed more"},
    "an error": lambda good: {"R01": ModelError("No decision for R01.")},
    "NaN setpoint": changed(setpoints=replace(NOMINAL, bleed_rate=nan)),
    "infinite setpoint": changed(setpoints=replace(NOMINAL, bleed_rate=inf)),
    "no setpoints": changed(setpoints=None),
    "setpoint outside": changed(setpoints=replace(NOMINAL, temperature=39.0)),
    "setpoint too far": changed(setpoints=replace(NOMINAL, temperature=35.1)),
    "NaN score": changed(score=nan),
    "infinite score": changed(score=inf),
    "no forecast": changed(chosen=None),
    "NaN forecast": with_forecast(mean=lambda m: m * nan),
    "impossible forecast": with_forecast(mean=lambda m: m * 0 - 1.0),
    "forecast of three species": with_forecast(mean=lambda m: m[:, :3]),
    "infinite paths": with_forecast(samples=lambda s: s * inf),
    "infinite improvement": lambda good: changed(reason=replace(good["R01"].reason, improvement=inf))(good),
    "the decision of another vessel": changed(reactor_id="R07"),
}  # fmt: skip


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE.keys())
async def test_a_policy_that_fails_costs_that_day_only(run_twin, alternating, answer):
    connector = ScriptedConnector(days(4))
    run = await run_twin(connector, policy=faulty(alternating, answer), fallback="hold")
    assert run.result.outcome.name == "COMPLETED"
    assert run.result.n_samples == 5
    (withheld,) = run.of("Withheld")
    assert (withheld.turn, withheld.action, withheld.reactor) == (BAD_DAY, "hold", "R01")
    assert withheld.reason
    assert run.of("WriteIntended", day=BAD_DAY) == []
    assert [e.turn for e in run.of("SetpointsWritten")] == [0, 1, 3]
    assert all(DEFAULT_AMBR250_DESIGN_SPACE.contains(u) for u in connector.written)


async def test_a_policy_cannot_write_to_a_vessel_that_it_was_not_asked_about(run_twin, alternating):
    """R02 has no sample on the bad day; a policy that answers for it anyway is not heard."""
    silent = ScriptedConnector([*days(1), SampleOverdue("Nothing."), make_state(day=3), make_state(day=4)])

    def for_both(good):
        return good | {"R02": replace(good["R01"], reactor_id="R02")}

    run = await run_twin({"R01": ScriptedConnector(days(4)), "R02": silent}, policy=faulty(alternating, for_both))
    assert run.of("Decided", "WriteIntended", "Withheld", reactor="R02", day=BAD_DAY) == []
    assert len(silent.written) == 3


class TestModel:
    def failing(self, base, **methods):
        """The model with some methods replaced from `BAD_DAY` on for one call."""
        return type("Failing", (type(base),), methods)()

    @pytest.mark.parametrize(
        "answer", [lambda: 1 / 0, lambda: None, lambda: "a model"], ids=["raises", "None", "nonsense"]
    )
    async def test_conditioning_that_fails_keeps_the_model(self, run_twin, persistence, answer):
        def condition(self, trajectories):
            return answer() if len(trajectories[0].states) == BAD_DAY + 1 else self

        run = await run_twin(ScriptedConnector(days(4)), model=self.failing(persistence, condition=condition))
        assert run.counts == ("COMPLETED", 5, 4)
        (rejected,) = run.of("ModelRejected")
        assert rejected.turn == BAD_DAY
        assert "stays in use" in rejected.reason
        assert [e.turn for e in run.of("ModelConditioned")] == [0, 1, 3, 4]
        assert run.twin.model.version == 1  # the refit of day 3 found a model to start from

    @pytest.mark.parametrize("which", ["raises", "None", "NaN"])
    async def test_a_model_that_cannot_forecast_writes_nothing_that_day(self, run_twin, persistence, which):
        good = type(persistence)()

        def rollout(self, trajectory, plans, **settings):
            forecasts = good.rollout(trajectory, plans, **settings)
            if len(trajectory.states) not in (BAD_DAY + 1, 5):  # a bad day, and the last one, which is not decided
                return forecasts
            if which == "raises":
                raise np.linalg.LinAlgError("singular")
            return None if which == "None" else tuple(replace(f, mean=f.mean * nan) for f in forecasts)

        connector = ScriptedConnector(days(4))
        run = await run_twin(connector, model=self.failing(persistence, rollout=rollout), fallback="hold")
        assert run.result.outcome.name == "COMPLETED"
        assert [e.turn for e in run.of("Withheld")] == [BAD_DAY]
        assert [e.turn for e in run.of("SetpointsWritten")] == [0, 1, 3]
        assert [e.turn for e in run.of("ModelRejected")] == [4]  # the missing forecast is not passed over in silence

    @pytest.mark.parametrize(
        ("errors", "accepted"),
        [((1.0, 1.0), True), ((1.09, 1.0), True), ((1.11, 1.0), False), ((nan, 1.0), False), ((inf, 1.0), False)],
    )
    async def test_a_refit_that_is_worse_is_refused(self, run_twin, persistence, errors, accepted):
        run = await run_twin(ScriptedConnector(days(4)), model=replace(persistence, errors=errors), retrain_every=3)
        assert len(run.of("ModelFitted")) == accepted
        assert len(run.of("ModelRejected")) == 1 - accepted
        assert run.twin.model.version == accepted
        assert run.counts == ("COMPLETED", 5, 4)

    @pytest.mark.parametrize(
        "answer", [lambda: 1 / 0, lambda: None, lambda: Refit(None, 1.0, 1.0)], ids=["raises", "None", "no model"]
    )
    async def test_a_refit_that_fails_keeps_the_model(self, run_twin, persistence, answer):
        def refit(self, trajectories, *, seed):
            return answer()

        run = await run_twin(ScriptedConnector(days(4)), model=self.failing(persistence, refit=refit), retrain_every=2)
        assert run.counts == ("COMPLETED", 5, 4)
        assert [e.turn for e in run.of("ModelRejected")] == [2]
        assert run.twin.model.version == 0

    async def test_a_refit_that_takes_too_long_is_not_waited_for(self, run_twin, persistence, monkeypatch):
        monkeypatch.setattr(model_and_policy, "REFIT_SHARE", 1e-9)
        is_over = Event()

        def refit(self, trajectories, *, seed):
            is_over.wait(60)
            return Refit(self, 0.0, 1.0)

        try:
            run = await run_twin(
                ScriptedConnector(days(4)), model=self.failing(persistence, refit=refit), retrain_every=2
            )
        finally:
            is_over.set()
        assert run.counts == ("COMPLETED", 5, 4)
        (rejected,) = run.of("ModelRejected")
        assert rejected.reason == "It took longer than 1.44e-06 minutes. The model before stays in use."
        assert run.twin.model.version == 0


class TestSamples:
    @pytest.mark.parametrize("bad", [{"vcd": -1.0}, {"viability": 140.0}, {"time_h": nan}])
    async def test_an_impossible_sample_is_set_aside_and_decides_nothing(self, run_twin, bad):
        sample = make_state(**({"day": 2} | bad)) if "time_h" not in bad else make_state(**bad)
        script = [*days(1), sample, make_state(day=3), make_state(day=4)]
        run = await run_twin(ScriptedConnector(script))
        assert run.counts == ("COMPLETED", 4, 3)
        (quarantined,) = run.of("SampleQuarantined")
        assert quarantined.reason
        assert run.of("Decided", day=2) == []
        assert 48.0 not in run.result.trajectories["R01"].times_h

    async def test_blind_for_more_than_two_days_is_held_until_a_value_comes(self, run_twin):
        samples = [make_state(day=d, **({"vcd": nan} if d in (1, 2, 3) else {})) for d in range(6)]
        run = await run_twin(ScriptedConnector(samples), days=5)
        assert [e.turn for e in run.of("Withheld")] == [3]
        assert "vcd was not measured since hour 0" in run.of("Withheld")[0].reason
        assert [e.turn for e in run.of("SetpointsWritten")] == [0, 1, 2, 4]


class FailingDisk(SystemDisk):
    def __init__(self):
        self.is_broken = False

    def write(self, fd, data):
        if self.is_broken:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(fd, data)


class TestJournal:
    @pytest.mark.parametrize("fact", ["SampleRead", "Decided", "WriteIntended", "SetpointsWritten"])
    async def test_without_a_record_nothing_is_written_any_more_and_it_fails_loudly(self, make_twin, tmp_path, fact):
        """The disk fills up right after the named fact of day 1."""
        disk, connectors = FailingDisk(), {r: ScriptedConnector(days(5)) for r in ("R01", "R02")}

        def observer(event):
            if (event.turn, event.reactor, type(event).__name__) == (1, "R01", fact):
                disk.is_broken = True

        logger = AuditLogger(tmp_path / "audit.jsonl", disk=disk)
        with pytest.raises(AuditError):
            await make_twin(connectors, days=5, audit=logger, observers=(observer,)).run()
        logger.close()
        # an intent that is durable may be carried out; nothing comes after it
        n_first = 2 if fact in ("WriteIntended", "SetpointsWritten") else 1
        n_second = 2 if fact == "SetpointsWritten" else 1  # both intents were durable: vessels are written side by side
        assert [len(c.written) for c in connectors.values()] == [n_first, n_second]
        report = verify(tmp_path / "audit.jsonl")
        assert report.is_intact
        assert not report.is_finished

    async def test_an_unfinished_record_is_refused_before_anything_is_written(self, make_twin, tmp_path):
        disk = FailingDisk()

        def breaks(_):
            disk.is_broken = True

        logger = AuditLogger(tmp_path / "audit.jsonl", disk=disk)
        with pytest.raises(AuditError):
            await make_twin(ScriptedConnector(days(1)), days=1, audit=logger, observers=(breaks,)).run()
        logger.close()
        connector = ScriptedConnector(days(1))
        with pytest.raises(AuditError):
            await make_twin(connector, days=1).run()
        assert connector.written == []

    async def test_a_broken_observer_is_on_record_and_costs_no_run(self, run_twin):
        def observer(event):
            if type(event).__name__ == "Decided":
                raise ZeroDivisionError("a broken progress bar")

        run = await run_twin(ScriptedConnector(days(3)), days=3, observers=(observer,))
        (failed,) = run.of("ConnectorFailed")
        assert (failed.operation, failed.reactor) == ("observer", None)
        assert failed.reason.startswith("ZeroDivisionError: a broken progress bar.")
        assert run.counts == ("COMPLETED", 4, 3)

    async def test_a_failure_of_our_own_is_on_record_and_loud(self, make_twin, tmp_path, monkeypatch):
        monkeypatch.setattr(Lookout, "after_decisions", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await make_twin(ScriptedConnector(days(3))).run()
        report = verify(tmp_path / "audit.jsonl")
        assert report.is_intact
        assert not report.is_finished, "only a person, the planned length, or the end of its source closes a run"
        last = list(read_records(tmp_path / "audit.jsonl"))[-1]
        assert last.event == "RunInterrupted"
        assert last.reason.startswith("ZeroDivisionError: division by zero")


class TestTwoVessels:
    def troubled(self):
        return {
            "misses a day": ScriptedConnector([*days(1), SampleOverdue("Late."), *days(4)[3:]]),
            "has a gap": ScriptedConnector([s for s in days(4) if s.day != 2]),
            "loses its link": ScriptedConnector([*days(1), NotConnected("Cable."), *days(4)[3:]]),
            "breaks its promise": ScriptedConnector([*days(1), ValueError("in a driver"), *days(4)[3:]]),
            "ends": ScriptedConnector(days(1)),
            "is overdue at the start": ScriptedConnector([SampleOverdue("Late."), *days(4)[1:]]),
            "reports nonsense": ScriptedConnector([*days(1), make_state(day=2, vcd=-5.0), *days(4)[3:]]),
            "refuses writes": ScriptedConnector(days(4), write_script=[WriteRejected("No.")] * 4),
            "breaks at a write": ScriptedConnector(days(4), write_script=[OSError("socket")] * 4),
            "is mute": ScriptedConnector(days(4), setpoints=Setpoints(), kind=ConnectorKind.REPLAY),
        }

    async def test_one_vessels_trouble_changes_nothing_for_the_other(self, run_twin, tmp_path):
        alone = ScriptedConnector(days(4))
        reference = await run_twin({"R01": alone}, run_dir=tmp_path / "alone")
        wanted = [(e.turn, e.setpoints, e.chosen, e.hold) for e in reference.of("Decided")]
        for what, other in self.troubled().items():
            for names in (("R01", "R02"), ("R00", "R01")):  # the troubled vessel comes second, or first
                good = ScriptedConnector(days(4))
                connectors = {n: good if n == "R01" else self.troubled()[what] for n in names}
                run = await run_twin(connectors, run_dir=tmp_path / f"{what} {names[0]}")
                decided = [(e.turn, e.setpoints, e.chosen, e.hold) for e in run.of("Decided", reactor="R01")]
                assert decided == wanted, what
                assert good.written == alone.written, what
                assert run.result.outcome.name == "COMPLETED", what
            assert other.kind is not None

    async def test_a_slow_vessel_delays_but_does_not_change_the_other(self, run_twin):
        class Slow(ScriptedConnector):
            async def read_sample(self):
                for _ in range(20):
                    await asyncio.sleep(0)
                return await super().read_sample()

        connectors = {"R01": ScriptedConnector(days(4)), "R02": Slow(days(4))}
        run = await run_twin(connectors)
        assert run.counts == ("COMPLETED", 10, 8)
        assert connectors["R01"].written == connectors["R02"].written

    async def test_the_source_is_exhausted_when_all_are(self, run_twin):
        run = await run_twin({"R01": ScriptedConnector(days(1)), "R02": ScriptedConnector(days(3))}, days=9)
        assert run.counts == ("SOURCE_EXHAUSTED", 6, 6)
        assert run.of("SampleMissing") == []
