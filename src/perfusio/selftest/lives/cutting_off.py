"""T02 and T04: a twin that is cut off at any system call, or killed at any moment, goes on as if it had not been."""

from __future__ import annotations

from perfusio.selftest.lives.lives import tried
from perfusio.selftest.lives.own_program import in_own_program
from perfusio.selftest.lives.planted_bugs import BUGS
from perfusio.selftest.promises import Tried

N_KILLS, N_KILLS_QUICK = 1000, 20
N_FAULTS, N_FAULTS_QUICK = 1200, 50
N_TRACED, N_TRACED_QUICK, N_DAYS_TRACED = 100, 10, 28
N_FAULTS_PLANTED = 60  # at most: the first that shows a bug is enough
N_DAYS, N_DAYS_QUICK = 15, 5
SHOWN = 200


def kill_loop(is_full: bool) -> Tried:
    """Kill twin, fallback and vessel at random moments."""
    n_points, problems = lives("kills", N_KILLS if is_full else N_KILLS_QUICK)
    return Tried(
        id="T04",
        promise="killed at any moment: no record lost, no day skipped, no vessel changed twice",
        n_tried=n_points,
        n_failed=len(problems),
        note=problems[0][:SHOWN] if problems else "every fourth life is the fallback's, every fifth kill the vessel's",
    )


def system_calls(is_full: bool) -> Tried:
    """Let a system call of the twin fail, or be its last."""
    n, n_days = (N_FAULTS, N_DAYS) if is_full else (N_FAULTS_QUICK, N_DAYS_QUICK)
    n_points, problems = lives("faults", n, n_days=n_days)
    n, n_days = (N_TRACED, N_DAYS_TRACED) if is_full else (N_TRACED_QUICK, N_DAYS_QUICK)
    n_traced, more = lives("traced", n, n_days=n_days)
    n_points, problems = n_points + n_traced, problems + more
    words = f"{n_traced} of them in the kernel, by strace, in runs of {n_days} days" if n_traced else "no strace here"
    return Tried(
        id="T02",
        promise="killed, EIO or ENOSPC at any call that opens, writes, flushes, renames: the same",
        n_tried=n_points,
        n_failed=len(problems),
        note=problems[0][:SHOWN] if problems else words,
    )


def planted_in_lives(is_full: bool) -> Tried:
    """Plant faults in the way a twin goes on, and see them caught."""
    del is_full  # a few points show them
    missed = [bug for bug in BUGS if not lives("faults", N_FAULTS_PLANTED, seed=1, bug=bug)[1]]
    return Tried(
        id="teeth",
        promise="bugs planted in the way a run goes on are caught",
        n_tried=len(BUGS),
        n_failed=len(missed),
        note=f"missed: {', '.join(missed)}" if missed else f"caught by T02: {', '.join(BUGS)}",
    )


def lives(
    what: str, n: int, *, seed: int = 0, n_days: int = N_DAYS_QUICK, bug: str = ""
) -> tuple[int, list[str]]:
    """Let twins live in a program of its own, which can fork; return the points tried, and the problems.

    Args:
        what: ``"kills"``, ``"faults"`` or ``"traced"``.
        n: How many.
        seed: Of the random moments or points.
        n_days: Length of each run.
        bug: One of BUGS, planted before.
    """
    return in_own_program(tried, what, n, seed, n_days, bug)
