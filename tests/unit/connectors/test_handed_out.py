"""What is news of a source, and what is refused, whatever kind of source it is."""

from dataclasses import dataclass, field, replace
from math import nan

import pytest

from perfusio.connectors.handed_out import MOST_TOLD, HandedOut
from perfusio.errors import UnreadableSource
from perfusio.protocols import NOT_USED, Standing
from perfusio.state import Setpoints, State
from perfusio.testing import make_state


@dataclass(frozen=True)
class Row:
    state: State
    setpoints: Setpoints = field(default_factory=Setpoints)
    place: str = ""


def rows(*days, **values):
    return [Row(make_state(day=d, **values)) for d in days]


def handed_out(found, n):
    known = HandedOut()
    known.hold_against("lab", found)
    for _ in range(n):
        assert known.next() is not None
    return known


def all_of(known):
    return list(iter(known.next, None))


def standing(*states, refused=()):
    return Standing(states=states, refused=refused, in_force=Setpoints(), done=None, source={})


def test_what_a_call_did_not_return_is_still_there():
    known = handed_out(rows(0, 1, 2), 1)
    known.hold_against("lab", rows(0, 1, 2, 3))
    assert [state.day for state in all_of(known)] == [1, 2, 3]
    assert known.last.state.day == 3


def test_a_change_of_a_row_that_was_not_handed_out_is_none():
    known = handed_out(rows(0, 1), 1)
    known.hold_against("lab", [*rows(0), *rows(1, vcd=7.0)])
    assert [state.vcd for state in all_of(known)] == [7.0]


def test_late_values_and_corrections_come_before_further_rows_in_order_of_time():
    known = handed_out(rows(0, 1, 2, 3, titer=nan), 4)
    found = [*rows(0, titer=nan), *rows(1, vcd=7.0, titer=nan), *rows(2, titer=90.0), *rows(3, titer=nan), *rows(4)]
    known.hold_against("lab", found)
    correction, late, further = all_of(known)
    assert (correction.day, correction.vcd, correction.glucose) == (1, 7.0, 3.5)
    assert (late.day, late.measured()) == (2, {"titer": 90.0})
    assert further.day == 4
    known.hold_against("lab", found)
    assert all_of(known) == [], "each is news once"


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([*rows(0), *rows(2)], "the sample at 24 h, which was read, has vanished"),
        ([*rows(0), *rows(1, glucose=nan), *rows(2)], "glucose of the sample at 24 h was 3.5 g/L .* and is now empty"),
        ([*rows(0, vcd=9.0), *rows(1, 2)], "is another source .* 1 of 3 samples.*\\n.*vcd of the sample at 0 h was 20"),
        ([*rows(0), *rows(1, 2, vcd=9.0)], "is another source .* 2 of 3 samples"),
        (rows(4, 5, 6), "lacks 3 of the 3 samples"),
        ([], "half saved, or another source"),
    ],
)
def test_what_is_gone_and_another_source_are_refused_and_nothing_is_forgotten(found, words):
    known = handed_out(rows(0, 1, 2), 3)
    for _ in range(2):
        with pytest.raises(UnreadableSource, match=f"(?s)lab.*{words}"):
            known.hold_against("lab", found)
        assert known.next() is None
    known.hold_against("lab", rows(0, 1, 2, 3))
    assert [state.day for state in all_of(known)] == [3]


def test_a_source_that_lost_thousands_of_rows_is_told_in_few_sentences():
    known = handed_out(rows(*range(5000)), 5000)
    with pytest.raises(UnreadableSource) as refused:
        known.hold_against("lab", [])
    assert len(refused.value.problems) == MOST_TOLD + 1
    assert refused.value.problems[-1] == "lab: and 4981 more of this kind."


def test_setpoints_that_were_in_force_are_history():
    def found(bleed):
        shown = [nan, bleed, 0.3]
        return [Row(make_state(day=d), Setpoints(bleed_rate=b)) for d, b in enumerate(shown)]

    known = handed_out(found(0.1), 3)
    known.hold_against("lab", found(0.1))
    with pytest.raises(UnreadableSource, match=r"bleed_rate of the sample at 24 h was 0.1 1/day .* is now 0.2"):
        known.hold_against("lab", found(0.2))
    filled_in = [Row(make_state(day=0), Setpoints(bleed_rate=0.4)), *found(0.1)[1:]]
    known.hold_against("lab", filled_in)
    assert all_of(known) == []


