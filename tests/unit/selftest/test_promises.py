"""Rows of the table of promises, and what counts as kept."""

from perfusio.selftest.promises import Tried, table, timed


def row(n_tried, n_failed):
    return Tried(id="T00", promise="nothing is lost", n_tried=n_tried, n_failed=n_failed)


def test_a_promise_is_kept_if_it_was_tried_and_never_failed():
    assert row(5, 0).is_kept
    assert not row(5, 1).is_kept
    assert not row(0, 0).is_kept  # what was not tried is not known


def test_the_table_says_so():
    said = table([row(5, 0), row(5, 1)]).splitlines()
    assert said[1].endswith("kept")
    assert said[2].endswith("BROKEN")


def test_a_promise_is_tried_in_the_extent_that_is_asked_for():
    asked = []

    def promise(is_full):
        asked.append(is_full)
        return row(1, 0)

    assert timed(promise, is_full=True).seconds >= 0.0
    assert asked == [True]
