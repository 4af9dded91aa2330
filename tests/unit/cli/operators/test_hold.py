"""`perfusio hold` and `perfusio release`."""

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.errors import ConfigError
from perfusio.twin.operators.orders import waiting
from perfusio.twin.state.hold import hold_on, holds

REASONS = ("--who", "AS", "--why", "The pump is noisy.")


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def held(folder, *vessels):
    return [hold_on(holds(folder, vessels), v) is not None for v in vessels]


def test_a_hold_holds_at_once_and_a_release_waits_for_the_twin(stopped_run):
    result = run("hold", stopped_run, "R01", *REASONS)
    assert result.exit_code == 0
    assert "R01: nothing is written from now on" in result.stdout
    assert "No twin runs here now; the hold stands when the run is resumed." in result.stdout
    assert held(stopped_run, "R01", "BR 1/2") == [True, False]
    result = run("release", stopped_run, "R01", *REASONS)
    assert "carried out when the run is resumed" in result.stdout
    assert "Until then the vessels stay held." in result.stdout
    assert held(stopped_run, "R01") == [True]
    ((order),) = [one.order for one in waiting(stopped_run)]
    assert (order.act, order.reactor, order.who) == ("release", "R01", "AS")
    assert "All vessels: nothing is written" in run("hold", stopped_run, *REASONS).stdout
    assert held(stopped_run, "R01", "BR 1/2") == [True, True]


def test_who_and_why_are_asked_for(stopped_run):
    result = run("hold", stopped_run)
    assert result.exit_code == 2
    assert "--who" in result.output
    for who, why in (
        ("A", "noise"),
        ("AS", "no"),
        ("A\x1b[2JS", "noise"),
        ("AS", "noise\nand more"),
        ("\udcff\udcff", "noise"),
    ):
        assert isinstance(run("hold", stopped_run, "--who", who, "--why", why).exception, ConfigError)
    assert held(stopped_run, "R01") == [False]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("R1", "R1 is not in this run; it has BR 1/2, R01. Did you mean 'R01'?"),
        ("r01", "Did you mean 'R01'?"),
        ("BR1/2", "BR1/2 is not in this run"),
        ("../R01", "../R01 is not in this run"),
        ("R01\x1b[2J", "R01\\x1b[2J is not"),
        ("R99", "R99 is not in this run any more: it has left. It has BR 1/2, R01."),
    ],
)
@pytest.mark.parametrize("act", ["hold", "release"])
def test_a_vessel_that_is_not_in_the_run_is_refused_and_nothing_is_left(stopped_run, act, name, words):
    result = run(act, stopped_run, name, *REASONS)
    assert isinstance(result.exception, ConfigError)
    assert words in str(result.exception)
    assert "nothing is written" not in result.output
    assert waiting(stopped_run) == []
    assert held(stopped_run, "R01") == [False]


def test_a_folder_that_holds_no_run_is_refused_with_those_that_do(stopped_run):
    outside = stopped_run.parent
    for place, words in (
        (outside, f"In {outside} these hold one: {stopped_run.name}."),
        (outside / "rnu", f"In {outside} these hold one: {stopped_run.name}."),
        (stopped_run / "audit.jsonl", f"Give a folder, {stopped_run}."),
    ):
        found = run("hold", place, *REASONS).exception
        assert isinstance(found, ConfigError)
        assert words in str(found)


def test_a_blank_around_a_name_makes_no_difference(stopped_run):
    assert run("hold", stopped_run, " BR 1/2", *REASONS).exit_code == 0
    assert held(stopped_run, "R01", "BR 1/2") == [False, True]


def test_nothing_can_be_asked_of_a_run_that_has_ended(ended_run):
    for arguments in (
        ("hold", ended_run),
        ("release", ended_run),
        ("mode", ended_run, "R01", "advisory"),
        ("adopt", ended_run),
        ("approve", ended_run, "R01"),
        ("accept", ended_run, "R01"),
        ("acknowledge", ended_run, "R01", "viability:act"),
    ):
        found = run(*arguments, *REASONS).exception
        assert isinstance(found, ConfigError), arguments
        assert "has ended (COMPLETED)" in str(found)
    assert waiting(ended_run) == []
