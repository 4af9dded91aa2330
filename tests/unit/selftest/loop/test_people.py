"""T17: what people do to a run; the trial notices each bug that is planted."""

from perfusio.selftest.loop.people import BUGS, HELD_BY, MISTYPED, VESSELS, people, planted_in_people


def test_the_quick_promise_is_kept():
    row = people(False)
    assert row.is_kept, row.note
    assert row.n_tried >= 300


def test_planted_bugs_are_noticed():
    row = planted_in_people(False)
    assert (row.n_tried, row.n_failed) == (len(BUGS), 0), row.note


def test_there_are_as_many_as_was_promised():
    assert len(set(MISTYPED)) >= 50
    assert len(HELD_BY) >= 20
    assert not set(MISTYPED) & set(VESSELS)
