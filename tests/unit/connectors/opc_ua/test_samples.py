"""When a sample is new, what is in it, and what is said of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isnan, nan

import pytest

from perfusio.connectors.opc_ua.node_map import node_map_of
from perfusio.connectors.opc_ua.samples import Reading, Seen, next_sample, seen_before
from perfusio.errors import UnreadableSource
from perfusio.protocols import NOT_USED, Standing
from perfusio.state import Setpoints

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
NODES = {n: f"rig:s={n}" for n in ("vcd", "glucose", "titer")}


def vessel(*, number):
    sample = {"time": "rig:s=time", "number": "rig:s=number"} if number else {"inoculated": START}
    late = {"titer": {"node": "rig:s=titer", "unchanged": "missing"}}
    told = {"namespaces": {"rig": "urn:rig"}, "vessels": {"R01": "R01"}, "sample": sample, "measured": NODES | late}
    return node_map_of(told).vessels["R01"]


COUNTED, TIMED = vessel(number=True), vessel(number=False)


def readings(of, *, number=1.0, time=24.0, at=24.0, status="Good", **values):
    """Readings of all tags, taken `at` hours after the start; a value may be a Reading."""
    stamp = START + timedelta(hours=at)
    found = {}
    for tag in of.sample_tags():
        value = {"number": number, "time": time, **values}.get(tag.name, 5.0)
        found[tag] = value if isinstance(value, Reading) else Reading(value=value, status=status, source_time=stamp)
    return found


def test_a_new_number_is_a_new_sample_and_the_same_is_none():
    state, seen = next_sample(COUNTED, readings(COUNTED, vcd=20.0), Seen())
    assert (state.time_h, state.vcd, seen.number) == (24.0, 20.0, 1.0)
    assert next_sample(COUNTED, readings(COUNTED, vcd=21.0), seen) == (None, seen)
    state, seen = next_sample(COUNTED, readings(COUNTED, number=2.0, time=48.0), seen)
    assert (state.time_h, seen.n_unread) == (48.0, 0)


def test_a_number_that_jumps_tells_how_many_were_missed():
    _, seen = next_sample(COUNTED, readings(COUNTED, number=1.0), Seen())
    _, seen = next_sample(COUNTED, readings(COUNTED, number=4.0), seen)
    assert seen.n_unread == 2
    _, seen = next_sample(COUNTED, readings(COUNTED, number=1.0), seen)  # the server began to count anew
    assert seen.n_unread == 2


def test_a_late_value_comes_alone_and_once():
    missing = Reading(value=nan, status="BadNoData")
    state, seen = next_sample(COUNTED, readings(COUNTED, titer=missing), Seen())
    assert isnan(state.titer)
    late, seen = next_sample(COUNTED, readings(COUNTED, titer=410.0, vcd=99.0, at=30.0), seen)
    assert (late.time_h, late.measured()) == (24.0, {"titer": 410.0})
    assert late.quality["titer"].startswith("Good; source 2026-11-03T15:00:00")
    assert next_sample(COUNTED, readings(COUNTED, titer=500.0), seen)[0] is None


@pytest.mark.parametrize(
    ("status", "value", "used", "said"),
    [
        ("Good", 5.0, 5.0, "Good; source"),
        ("UncertainLastUsableValue", 5.0, 5.0, "UncertainLastUsableValue; source"),
        ("BadSensorFailure", 5.0, None, "BadSensorFailure; source"),
        ("Good", nan, None, "Good, but not a number; source"),
        ("Good", float("inf"), None, "Good, but not a number; source"),
    ],
)
def test_status_codes(status, value, used, said):
    reading = Reading(value=value, status=status, source_time=START, server_time=START)
    state, _ = next_sample(COUNTED, readings(COUNTED, glucose=reading), Seen())
    assert isnan(state.glucose) if used is None else state.glucose == used
    assert state.quality["glucose"].startswith(said)
    assert state.quality["glucose"].endswith("; server 2026-11-02T09:00:00.000Z")


def test_a_bad_number_is_no_sample():
    bad = Reading(value=nan, status="BadCommunicationError")
    assert next_sample(COUNTED, readings(COUNTED, number=bad), Seen())[0] is None


def test_by_source_time_two_looks_must_agree_and_old_values_do_not_count():
    first, seen = next_sample(TIMED, readings(TIMED), Seen())
    assert first is None  # it may be half written
    first, seen = next_sample(TIMED, readings(TIMED), seen)
    assert (first.time_h, first.vcd) == (24.0, 5.0)
    assert next_sample(TIMED, readings(TIMED), seen)[0] is None
    old = Reading(value=5.0, status="Good", source_time=START + timedelta(hours=24))
    half = readings(TIMED, at=48.0, titer=old, glucose=old)
    state, seen = next_sample(TIMED, half, seen)
    assert state is None
    whole = readings(TIMED, at=48.0, titer=old)
    state, seen = next_sample(TIMED, whole, seen)
    assert state is None
    state, seen = next_sample(TIMED, whole, seen)
    assert (state.time_h, state.measured()) == (48.0, {"vcd": 5.0, "glucose": 5.0})


@pytest.mark.parametrize("time", [nan, -1.0, Reading(value=3.0, status="BadOutOfService")])
def test_a_sample_without_a_time_is_refused(time):
    with pytest.raises(UnreadableSource, match="no usable time"):
        next_sample(COUNTED, readings(COUNTED, time=time), Seen())


def test_before_inoculation_there_is_no_time():
    _, seen = next_sample(TIMED, readings(TIMED, at=-2.0), Seen())
    with pytest.raises(UnreadableSource, match="source time 2026-11-02T07:00:00"):
        next_sample(TIMED, readings(TIMED, at=-2.0), seen)


def resumed(*states, refused=()):
    return seen_before(Standing(states=states, refused=refused, in_force=Setpoints(), done=None, source={}))


def test_after_a_resume_a_sample_with_a_number_is_known_by_its_time():
    missing = Reading(value=nan, status="BadNoData")
    first, _ = next_sample(COUNTED, readings(COUNTED, titer=missing), Seen())
    for seen in (resumed(first), resumed(refused=(first,))):
        state, seen = next_sample(COUNTED, readings(COUNTED, titer=missing), seen)
        assert state is None
        late, seen = next_sample(COUNTED, readings(COUNTED, titer=410.0), seen)
        assert (late.time_h, late.measured()) == (24.0, {"titer": 410.0})
        state, seen = next_sample(COUNTED, readings(COUNTED, number=2.0, time=48.0), seen)
        assert (state.time_h, seen.n_unread) == (48.0, 0)
    assert next_sample(COUNTED, readings(COUNTED, number=7.0, time=48.0), resumed(first))[0].time_h == 48.0


def test_after_a_resume_a_value_that_was_not_used_is_no_late_one():
    first, _ = next_sample(COUNTED, readings(COUNTED), Seen())
    masked = replace(first, titer=nan, quality={**first.quality, "titer": f"{first.quality['titer']}; 5 {NOT_USED}: x"})
    state, seen = next_sample(COUNTED, readings(COUNTED), resumed(masked))
    assert state is None
    assert next_sample(COUNTED, readings(COUNTED, titer=6.0), seen)[0].titer == 6.0


def test_after_a_resume_values_are_known_by_the_source_times_on_record():
    old = Reading(value=5.0, status="Good", source_time=START + timedelta(hours=24, microseconds=123456))
    first = readings(TIMED, vcd=old, glucose=old, titer=old)
    _, seen = next_sample(TIMED, first, Seen())
    state, _ = next_sample(TIMED, first, seen)
    for seen in (resumed(state), resumed(refused=(state,))):
        for _ in range(2):
            found, seen = next_sample(TIMED, first, seen)
            assert found is None
        for _ in range(2):
            found, seen = next_sample(TIMED, readings(TIMED, at=48.0, titer=old), seen)
        assert (found.time_h, found.measured()) == (48.0, {"vcd": 5.0, "glucose": 5.0})
