"""`perfusio ladder`: who decides, what the MPC would choose, and a person's choice."""

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.errors import ConfigError
from perfusio.events import DeciderChanged
from perfusio.record.audit_logger import AuditLogger
from perfusio.twin.operators.orders import waiting

WHY = ("--who", "A. Smith", "--why", "The forecasts look odd.")


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def stepped(stopped_run):
    with AuditLogger.resumed(stopped_run / "audit.jsonl")[0] as log:
        log.append(
            DeciderChanged(
                reactor="R01", turn=1, culture_day=4.0, before="twin", decider="model-free-mpc", cause="failed",
                target=25.0, reason="The policy failed.",
            )
        )  # fmt: skip
    return stopped_run


def test_it_says_who_decides_and_what_the_mpc_would_choose(stepped):
    result = run("ladder", stepped)
    assert result.exit_code == 0, result.output
    assert "R01: model-free-mpc decides.\n  since culture day 4: The policy failed.\n" in result.stdout
    assert "to hold 25 1e6 cells/mL: perfusion_rate 1 -> " in result.stdout
    assert "BR 1/2: twin decides.\n  The model-free MPC, to hold 30 1e6 cells/mL: " in result.stdout
    assert "R99" not in result.stdout
    assert "R01" not in run("ladder", stepped, "BR 1/2").stdout


def test_status_says_it_too(stepped):
    assert "model-free-mpc decides: The policy failed." in run("status", stepped).stdout


def test_a_choice_is_an_order_and_hold_is_a_hold(stopped_run):
    result = run("ladder", stopped_run, "R01", "--to", "model-free-mpc", *WHY)
    assert result.exit_code == 0, result.output
    (one,) = waiting(stopped_run)
    assert (one.order.act, one.order.reactor, one.order.value) == ("ladder", "R01", "model-free-mpc")
    assert run("ladder", stopped_run, "R01", "--to", "hold", *WHY).exit_code == 0
    assert (stopped_run / "HOLD-R01").exists()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("--to", "wild", *WHY), "Known: twin, model-free-mpc"),
        (("--to", "twin"), "--who"),
        (WHY, "say --to twin"),
    ],
)
def test_what_is_no_choice_is_refused(stopped_run, asked, words):
    result = run("ladder", stopped_run, "R01", *asked)
    assert isinstance(result.exception, ConfigError)
    assert words in str(result.exception)
    assert waiting(stopped_run) == []
