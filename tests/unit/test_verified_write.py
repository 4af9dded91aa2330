"""One write on any wire: looked at first, read back, tried again, put back; and one way to compare setpoints."""

from dataclasses import replace
from math import nan

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import NotConnected, WriteRejected
from perfusio.protocols import Ending
from perfusio.state import SETPOINTS
from perfusio.verified_write import (
    agree,
    differences,
    impossible,
    in_words,
    lacking,
    refuse_impossible,
    unread,
    verified_write,
)

OLD = DEFAULT_AMBR250_DESIGN_SPACE.nominal
NEW = replace(OLD, bleed_rate=0.2, temperature=36.0)
PART = replace(NEW, temperature=OLD.temperature)


class Wired:
    """A wire that does what its script says with each `put`, for so many tries."""

    def __init__(self, *script, before=OLD, n_tries=3, if_unchanged=Ending.REFUSED, problems=()):
        self.script, self.before, self.n_tries, self.if_unchanged = list(script), before, n_tries, if_unchanged
        self.problems, self.trouble, self.sent = list(problems), "", []

    async def look(self):
        if isinstance(self.before, Exception):
            raise self.before
        return self.before

    def problems_with(self, asked, old):
        return self.problems

    def held(self, asked):
        return replace(asked, agitation=float(round(asked.agitation)))

    async def put(self, wanted):
        self.sent.append(wanted)
        return self.script.pop(0) if self.script else wanted

    async def tries_again(self, old, found):
        return len(self.sent) < self.n_tries


async def written(*script, expected=OLD, asked=NEW, believed=None, **how):
    wire = Wired(*script, **how)
    return await verified_write(wire, asked, expected=expected, believed=believed), wire.sent


@pytest.mark.parametrize(
    ("script", "ending", "sent"),
    [
        ((), Ending.DONE, [NEW]),
        ((PART, PART), Ending.DONE, [NEW, NEW, NEW]),
        ((PART, PART, PART), Ending.RESTORED, [NEW, NEW, NEW, OLD]),
        ((PART, PART, PART, PART), Ending.PARTIAL, [NEW, NEW, NEW, OLD]),
        ((OLD, OLD, OLD), Ending.REFUSED, [NEW, NEW, NEW]),
        ((None,), Ending.UNKNOWN, [NEW]),
        ((PART, None), Ending.UNKNOWN, [NEW, NEW]),
        ((PART, PART, PART, None), Ending.UNKNOWN, [NEW, NEW, NEW, OLD]),
    ],
)
async def test_a_write_ends_with_what_is_read_back(script, ending, sent):
    report, was_sent = await written(*script)
    assert (report.ending, was_sent) == (ending, sent)


@pytest.mark.parametrize(
    ("how", "ending", "words"),
    [
        ({"before": NotConnected("No link.")}, Ending.REFUSED, "No link. Nothing was sent. A write does not wait"),
        ({"before": replace(OLD, temperature=34.0)}, Ending.OVERRIDDEN, "Expected and found: temperature 36.5 and 34"),
        ({"problems": ["Read-only here."]}, Ending.REFUSED, "Read-only here."),
        ({"asked": replace(NEW, bleed_rate=nan)}, Ending.REFUSED, "bleed_rate = nan cannot be written"),
    ],
)
async def test_what_may_not_be_sent_is_not_sent(how, ending, words):
    report, sent = await written(**how)
    assert (report.ending, sent) == (ending, [])
    assert words in report.words


async def test_what_nobody_has_said_may_be_anything_and_what_is_not_read_is_put_back_as_believed():
    blind = replace(OLD, agitation=nan)
    report, sent = await written(
        *[PART] * 3, before=blind, expected=replace(OLD, bleed_rate=nan), believed=OLD, asked=NEW
    )
    assert (report.ending, sent[-1]) == (Ending.RESTORED, OLD)


async def test_a_value_that_cannot_be_read_back_is_not_taken_for_written():
    report, sent = await written(*[replace(NEW, temperature=nan)] * 3)
    assert (report.ending, sent[-1]) == (Ending.RESTORED, OLD)
    assert "temperature 36 and not read" in report.words


async def test_what_the_vessel_can_hold_is_what_must_be_found():
    report, sent = await written(asked=replace(NEW, agitation=900.4))
    assert (report.ending, sent) == (Ending.DONE, [replace(NEW, agitation=900.0)])


async def test_that_nothing_has_changed_means_what_the_wire_says():
    report, _ = await written(OLD, n_tries=1, if_unchanged=Ending.UNKNOWN)
    assert report.ending is Ending.UNKNOWN
    assert "may still be carried out" in report.words


def test_setpoints_agree_to_seven_digits_or_within_what_the_vessel_shows():
    assert agree(950.0, 950.0005)
    assert not agree(950.0, 950.01)
    assert agree(0.2, 0.204, within=0.005)
    assert not agree(0.2, 0.21, within=0.005)
    shown = replace(NEW, bleed_rate=0.203)
    assert list(differences(NEW, shown)) == ["bleed_rate"]
    assert differences(NEW, shown, within=np.full(len(SETPOINTS), 0.005)) == {}


def test_what_is_not_said_does_not_differ_but_is_lacking():
    silent = replace(NEW, temperature=nan)
    assert differences(NEW, silent) == {}
    assert lacking(NEW, silent) == ("temperature",)
    assert lacking(silent, NEW) == ()
    assert unread(OLD, NEW, silent) == ["temperature"]
    assert unread(OLD, NEW, replace(NEW, agitation=nan)) == []
    told = in_words(NEW, replace(silent, bleed_rate=0.19))
    assert told == "bleed_rate 0.2 and 0.19 1/day, temperature 36 and not read"


def test_all_that_is_impossible_is_told_at_once():
    wrong = replace(NEW, bleed_rate=nan, temperature=99.0)
    assert len(impossible(wrong)) == 2
    assert impossible(NEW) == []
    with pytest.raises(WriteRejected, match=r"bleed_rate = nan.*temperature = 99.*Give all 6 setpoints"):
        refuse_impossible(wrong, connector="X")
