"""T15 over each kind of link at a few records, and that the witness can disagree."""

import pytest

from perfusio.selftest.lives.every_record import in_a_program
from perfusio.selftest.lives.known_after_kills import BUGS

N_POINTS = 2


@pytest.mark.parametrize("name", ["file", "sql", "opcua"])
def test_a_twin_that_is_killed_leaves_what_the_vessel_itself_has_seen(name):
    n_points, problems = in_a_program(name, N_POINTS)
    assert problems == []
    assert n_points >= N_POINTS


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_seen_by_the_witness(bug):
    n_points, problems = in_a_program(BUGS[bug].link, 2, bug)  # at the second a person
    assert n_points > 0
    assert problems
    assert not [p for p in problems if "the trial itself failed" in p]
