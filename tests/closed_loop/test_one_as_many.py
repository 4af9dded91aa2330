"""One vessel behaves as one of many, from the command line and from Python, over every kind of source."""

import pytest

from perfusio.cli.selftest import from_toml
from perfusio.selftest.loop.one_as_many import (
    REFUSED_ON,
    ROADS,
    STAGES,
    File,
    Server,
    behind_a_facade,
    differing,
    played,
)


@pytest.mark.parametrize("stage", [s for s in STAGES if s is not Server], ids=lambda s: s.kind)
def test_the_same_vessel_gives_the_same_events_on_every_road(stage):
    assert differing(stage, from_toml) == []


@pytest.fixture(scope="module")
def over_opcua():
    """What is told of R01 on each road; making a server takes seconds."""
    return {road: played(Server, road, from_toml) for road in ROADS}


def test_over_opcua_too(over_opcua):
    assert [road for road in ROADS if over_opcua[road] != over_opcua[ROADS[-1]]] == []


def test_over_opcua_one_vessel_has_heartbeat_report_restore_and_release(over_opcua):
    told = over_opcua["Python"]
    assert {"Beating", "Reporting", "Leased", "Dated", "Described"} <= {name for name, able, *_ in told if able is True}
    assert ("heartbeat", True) in told
    events = [(name, turn) for name, turn, *_ in told if name.startswith(("Write", "Setpoints")) and turn is not None]
    assert ("WriteRestored", REFUSED_ON) in events
    assert ("SetpointsWritten", REFUSED_ON + 1) in events  # released, and the connector knows it
    assert ("OperatorActed", True) in [(fact[0], dict(fact[4:]).get("is_done")) for fact in told if len(fact) > 4]


def test_an_ability_that_is_hidden_behind_a_facade_is_noticed():
    usual = played(File, ROADS[-1])
    with behind_a_facade():
        assert played(File, "Python") != usual
