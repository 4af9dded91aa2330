"""Holds the vessel's own log against the record of a finished run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.process.roles import BLEED
from perfusio.record.apply_event import folded
from perfusio.record.verification.verify import read_records, verify
from perfusio.selftest.lives.links import N_DAYS, Json
from perfusio.selftest.lives.outside import (
    IMPOSSIBLE,
    REACTOR,
)
from perfusio.selftest.lives.outside import witnessed as changes_of
from perfusio.state import SETPOINTS, Setpoints


def examined(folder: Path, *, is_by_hand: bool, shows_at_once: bool) -> list[str]:
    """Return where record and witness do not agree, or where a forbidden event happened."""
    log, told = folder / "run" / "audit.jsonl", folder / "stderr.txt"
    if not log.exists() or not (report := verify(log)).is_intact or not report.is_finished:
        said = told.read_text()[-300:] if told.exists() else "it was killed"
        return [f"the run does not come to its end: {said}"]
    records = list(read_records(log))
    known = folded((r.to_event() for r in records), records[0].run)
    changes = changes_of(folder)
    # a controller behind a file shows what a person did with its next sample, and after the last there is none
    is_unseen = is_by_hand and not shows_at_once and changes[-1]["day"] == N_DAYS
    return [
        *_samples(records, known.trajectories[REACTOR].states[:]),
        *_writes(records, [c for c in changes if c["by"] == "twin"]),
        *(_by_hand(changes) if is_by_hand else []),
        *([] if is_unseen else _in_force(known.in_force[REACTOR], changes)),
    ]


def _samples(records: list[Any], states: Sequence[Any]) -> list[str]:
    problems = []
    due = [r.turn for r in records if r.event == "SampleRead" and not r.payload["extra"]]
    if due != list(range(N_DAYS + 1)):
        problems.append(f"the turns of the samples are {due}")
    if any(s.time_h == IMPOSSIBLE.time_h for s in states):
        problems.append("a sample that was refused is in use")
    n_refused = sum(r.event == "SampleQuarantined" for r in records)
    if n_refused != 1:
        problems.append(f"the impossible sample was refused {n_refused} times")
    return problems


def _writes(records: list[Any], changes: list[Json]) -> list[str]:
    """Hold the twin's changes, as the vessel saw them, against recorded intents and results."""
    problems = []
    intents = [_values(r.payload["new"]) for r in records if r.event == "WriteIntended"]
    moved = {r.payload["key"]: r.payload for r in records if r.event == "WriteIntended"}
    done = [
        _values(r.payload["asked"]) for r in records
        if r.event == "SetpointsWritten" and moved[r.payload["key"]]["old"] != moved[r.payload["key"]]["new"]
    ]  # fmt: skip
    seen = [c["setpoints"] for c in changes]
    if unheard := [s for s in seen if not any(_close(s, i) for i in intents)]:
        problems.append(f"the vessel was changed without an intent: {unheard}")
    if missing := [d for d in done if not any(_close(d, s) for s in seen)]:
        problems.append(f"on record as written, but never was: {missing}")
    days = Counter(c["day"] for c in changes)
    if twice := [day for day, n in days.items() if n > 1]:
        problems.append(f"the vessel was changed twice on day {twice}")
    nominal = DEFAULT_AMBR250_DESIGN_SPACE.bounds[BLEED].nominal
    for change in changes:
        hour, is_up = change["at"], change["setpoints"][SETPOINTS.index(BLEED)] > nominal
        if hour is not None and is_up != (round(hour / 24.0) % 2 == 0):
            problems.append(f"the setpoints of another day stand at hour {hour:g}")
    return problems


def _by_hand(changes: list[Json]) -> list[str]:
    """Nothing is written over a person's values."""
    last = max(i for i, c in enumerate(changes) if c["by"] == "person")
    over = [c for c in changes[last + 1 :] if not _close(c["setpoints"], changes[last]["setpoints"])]
    return [f"a person's values were written over: {over}"] if over else []


def _in_force(believed: Setpoints, changes: list[Json]) -> list[str]:
    if not changes or _close(believed.vector().tolist(), changes[-1]["setpoints"]):
        return []
    return [f"in force is {changes[-1]['setpoints']}, the record believes {believed.vector().tolist()}"]


def _values(setpoints: Json) -> list[float]:
    return [setpoints[name] for name in SETPOINTS]


def _close(a: list[float], b: list[float]) -> bool:
    return all(abs(x - y) <= 1e-6 * max(1.0, abs(x)) for x, y in zip(a, b, strict=True))