def test_rows_of_a_folder_may_be_taken_away():
    known = HandedOut(may_forget=True)
    known.hold_against("drop", rows(0, 1))
    assert len(all_of(known)) == 2
    known.hold_against("drop", rows(1, 2))
    assert [state.day for state in all_of(known)] == [2]


def test_after_a_resume_only_what_is_not_on_record_is_news():
    known = HandedOut()
    known.goes_on(standing(*(row.state for row in rows(0, 1, titer=nan))))
    assert known.latest_h == 24.0
    assert known.next() is None, "nothing is handed out before the source was held against the record"
    known.hold_against("lab", [*rows(0, titer=70.0), *rows(1, titer=nan), *rows(2)])
    late, further = all_of(known)
    assert (late.day, late.measured()) == (0, {"titer": 70.0})
    assert further.day == 2
    assert known.last.state.day == 2


def test_a_sample_that_was_refused_stays_refused_until_it_is_mended():
    wrong = make_state(day=1, glucose=41.0)
    for found, news in (
        ([*rows(0), Row(wrong), *rows(2)], [2]),
        ([*rows(0), *rows(2)], [2]),  # taken out: mended too
        (rows(0, 1, 2), [1, 2]),
    ):
        known = HandedOut()
        known.goes_on(standing(make_state(day=0), refused=(wrong,)))
        assert known.latest_h == 0.0, "what is written now is for the sample that was accepted"
        known.hold_against("lab", found)
        assert [state.day for state in all_of(known)] == news


def test_a_value_that_was_not_used_stays_unused_also_when_another_one_of_its_sample_is_corrected():
    seen = make_state(day=1, glucose=nan, quality={"glucose": f"Good; 41 {NOT_USED}: surprising"})
    before = (make_state(day=0), seen)
    known = HandedOut()
    known.goes_on(standing(*before))
    known.hold_against("lab", [*rows(0), *rows(1, glucose=41.0), *rows(2)])
    assert [state.day for state in all_of(known)] == [2]
    known.goes_on(standing(*before))
    known.hold_against("lab", [*rows(0), *rows(1, glucose=41.0, vcd=9.0)])
    (correction,) = all_of(known)
    assert (correction.vcd, correction.glucose != correction.glucose) == (9.0, True)
    known.goes_on(standing(*before))
    known.hold_against("lab", [*rows(0), *rows(1, glucose=1.0)])
    assert [state.measured() for state in all_of(known)] == [{"glucose": 1.0}], "mended, though its digits end alike"


def test_another_source_at_a_resume_is_refused_with_both_values():
    known = HandedOut()
    known.goes_on(standing(*(row.state for row in rows(0, 1))))
    with pytest.raises(UnreadableSource, match=r"(?s)another source.*vcd of the sample at 0 h was 20 x .* is now 8"):
        known.hold_against("lab", rows(0, 1, 2, vcd=8.0))
    with pytest.raises(UnreadableSource, match="lacks 2 of the 2 samples"):
        known.hold_against("lab", [])
    known.hold_against("lab", rows(0, 1, 2))
    assert [state.day for state in all_of(known)] == [2]


def test_rows_that_are_known_to_be_the_same_are_not_compared_again():
    known = handed_out(rows(0, 1), 2)

    class Untouchable:
        place = ""
        setpoints = Setpoints()

        def __init__(self, time_h):
            self.time_h = time_h

        @property
        def state(self):
            return make_state(time_h=self.time_h, vcd=1.0)

    known.hold_against("lab", [Untouchable(0.0), Untouchable(24.0), *rows(2)], n_same=2)
    assert [state.day for state in all_of(known)] == [2]


def test_an_empty_standing_is_a_beginning():
    known = HandedOut()
    known.goes_on(standing())
    known.hold_against("lab", rows(0))
    assert [state.day for state in all_of(known)] == [0]
    assert replace(standing(), done=None) == standing()
