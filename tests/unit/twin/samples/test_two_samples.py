"""Of two samples that cannot both be true the doubtful one is found by all evidence, never by who came first."""

from dataclasses import replace

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory
from perfusio.twin.samples.admission import Admit, Quarantine, admission

NOMINAL = SPACE.nominal
ROWS = (  # of a growing culture: VCD, viability, glucose, lactate, glutamine, ammonium, titer
    (0.52, 98.4, 5.6, 2.8, 5.0, 0.60, 12.0),
    (0.95, 98.5, 5.6, 8.4, 4.2, 0.82, 18.0),
    (1.7, 98.4, 5.2, 12.8, 3.5, 1.0, 55.0),
    (3.0, 98.1, 4.9, 16.3, 2.9, 1.3, 104.0),
    (5.2, 97.7, 5.1, 18.9, 2.5, 1.5, 165.0),
    (8.5, 97.5, 5.0, 21.0, 2.1, 1.7, 236.0),
    (12.8, 97.6, 4.5, 22.6, 1.8, 1.9, 317.0),
)  # fmt: skip
NAMES = ("vcd", "viability", "glucose", "lactate", "glutamine", "ammonium", "titer")
EMPTY = dict.fromkeys(make_state(day=0).measured(), float("nan"))


def true(day):
    return make_state(day=day, **EMPTY | dict(zip(NAMES, ROWS[day], strict=True)))


def tenth(day):
    return make_state(day=day, **EMPTY | {n: v / 10.0 for n, v in zip(NAMES, ROWS[day], strict=True)})


def zeros(day):
    return make_state(day=day, **EMPTY | dict.fromkeys(NAMES, 0.0))


def known(*samples):
    run = Trajectory(reactor_id="R01")
    for sample in samples:
        run = run.observe(sample, NOMINAL)
    return run


def judged(sample, *before, lately=()):
    return admission(sample, known(*before), NOMINAL, lately=lately)


def test_a_sample_of_zeros_is_refused_and_the_truth_after_it_used():
    refused = judged(zeros(5), *map(true, range(5)))
    assert isinstance(refused, Quarantine)
    assert "exactly 0" in refused.reason
    assert isinstance(judged(true(6), *map(true, range(5)), lately=(zeros(5),)), Admit)


def test_a_first_sample_of_zeros_is_refused():
    assert isinstance(judged(zeros(0)), Quarantine)


def test_a_single_zero_that_comes_late_is_a_value():
    assert isinstance(judged(make_state(day=0, **EMPTY | {"titer": 0.0})), Admit)


def test_a_false_low_that_was_believed_is_withdrawn_for_the_truth():
    """Whatever kept it from being found at once: the sample that cannot follow on it names it."""
    low = replace(tenth(4), titer=90.0)
    found = judged(true(6), *map(true, range(4)), low)
    assert isinstance(found, Admit)
    assert found.withdrawn is not None
    assert found.withdrawn.time_h == low.time_h
    assert found.withdrawn.measured() == {}
    assert "0.52 was found and not used" in found.withdrawn.quality["vcd"]
    assert "hour 96" in found.why
    assert "cannot both be true" in found.why


def test_a_false_high_is_refused_though_the_one_before_is_not_sure():
    high = replace(true(5), vcd=85.0, titer=2360.0)
    found = judged(high, *map(true, range(5)))
    assert isinstance(found, Quarantine)
    assert "cannot both be true" in found.reason


def test_a_first_sample_that_is_no_start_of_a_culture_gives_way():
    found = judged(true(1), tenth(0))
    assert isinstance(found, Admit)
    assert found.withdrawn is not None


def test_of_two_samples_alone_a_third_is_the_witness():
    low = replace(true(3), vcd=1.1, titer=1.0, lactate=16.3)
    second, third = true(5), true(6)
    first = judged(second, low)
    assert isinstance(first, Admit | Quarantine)
    if isinstance(first, Quarantine):
        found = judged(third, low, lately=(second,))
        assert isinstance(found, Admit)
        assert found.withdrawn is not None


@pytest.mark.parametrize("day", range(1, 7))
def test_the_truth_is_used_every_day(day):
    found = judged(true(day), *map(true, range(day)))
    assert isinstance(found, Admit)
    assert found.withdrawn is None
    assert found.sample.quality == {}


def test_a_false_high_that_was_believed_is_withdrawn_and_a_false_low_after_a_rise_refused():
    high = replace(true(5), titer=2000.0)
    found = judged(true(6), *map(true, range(5)), high)
    assert isinstance(found, Admit)
    assert found.withdrawn is not None
    low = replace(true(5), titer=9.0)
    assert isinstance(judged(low, *map(true, range(5))), Quarantine)
