"""Trajectory: N states and N - 1 setpoints and feeds; the off-by-one is settled here."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import ConfigError
from perfusio.testing import make_state
from perfusio.trajectory import Feed, Trajectory

A = DEFAULT_AMBR250_DESIGN_SPACE.nominal
B, C = replace(A, bleed_rate=0.2), replace(A, bleed_rate=0.25)


def three():
    t = Trajectory(reactor_id="R01")
    for day, u in enumerate((A, B, C)):
        t = t.observe(make_state(day=day, vcd=10.0 + day), u)
    return t


def test_setpoints_given_with_a_sample_led_to_it():
    t = three()
    assert t.setpoints == (B, C)  # what was in force before the first sample does not matter
    first, second = t.transitions()
    assert (first.before.vcd, first.setpoints, first.after.vcd, first.hours) == (10.0, B, 11.0, 24.0)
    assert (second.before.vcd, second.setpoints, second.after.vcd) == (11.0, C, 12.0)


def test_observing_leaves_the_old_one_as_it_was():
    t = three()
    longer = t.observe(make_state(day=5), A)
    assert (len(t.states), len(longer.states), len(longer.setpoints)) == (3, 4, 3)
    assert longer.transitions()[-1].hours == 72.0
    assert all(a is b for a, b in zip(t.states, longer.states, strict=False))


@pytest.mark.parametrize("n", [0, 1])
def test_short_ones_have_shapes_too(n):
    t = Trajectory(reactor_id="R01", states=tuple(make_state() for _ in range(n)))
    assert t.transitions() == ()
    assert t.values.shape == (n, 9)
    assert t.inputs.shape == (0, 6)
    assert t.times_h.shape == (n,)


def test_arrays_follow_the_order():
    t = three()
    assert t.values[:, 0].tolist() == [10.0, 11.0, 12.0]
    assert t.inputs[:, 1].tolist() == [0.2, 0.25]
    assert np.diff(t.times_h).tolist() == [24.0, 24.0]


def test_wrong_counts_and_times_are_refused():
    with pytest.raises(ConfigError, match="2 states need 1 setpoints between them, found 2"):
        Trajectory(reactor_id="R01", states=(make_state(day=0), make_state(day=1)), setpoints=(A, A))
    for day in (2, 1):
        with pytest.raises(ConfigError, match="times must increase"):
            three().observe(make_state(day=day), A)


FEED = Feed(fraction=0.03, glucose=72.0)


def fed_once():
    t = Trajectory(reactor_id="R01")
    for day, feed in enumerate((FEED, None, FEED, None)):
        t = t.observe(make_state(day=day), A, feed)
    return t


def test_a_feed_given_with_a_sample_came_right_after_the_one_before():
    t = fed_once()
    assert t.feeds == (None, FEED, None)  # nothing was before the first sample
    assert [x.feed for x in t.transitions()] == [None, FEED, None]
    assert [x.before.day for x in t.transitions() if x.feed] == [1.0]


def test_a_vessel_that_was_never_fed_has_no_feeds():
    assert three().feeds == ()
    assert three().fed == (None, None)
    assert [x.feed for x in three().transitions()] == [None, None]


@pytest.mark.parametrize("n", range(5))
def test_the_first_samples_with_what_led_to_them(n):
    part = fed_once().until(n)
    assert (len(part.states), len(part.setpoints), part.feeds) == (n, max(n - 1, 0), fed_once().feeds[: max(n - 1, 0)])
    assert three().until(n).states == three().states[:n]


def test_impossible_feeds_are_refused():
    states = tuple(make_state(day=d) for d in range(3))
    with pytest.raises(ConfigError, match="3 states need 2 feeds between them"):
        Trajectory(reactor_id="R01", states=states, setpoints=(A, A), feeds=(None, FEED, None))
    for wrong in ({"fraction": -0.1}, {"fraction": np.nan}, {"fraction": 0.1, "glucose": np.inf}):
        with pytest.raises(ConfigError, match="expected a finite number from 0 on"):
            Feed(**wrong)


def test_nothing_together_is_nothing():
    assert Feed.together([]) == Feed(fraction=0.0)
    both = Feed.together([Feed(fraction=0.1, glucose=30.0), Feed(fraction=0.2, glutamine=60.0)])
    assert (both.fraction, both.glucose, both.glutamine) == pytest.approx((0.3, 10.0, 40.0))


def test_a_late_sample_divides_an_interval():
    feed = Feed(fraction=0.1)
    t = Trajectory(reactor_id="R01").observe(make_state(day=0), A)
    t = t.observe(make_state(day=2), B, feed).observe(make_state(day=3), C)
    longer = t.insert(make_state(day=1))
    assert [s.day for s in longer.states] == [0, 1, 2, 3]
    assert longer.setpoints == (B, B, C)
    assert longer.feeds == (feed, None, None)
    for day in (-1, 0, 3, 4):
        with pytest.raises(ConfigError, match="is not between two samples"):
            t.insert(make_state(day=day))


def many(n):
    states = tuple(make_state(day=0.5 * i) for i in range(n))
    return Trajectory(reactor_id="R01", states=states, setpoints=(A,) * (n - 1))


@pytest.mark.parametrize("time_h", [-1.0, 0.0, 6.0, 12.0, 13.0, 108.0, 109.0, float("nan")])
def test_a_sample_is_found_by_its_time(time_h):
    run = many(10)
    assert run.at(time_h) is next((s for s in run.states if s.time_h == time_h), None)
    if time_h == time_h:
        assert run.n_before(time_h) == sum(s.time_h < time_h for s in run.states)
    assert Trajectory(reactor_id="R01").at(time_h) is None


def test_a_state_is_put_in_the_place_of_the_one_of_its_time():
    run = many(4)
    other = replace(run.states[2], vcd=7.0)
    assert run.with_state(other) == replace(run, states=(*run.states[:2], other, run.states[3]))
    with pytest.raises(ConfigError, match="no sample of 25 h"):
        run.with_state(replace(other, time_h=25.0))


def test_the_last_measured_value_may_be_old():
    run = many(3)
    late = run.observe(replace(make_state(day=9.0), glucose=float("nan")), A)
    assert late.last_measured("glucose") is run.states[-1]
    assert late.last_measured("vcd") is late.states[-1]
    assert Trajectory(reactor_id="R01").last_measured("vcd") is None


def test_a_longer_trajectory_is_the_one_that_is_checked_in_full():
    run = many(5)
    grown = Trajectory(reactor_id="R01")
    for state in run.states:
        grown = grown.observe(state, A)
    assert grown == run
    with pytest.raises(ConfigError, match="must increase, found 48 h after 48 h"):
        grown.observe(run.states[-1], A)


def test_what_is_asked_with_each_sample_does_not_look_at_all_of_them():
    class Counting(tuple):
        n_looks = 0

        def __getitem__(self, i):
            if isinstance(i, int):
                Counting.n_looks += 1
            return super().__getitem__(i)

        def __iter__(self):
            raise AssertionError("all samples were gone through")

    run = many(4_000)
    object.__setattr__(run, "states", Counting(run.states))
    assert run.at(1_200.0) is not None
    assert run.at(1_201.0) is None
    assert run.n_before(1e9) == 4_000
    assert Counting.n_looks < 60
