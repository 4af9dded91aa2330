"""Bugs in samples and links are caught where they are planted, and nothing is found where they are not."""

from contextlib import nullcontext

from perfusio.selftest.loop import link_bugs


def test_planted_bugs_are_caught():
    row = link_bugs.planted_in_links(False)
    assert row.is_kept, row.note
    assert row.note == "caught: zero for missing, any certificate, cached namespace"


def test_a_bug_that_is_not_noticed_breaks_the_promise(monkeypatch):
    monkeypatch.setattr(link_bugs, "BUGS", {"none at all": (lambda: "", nullcontext)})
    row = link_bugs.planted_in_links(False)
    assert (row.n_tried, row.n_failed, row.note) == (1, 1, "missed: none at all")


def test_a_trial_that_finds_something_without_a_bug_breaks_it_too(monkeypatch):
    monkeypatch.setattr(link_bugs, "BUGS", {"x": (lambda: "always", nullcontext)})
    assert link_bugs.planted_in_links(False).note == "missed: without x: always"


def test_what_cannot_be_tried_here_is_said(monkeypatch):
    def needs():
        raise ImportError("No module named 'asyncua'")

    monkeypatch.setattr(link_bugs, "BUGS", {"x": (needs, nullcontext)})
    row = link_bugs.planted_in_links(False)
    assert not row.is_kept  # nothing was tried
    assert "not tried: x (No module named 'asyncua')" in row.note
