"""Acts on the page survive kills of twin and page, each once; and where they would not, that is noticed."""

import pytest

from perfusio.selftest.own_program import tried_apart
from perfusio.selftest.page.kill_trial import MODULE


@pytest.mark.parametrize("bug", ["", "an answered order is answered again"])
def test_each_act_is_done_once_and_a_twin_that_answers_again_is_noticed(bug):
    found = tried_apart(MODULE, 5, 0, *([bug] if bug else []))
    assert bool(found["problems"]) is bool(bug), found
    assert not [p for p in found["problems"] if "the trial itself failed" in p]
    assert found["n_points"] >= 5
