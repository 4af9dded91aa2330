"""A twin that is cut off goes on; and where it would not, that is noticed. The quick points of T02, T04 and T08."""

import os

import pytest

from perfusio.selftest.lives.cutting_off import kill_loop, lives, planted_in_lives, system_calls
from perfusio.selftest.lives.own_program import in_own_program
from perfusio.selftest.lives.planted_bugs import BUGS
from perfusio.selftest.lives.traced import can_trace
from perfusio.selftest.loop.clock_jumps import clock_jumps


@pytest.mark.parametrize("promise", [kill_loop, system_calls, clock_jumps])
def test_the_promise_is_kept(promise):
    row = promise(False)
    assert row.is_kept, row.note
    n_traced = 10 * can_trace()
    assert row.n_tried == {kill_loop: 20, system_calls: 50 + n_traced, clock_jumps: 10}[promise]


def test_planted_bugs_are_noticed():
    row = planted_in_lives(False)
    assert (row.n_tried, row.n_failed) == (len(BUGS), 0), row.note


@pytest.mark.skipif(not can_trace(), reason="strace is not here, or may not trace")
def test_a_bug_is_noticed_where_the_kernel_cuts_off_too():
    n_points, problems = lives("traced", 60, seed=1, bug="acts before the record")
    assert problems
    assert n_points < 60  # the first is enough


def test_a_trial_that_cannot_be_made_is_no_success():
    assert "the trial itself failed" in lives("kills", 1, bug="no such bug")[1][0]


def test_a_program_that_ends_early_is_no_success():
    assert in_own_program(os._exit, 3) == (1, ["the trial itself failed: its program ended with 3"])
