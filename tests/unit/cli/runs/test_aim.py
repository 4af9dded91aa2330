"""Options become objectives, one or several."""

import pytest

from perfusio.cli.options import pair
from perfusio.cli.runs.aim import aim
from perfusio.config import in_words, maximize, minimize, track
from perfusio.errors import ConfigError


def test_one_stands_alone():
    assert aim(None, None, None) == track(vcd=30)
    assert aim(["glucose=4.5"], [], []) == track(glucose=4.5)
    assert aim([], ["titer"], []) == maximize("titer")
    assert aim([], [], ["medium"]) == minimize("medium")


def test_several_come_in_a_tuple():
    found = aim(["vcd = 40"], ["productivity"], ["medium"])
    assert found == (track(vcd=40), maximize("productivity"), minimize("medium"))
    assert in_words(found).count(" and ") == 2


@pytest.mark.parametrize("text", ["vcd", "vcd=", "=3", ""])
def test_a_pair_needs_both(text):
    with pytest.raises(ConfigError, match=r"expected a name, = and a value, e\.g\. --track vcd=30"):
        pair(text, "--track vcd=30")
