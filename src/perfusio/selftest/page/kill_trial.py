"""T21: twin and page are killed while people act on the page; each act is done once, or refused aloud."""

from __future__ import annotations

from perfusio.selftest.lives.own_program import Found, in_own_program
from perfusio.selftest.page.planted_in_acts import BUGS
from perfusio.selftest.promises import Tried

N_KILLS, N_KILLS_QUICK, N_KILLS_PLANTED = 200, 10, 60
SHOWN = 300


def kills(n: int, bug: str = "") -> Found:
    """Kill twin and page `n` times in a program of its own; return how often, and the problems."""
    from perfusio.selftest.page.killed import tried

    return in_own_program(tried, n, 0, bug)


def acts_after_kills(is_full: bool) -> Tried:
    """Kill twin and page at random moments of a person's acts."""
    n_killed, problems = kills(N_KILLS if is_full else N_KILLS_QUICK)
    words = "each card acted upon once or refused aloud; STALE within 10 s; a run outlives its page"
    return Tried(
        id="T21", promise="twin or page killed: no act of a person lost or doubled, and the page says STALE",
        n_tried=n_killed, n_failed=len(problems), note=problems[0][:SHOWN] if problems else words,
    )  # fmt: skip


def planted_in_acts(is_full: bool) -> Tried:
    """Plant bugs in the way a twin deals with orders, and see them caught."""
    del is_full  # the first kill that shows one is enough
    missed = [bug for bug in BUGS if not kills(N_KILLS_PLANTED, bug)[1]]
    return Tried(
        id="teeth", promise="bugs planted in the way orders are dealt with are caught", n_tried=len(BUGS),
        n_failed=len(missed),
        note=f"missed: {', '.join(missed)}" if missed else f"caught by T21: {', '.join(BUGS)}",
    )  # fmt: skip
