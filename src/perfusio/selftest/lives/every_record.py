"""T15: killed after every record, for each kind of link, with a person at the vessel meanwhile.

Each kind is tried in a program of its own, so that it can fork. Two runs a point: one is cut off for good after that
record, a person may change a setpoint at the dead twin's vessel, another goes on to the end. The vessel's own log is
then held against the record.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from perfusio.process.examples import BY_HAND
from perfusio.record.verification.verify import read_records
from perfusio.selftest.lives.known_after_kills import BUGS
from perfusio.selftest.lives.links import Trial, kind_of
from perfusio.selftest.lives.own_program import in_own_program
from perfusio.selftest.lives.witness import examined
from perfusio.selftest.promises import Tried

N_QUICK = 4
"""Points of each kind that are tried quickly."""


def points(name: str, n: int, *, after: str = "") -> tuple[int, list[str]]:
    """Cut runs of a kind off after `n` of their records, spread evenly (0 = all); return points and problems.

    Args:
        name: Of the kind.
        n: How many.
        after: Only after records of this event.
    """
    kind, problems = kind_of(name), list[str]()
    with tempfile.TemporaryDirectory() as folder:
        trial, log = Trial(kind, Path(folder)), Path(folder) / "run" / "audit.jsonl"
        trial.live()
        trial.warm_up()
        trial.close()
        problems += [f"{name}, not cut: {p}" for p in examined(Path(folder), is_by_hand=False, shows_at_once=True)]
        seen = [r.seq for r in read_records(log) if after in ("", r.event)] if log.exists() else []
    step = max(1, len(seen) // n) if n else 1
    cuts = seen[(step - 1) // 2 : None if after else -1 : step]
    for i, cut in enumerate(cuts):
        with tempfile.TemporaryDirectory() as folder:
            trial, is_by_hand = Trial(kind, Path(folder)), i % 2 == 1
            trial.live(cut)
            trial.tell_vessel(**(BY_HAND if is_by_hand else {}))  # the guard would let the twin write over it
            trial.live()
            trial.tell_vessel()
            trial.close()
            found = trial.problems + examined(
                Path(folder), is_by_hand=is_by_hand, shows_at_once=kind.shows_at_once
            )
            problems += [f"{name}, cut after record {cut}{', by hand' * is_by_hand}: {p}" for p in found]
    return len(cuts), problems


def every_record(is_full: bool) -> Tried:
    """Kill twins over files, tables and servers after every record."""
    n_points, problems = 0, list[str]()
    for name in ("file", "sql", "opcua"):
        n, found = in_a_program(name, 0 if is_full else N_QUICK)
        n_points, problems = n_points + n, problems + found
    return Tried(
        id="T15",
        promise="killed after any record: the vessel's own log agrees, nobody is written over",
        n_tried=n_points,
        n_failed=len(problems),
        note=problems[0][:300] if problems else "file and table with a controller, OPC UA; at every other a person",
    )


def planted_at_every_record(is_full: bool) -> Tried:
    """Plant bugs in the way a run goes on, and see them found by the witness."""
    del is_full  # a few points show them
    missed = [name for name, bug in BUGS.items() if not in_a_program(bug.link, N_QUICK, name)[1]]
    return Tried(
        id="teeth",
        promise="bugs planted in what is known of vessels after a kill are caught",
        n_tried=len(BUGS),
        n_failed=len(missed),
        note=f"missed: {', '.join(missed)}" if missed else f"caught by T15: {', '.join(BUGS)}",
    )


def in_a_program(name: str, n: int, bug: str = "") -> tuple[int, list[str]]:
    """Try points of a kind in a program of its own, which can fork; with a bug planted there, if one is named."""
    return in_own_program(_points_with_bug, name, n, bug)


def _points_with_bug(name: str, n: int, bug: str) -> tuple[int, list[str]]:
    if bug:
        BUGS[bug].plant()
    return points(name, n, after=BUGS[bug].after if bug else "")
