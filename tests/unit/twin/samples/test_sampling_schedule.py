"""Which days have passed: counted on a clock that nobody can set, carried over a restart by the wall clock."""

from perfusio.testing import ManualClock
from perfusio.twin.samples.sampling_schedule import SamplingSchedule


def test_a_day_has_passed_when_the_next_sample_is_due():
    clock = ManualClock()
    pace = SamplingSchedule(clock, 24.0)
    assert not pace.has_passed("R01", 0)  # nothing is known of it
    pace.begins("R01", 0)
    clock.advance(hours=23.9)
    assert not pace.has_passed("R01", 0)
    clock.advance(hours=0.2)
    assert pace.has_passed("R01", 0)
    assert not pace.has_passed("R01", 1)


def test_a_wall_clock_that_is_set_changes_nothing():
    clock = ManualClock()
    pace = SamplingSchedule(clock, 24.0)
    pace.begins("R01", 3)
    clock.step(seconds=48 * 3600)
    assert not pace.has_passed("R01", 3)
    clock.step(seconds=-96 * 3600)
    clock.advance(hours=25)
    assert pace.has_passed("R01", 3)


def test_a_restart_carries_it_over():
    clock = ManualClock()
    began = clock.now()
    clock.advance(hours=60)
    pace = SamplingSchedule(clock, 24.0)
    pace.begins("R01", 0, at=began)
    pace.begins("R01", 2)  # later ones do not count
    assert pace.has_passed("R01", 1)
    assert not pace.has_passed("R01", 2)
