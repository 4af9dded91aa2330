"""Acts on the page survive kills of twin and page, each once; and where they would not, that is noticed."""

import pytest

from perfusio.selftest.page.kill_trial import kills


@pytest.mark.parametrize("bug", ["", "an answered order is answered again"])
def test_each_act_is_done_once_and_a_twin_that_answers_again_is_noticed(bug):
    n_killed, problems = kills(5, bug)
    assert bool(problems) is bool(bug), problems
    assert not [p for p in problems if "the trial itself failed" in p]
    assert n_killed >= 5
