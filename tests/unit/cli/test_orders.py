"""`perfusio mode`, `approve`, `reject`: what they leave in the folder of a run, and what they refuse."""

import json

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.config import Mode
from perfusio.errors import AuditError, ConfigError
from perfusio.twin.orders import waiting

WHY = ("--who", "A. Smith", "--why", "The pump is noisy.")


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_a_mode_waits_for_the_run(tmp_path):
    (tmp_path / "audit.jsonl").touch()
    result = run("mode", tmp_path, "R01", "advisory", *WHY)
    assert result.exit_code == 0, result.output
    ((_, order),) = waiting(tmp_path)
    assert (order.act, order.reactor, order.value, order.who) == ("mode", "R01", "advisory", "A. Smith")
    assert isinstance(run("mode", tmp_path, "R01", "wild", *WHY).exception, ConfigError)
    assert isinstance(run("approve", tmp_path, "R01", *WHY).exception, AuditError)


@pytest.mark.parametrize("act", ["approve", "reject"])
def test_advice_is_named_by_its_key(tmp_path, act, replayed_advice):
    result = run(act, replayed_advice, "R01", *WHY)
    assert result.exit_code == 0, result.output
    assert "the advice of turn 1" in result.stdout
    assert "perfusion_rate" in result.stdout
    ((_, order),) = waiting(replayed_advice)
    decided = [json.loads(line) for line in (replayed_advice / "audit.jsonl").read_text().splitlines()]
    assert order.value == [r["payload"]["key"] for r in decided if r["event"] == "Decided"][-1]


def test_without_advice_there_is_nothing_to_approve(replayed_advice):
    found = run("approve", replayed_advice, "R02", *WHY).exception
    assert isinstance(found, ConfigError)
    assert "There is no vessel R02" in str(found)


@pytest.fixture
def replayed_advice(tmp_path):
    """An unfinished run with advice of day 1 that waits."""
    from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
    from perfusio.events import Decided, SampleRead, Withheld
    from perfusio.testing import make_state
    from perfusio.twin import facts
    from perfusio.twin.audit import AuditLogger

    space = DEFAULT_AMBR250_DESIGN_SPACE
    config = RunConfig(duration_days=5, run_dir=tmp_path)
    with AuditLogger(tmp_path / "audit.jsonl", run_id="run-1") as log:
        log.append(facts.started(config, space, {"R01": Mode.ADVISORY}, {"R01": {"kind": "hardware"}}))
        for day in (0, 1):
            log.append(SampleRead(reactor="R01", turn=day, state=make_state(day=day), in_force=space.nominal))
            log.append(
                Decided(
                    reactor="R01", turn=day, key=f"run-1:R01:{day}:0", setpoints=space.nominal, chosen={}, hold={},
                    why={}, acquisition="LogEI", score=0.0, model_id="m",
                )
            )  # fmt: skip
            log.append(Withheld(reactor="R01", turn=day, action="advise", because=("Advisory.",)))
    return tmp_path


def test_an_alarm_is_acknowledged_or_shelved_and_a_refit_adopted(tmp_path):
    (tmp_path / "audit.jsonl").touch()
    for arguments in (
        ("acknowledge", tmp_path, "R01", "viability:act", *WHY),
        ("acknowledge", tmp_path, "R01", "viability:act", *WHY, "--shelve-hours", "8"),
        ("adopt", tmp_path, *WHY),
    ):
        assert run(*arguments).exit_code == 0
    assert [(o.act, o.value, o.hours) for _, o in waiting(tmp_path)] == [
        ("acknowledge", "viability:act", 0.0), ("shelve", "viability:act", 8.0), ("adopt", "", 0.0),
    ]  # fmt: skip


def test_a_quarantined_sample_is_accepted_by_its_hour(replayed_advice):
    from perfusio.events import SampleQuarantined
    from perfusio.testing import make_state
    from perfusio.twin.audit import AuditLogger

    refused = run("accept", replayed_advice, "R01", *WHY).exception
    assert isinstance(refused, ConfigError)
    assert "Found, by hour of culture: none." in str(refused)
    log, _ = AuditLogger.resumed(replayed_advice / "audit.jsonl")
    for day in (2, 3):
        log.append(SampleQuarantined(reactor="R01", turn=day, state=make_state(day=day), reason="Too many cells."))
    log.close()
    assert "vcd 20" in run("accept", replayed_advice, "R01", *WHY).stdout
    assert run("accept", replayed_advice, "R01", "--hour", "48", *WHY).exit_code == 0
    assert "by hour of culture: 48, 72." in str(run("accept", replayed_advice, "R01", "--hour", "24", *WHY).exception)
    assert [(o.act, o.reactor, o.value) for _, o in waiting(replayed_advice)] == [
        ("accept", "R01", "72.0"), ("accept", "R01", "48.0"),
    ]  # fmt: skip
