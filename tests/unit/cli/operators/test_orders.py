"""`perfusio mode`, `approve`, `reject`, ...: what they leave in the folder of a run, and what they refuse."""

import asyncio

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.cli.operators import asking
from perfusio.cli.operators.asking import NotDone
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode, RunConfig
from perfusio.errors import ConfigError
from perfusio.events import AlarmRaised, SampleQuarantined
from perfusio.protocols import ConnectorKind
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.journal import writer_of
from perfusio.testing import ScriptedConnector, make_state
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.operators import order_processor
from perfusio.twin.operators.orders import waiting
from perfusio.twin.run_view import view

WHY = ("--who", "A. Smith", "--why", "The pump is noisy.")


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def ordered(folder):
    return [(o.act, o.reactor, o.value) for o in (one.order for one in waiting(folder))]


def test_a_mode_waits_for_the_run(stopped_run):
    result = run("mode", stopped_run, "BR 1/2", "advisory", *WHY)
    assert result.exit_code == 0, result.output
    assert "No twin runs here now: it is carried out when the run is resumed" in result.stdout
    assert ordered(stopped_run) == [("mode", "BR 1/2", "advisory")]
    assert isinstance(run("mode", stopped_run, "R01", "wild", *WHY).exception, ConfigError)
    assert isinstance(run("mode", stopped_run, "R1", "manual", *WHY).exception, ConfigError)
    assert len(waiting(stopped_run)) == 1


@pytest.mark.parametrize("act", ["approve", "reject"])
def test_advice_is_named_by_its_key_and_told_by_its_culture_day(act, stopped_run):
    result = run(act, stopped_run, "R01", *WHY)
    assert result.exit_code == 0, result.output
    assert "R01: the advice of culture day 4: perfusion_rate 1 1/day" in result.stdout
    assert ordered(stopped_run) == [(act, "R01", "run-1:R01:1:0")]


def test_without_advice_there_is_nothing_to_approve(stopped_run):
    assert "No advice for BR 1/2 waits" in str(run("approve", stopped_run, "BR 1/2", *WHY).exception)
    assert "R02 is not in this run; it has BR 1/2, R01." in str(run("approve", stopped_run, "R02", *WHY).exception)


def test_an_alarm_is_acknowledged_or_shelved_and_a_refit_adopted(stopped_run):
    log, _ = AuditLogger.resumed(stopped_run / "audit.jsonl")
    for reactor, quantity in (("R01", "viability"), (None, "delivery")):
        log.append(
            AlarmRaised(
                reactor=reactor,
                turn=1,
                quantity=quantity,
                level="act",
                value=90.0,
                limit=92.0,
                lead_days=0.0,
                response="Look.",
            )
        )
    log.close()
    for arguments in (
        ("acknowledge", stopped_run, "R01", "viability:act", *WHY),
        ("acknowledge", stopped_run, "R01", "viability:act", *WHY, "--shelve-hours", "8"),
        ("acknowledge", stopped_run, "-", "delivery:act", *WHY),
        ("adopt", stopped_run, *WHY),
    ):
        assert run(*arguments).exit_code == 0
    assert ordered(stopped_run) == [
        ("acknowledge", "R01", "viability:act"),
        ("shelve", "R01", "viability:act"),
        ("acknowledge", "", "delivery:act"),
        ("adopt", "", ""),
    ]
    found = run("acknowledge", stopped_run, "R01", "glucose:act", *WHY).exception
    assert str(found) == "R01 has no such alarm now. Active: viability:act."


def test_a_quarantined_sample_is_accepted_by_its_hour(stopped_run):
    refused = run("accept", stopped_run, "R01", *WHY).exception
    assert isinstance(refused, ConfigError)
    assert "Found, by hour of culture: none." in str(refused)
    log, _ = AuditLogger.resumed(stopped_run / "audit.jsonl")
    for day in (5, 6):
        state = make_state(day=day)
        log.append(SampleQuarantined(reactor="R01", turn=day - 3, state=state, reason="Too many cells."))
    log.close()
    said = run("accept", stopped_run, "R01", *WHY).stdout
    assert "R01: the sample of hour 144, culture day 6: vcd 20" in said
    assert run("accept", stopped_run, "R01", "--hour", "120", *WHY).exit_code == 0
    words = str(run("accept", stopped_run, "R01", "--hour", "24", *WHY).exception)
    assert "by hour of culture: 120 (culture day 5), 144 (culture day 6)." in words
    assert ordered(stopped_run) == [("accept", "R01", "144.0"), ("accept", "R01", "120.0")]


