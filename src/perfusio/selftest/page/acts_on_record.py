"""Acts of a person on the page, held against the record and against the vessel's own log."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from perfusio.record.verification.verify import read_records, verify
from perfusio.selftest.lives.lasting_vessel import witnessed
from perfusio.state import SETPOINTS

ENDS = ("SetpointsWritten", "WriteRefused", "WritePartial", "WriteRestored", "OverrideDetected")
"""Ends of a write, each told aloud: a twin that was killed before the vessel heard of it finds that out and says so."""


def examined(folder: Path, wanted: dict[str, str], told: dict[str, str]) -> list[str]:
    """Return which acts were lost or doubled in a run that is over.

    Args:
        folder: With the folder `run`, and the vessel's log.
        wanted: By key of a decision: approve or reject, which a person asked for until its card was gone.
        told: By name of an order: the answer that the page gave, done, refused or waiting.
    """
    report = verify(folder / "run" / "audit.jsonl")
    if not report.is_intact or not report.is_finished:
        return [f"the record is not whole: {report.problems[:1]}"]
    records = list(read_records(folder / "run" / "audit.jsonl"))
    acts = [r.payload for r in records if r.event == "OperatorActed"]
    intents = Counter(r.payload["key"] for r in records if r.event == "WriteIntended")
    ended = Counter(r.payload["key"] for r in records if r.event in ENDS)
    problems = [p for key, act in wanted.items() for p in _of_card(key, act, acts, intents[key], ended[key])]
    problems += [f"{key} was written, and nobody asked for it" for key in intents if wanted.get(key) != "approve"]
    problems += _of_orders(acts, told)
    problems += _of_vessel(folder, records)
    left = [p.name for p in (folder / "run" / "orders").glob("[!.]*.json")]  # a draft is no order
    return problems + ([f"orders without an answer: {left}"] if left else [])


def _of_card(key: str, act: str, acts: list[dict[str, Any]], n_intents: int, n_ended: int) -> list[str]:
    mine = [a for a in acts if a["key"] == key]
    n_done = sum(a["is_done"] for a in mine)
    if n_done > 1:
        return [f"{key} was done {n_done} times"]
    if n_done == 0:
        return [f"{key}: the card is gone, and {act} is not on record as done"]
    is_recanted = not mine[-1]["is_done"] and mine[-1]["order"] == next(a["order"] for a in mine if a["is_done"])
    due = 1 if act == "approve" and not is_recanted else 0
    if (n_intents, n_ended) != (due, due):
        return [f"{key}: {act}, {n_intents} writes begun and {n_ended} ended, expected {due}"]
    return []


def _of_orders(acts: list[dict[str, Any]], told: dict[str, str]) -> list[str]:
    problems = []
    answers: dict[str, list[bool]] = {}
    for act in acts:
        answers.setdefault(act["order"], []).append(act["is_done"])
    for name, found in answers.items():
        if len(found) > 1 and found != [True, False]:  # an approval that a killed twin did not write is taken back
            problems.append(f"order {name} was answered {len(found)} times: {found}")
    for name, status in told.items():
        if name not in answers:
            problems.append(f"order {name} was given ({status}) and never answered")
        elif status in ("done", "refused") and answers[name][0] is not (status == "done"):
            problems.append(f"order {name}: the page said {status}, the record says otherwise")
    return problems


def _of_vessel(folder: Path, records: list[Any]) -> list[str]:
    writes = [(w["day"], w["setpoints"]) for w in witnessed(folder) if w["what"] == "write"]
    intents = [(r.turn, [r.payload["new"][n] for n in SETPOINTS]) for r in records if r.event == "WriteIntended"]
    problems = [f"the vessel was changed twice on day {d}" for d, n in Counter(d for d, _ in writes).items() if n > 1]
    problems += [f"the vessel was changed without a record: {w}" for w in writes if w not in intents]
    moved = {r.payload["key"] for r in records if r.event == "WriteIntended" and r.payload["old"] != r.payload["new"]}
    done = [r.turn for r in records if r.event == "SetpointsWritten" and r.payload["key"] in moved]
    days = {day for day, _ in writes}
    return problems + [f"on record as written on day {day}, but never was" for day in done if day not in days]