# -- with a twin that runs -------------------------------------------------------------------------------------------


class Waiting(ScriptedConnector):
    """A vessel whose third sample comes when a test says so."""

    def __init__(self):
        super().__init__([make_state(day=d) for d in range(3)], kind=ConnectorKind.HARDWARE)
        self.go_on, self.n_read = asyncio.Event(), 0

    async def read_sample(self):
        self.n_read += 1
        if self.n_read > 2:
            await self.go_on.wait()
        return await super().read_sample()


@pytest.fixture
def running(tmp_path, monkeypatch):
    """Have a twin run that waits for its third sample, with advice of day 1, while a person types commands."""
    monkeypatch.setattr(order_processor, "LOOKS_EVERY_S", 0.02)
    monkeypatch.setattr(asking, "LOOKS_EVERY_S", 0.02)
    monkeypatch.setattr(asking, "ANSWER_S", 20.0)

    async def while_it_runs(*commands):
        vessel = Waiting()
        config = RunConfig(duration_days=2, n_paths=16, forecast_days=2, run_dir=tmp_path, retrain_every=9)
        twin = DigitalTwin(
            connector={"BR 1/2": vessel},
            design_space=DEFAULT_AMBR250_DESIGN_SPACE,
            run_config=config,
            model=SteadyModel(),
            policy=SteppingPolicy(),
        )
        task = asyncio.ensure_future(twin.run())
        while vessel.n_read < 3 or twin.run_state.today.turn < 2:
            await asyncio.sleep(0.01)
        results = [await asyncio.to_thread(run, *command, *WHY) for command in commands]
        vessel.go_on.set()
        await task
        return results, vessel, twin

    return while_it_runs, tmp_path


async def test_the_answer_of_the_running_twin_is_printed(running):
    while_it_runs, folder = running
    (approved, again, hold, automatic, release, adopt), vessel, _ = await while_it_runs(
        ("approve", folder, "BR 1/2"),
        ("reject", folder, "BR 1/2"),
        ("hold", folder),
        ("mode", folder, "BR 1/2", "automatic"),
        ("release", folder),
        ("adopt", folder),
    )
    assert "BR 1/2: approved.\nBR 1/2: the vessel has taken the setpoints." in approved.stdout
    assert len(vessel.written) == 1
    assert isinstance(again.exception, ConfigError)  # it does not wait any more
    assert "The running twin has put it on record." in hold.stdout
    assert "BR 1/2: NOT done. All vessels are held (A. Smith: The pump is noisy.)" in automatic.stdout
    assert isinstance(automatic.exception, NotDone)
    assert "BR 1/2: released." in release.stdout
    assert "NOT done. No refit waits for approval." in adopt.stdout
    assert adopt.exception.exit_code == 1
    assert writer_of(folder / "audit.jsonl") is None, "the lock is free again"
    assert view(folder).ended.outcome == "COMPLETED"
    assert waiting(folder) == []


async def test_a_twin_that_does_not_answer_is_said_and_not_taken_for_done(running, monkeypatch):
    while_it_runs, folder = running
    monkeypatch.setattr(asking, "ANSWER_S", 0.2)
    monkeypatch.setattr(order_processor.Desk, "obey", lambda self: asyncio.sleep(0))
    monkeypatch.setattr(order_processor.Desk, "stay_open", lambda self: asyncio.Event().wait())
    (mode, hold), _, twin = await while_it_runs(("mode", folder, "BR 1/2", "manual"), ("hold", folder, "BR 1/2"))
    assert isinstance(mode.exception, NotDone)
    assert "has not answered within 0.2 s. The order is not confirmed" in str(mode.exception)
    assert "It holds all the same" in hold.stdout
    assert twin.mode("BR 1/2") is Mode.HOLD
