"""Orders: a person's orders to a run, as files in its folder, so that they wait if the run has stopped.

Each is one JSON file in `orders/`, written in one step. The run carries it out or says why not, puts both on record,
and takes the file away. A file that is no order goes to `orders/refused/`, with the reason beside it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import Any

from perfusio.config import Mode
from perfusio.decision import Decider
from perfusio.errors import ConfigError
from perfusio.texts import as_file_name, shown
from perfusio.twin.state.order_folder import FOLDER, LIFTED, REFUSED
from perfusio.twin.state.small_file import read_small
from perfusio.twin.state.who_and_why import check_text, check_words

ACTS = (
    "mode", "release", "approve", "reject", "acknowledge", "shelve", "adopt", "accept", "modify", "note", "stop",
    "ladder", "resume", "enter",
)  # fmt: skip
LONGEST_NAME, LONGEST_VALUE, LONGEST_MEANING = 300, 500, 100
LONGEST_SHELVED_H = 48.0
MOST_AT_ONCE = 100
"""Orders that are looked at in one go; a folder with more is gone through by and by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A person's order.

    Attributes:
        act: One of ACTS.
        reactor: Vessel; empty = all.
        who: Name of the person, or initials.
        why: Reason.
        value: The mode or decider that is wanted, the key of the decision that is approved or rejected, the alarm, or
            the hour of the sample that is accepted or entered.
        hours: For which an alarm is shelved [h].
        setpoints: Values instead of those that were advised, by name, canonical units.
        measured: Values of a sample that are entered by hand, by name, canonical units.
        user: Name of the account whose password signed it; empty where none did.
        meaning: Meaning of that signature.
    """

    act: str
    reactor: str
    who: str
    why: str
    value: str = ""
    hours: float = 0.0
    setpoints: Mapping[str, float] = field(default_factory=dict)
    measured: Mapping[str, float] = field(default_factory=dict)
    user: str = ""
    meaning: str = ""

    def __post_init__(self) -> None:
        """Refuse orders that could not be carried out or must not go on record."""
        for name in ("act", "reactor", "who", "why", "value", "user", "meaning"):
            if not isinstance(text := getattr(self, name), str):
                raise ConfigError(f"{name} = {shown(repr(text), 60)}: expected a text.")
        if isinstance(self.hours, bool) or not isinstance(self.hours, int | float):
            raise ConfigError(f"hours = {shown(repr(self.hours), 60)}: expected a number.")
        if self.act not in ACTS:
            found = shown(repr(self.act), 60)
            raise ConfigError(f"{found} is nothing that can be asked of a run. Known: {', '.join(ACTS)}.")
        if self.act == "mode" and self.value not in [m.value for m in Mode]:
            found = shown(repr(self.value), 60)
            raise ConfigError(f"{found} is no mode. Known: {', '.join(m.value for m in Mode)}.")
        if self.act == "ladder" and self.value not in [d.value for d in Decider]:
            found = shown(repr(self.value), 60)
            raise ConfigError(f"{found} decides for no vessel. Known: {', '.join(d.value for d in Decider)}.")
        _check_values(self.act, "modify", "setpoints", self.setpoints)
        _check_values(self.act, "enter", "measured", self.measured)
        if self.act == "enter" and not self.reactor:
            raise ConfigError("enter: of which vessel? A sample is of one.")
        if self.act in ("approve", "modify", "reject") and not self.value:
            raise ConfigError(f"{self.act}: which decision? Give its key, run:reactor:turn:revision, as on record.")
        if self.act in ("accept", "enter"):
            _check_hour(self.act, self.value)
        if self.act == "shelve" and not 0 < self.hours <= LONGEST_SHELVED_H:
            found = shown(str(self.hours), 60)
            raise ConfigError(f"An alarm is shelved for up to {LONGEST_SHELVED_H:g} h, found {found} h.")
        longest = {"reactor": LONGEST_NAME, "value": LONGEST_VALUE, "user": LONGEST_NAME, "meaning": LONGEST_MEANING}
        for name, most in longest.items():
            check_text(name, getattr(self, name), 0, most)
        check_words(self.who, self.why)


def _check_values(act: str, of: str, field_name: str, given: object) -> None:
    """Refuse values that are no numbers, or that belong to another act than the one that they are `of`."""
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise ConfigError(f"{field_name} = {shown(repr(given), 60)}: expected values by the names of quantities.")
    if bool(given) != (act == of):
        raise ConfigError(f"{act}: {field_name} are given with {of}, where there must be some, and only then.")
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise ConfigError(f"{shown(name, 60)} = {shown(repr(value), 60)}: expected a number.")


def _check_hour(act: str, text: str) -> None:
    try:
        is_hour = isfinite(float(text))
    except ValueError:
        is_hour = False
    if not is_hour:
        found = shown(repr(text), 60)
        raise ConfigError(f"{act}: which sample? Found {found}, expected its culture time in hours, as on record.")


def give(run_dir: Path, order: Order) -> str:
    """Put an order into the folder of a run; return the name by which the record answers it.

    Raises:
        ConfigError: there is no run in that folder, or it cannot be written to.
    """
    if not (run_dir / "audit.jsonl").exists():
        raise ConfigError(f"{run_dir} holds no run: expected its audit.jsonl. Give the folder of the run.")
    folder = run_dir / FOLDER
    name = f"{time.time_ns()}-{os.getpid()}.json"
    draft = folder / f".{name}"
    try:
        folder.mkdir(exist_ok=True)
        draft.write_text(json.dumps(asdict(order)))
        known = _name_on_record(draft.stat(), name)
        draft.replace(folder / name)
    except OSError as error:
        words = f"{folder} takes no orders: {error.strerror}. NOTHING WAS ORDERED. Mend the folder, then order again."
        raise ConfigError(words) from error
    return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A thing that waits in the folder of orders.

    Attributes:
        place: Where.
        id: By which the record answers it; another one for a file of the same name that is given later.
        given_ns: When it was given [ns since 1970].
        order: The order; None for a file that is none.
        problem: Why it is none; empty for an order.
    """

    place: Path
    id: str
    given_ns: int
    order: Order | None
    problem: str = ""


def waiting(run_dir: Path, but_not: Collection[str] = ()) -> list[Waiting]:
    """Return the files in the folder of orders, by name, which for orders of a command means the oldest first.

    Args:
        run_dir: Folder of the run.
        but_not: Names of answered orders whose files cannot be taken away.

    Raises:
        OSError: the folder cannot be looked at.
    """
    folder = run_dir / FOLDER
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    wanted = (n for n in names if not n.startswith(".") and n not in (REFUSED, LIFTED))
    found = (_found(folder / name) for name in wanted)
    return list(islice((one for one in found if one is not None and one.id not in but_not), MOST_AT_ONCE))


def _found(place: Path) -> Waiting | None:
    try:
        about = place.lstat()
    except OSError:
        return None  # gone already
    order, problem = None, ""
    try:
        if not place.name.casefold().endswith(".json"):
            raise ConfigError("Expected a JSON file, NAME.json.")
        order = _parsed(read_small(place))
    except FileNotFoundError:
        return None
    except OSError as error:
        problem = f"It cannot be read: {error.strerror}."
    except ConfigError as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001 - whatever a file holds, it costs no run
        problem = f"{type(error).__name__}: {shown(str(error), 120)}."
    name = _name_on_record(about, place.name)
    return Waiting(place=place, id=name, given_ns=about.st_ctime_ns, order=order, problem=problem)


def _parsed(data: bytes) -> Order:
    found: Any = json.loads(data.decode("utf-8-sig"))
    if not isinstance(found, dict):
        raise ConfigError(f"Found {type(found).__name__}, expected a JSON object with act, reactor, who and why.")
    known = set(Order.__dataclass_fields__)
    if lacking := sorted({"act", "reactor", "who", "why"} - found.keys()):
        raise ConfigError(f"It lacks {', '.join(lacking)}.")
    if unknown := sorted(found.keys() - known):
        raise ConfigError(f"It has {shown(', '.join(map(repr, unknown)), 100)}. Known: {', '.join(sorted(known))}.")
    return Order(**found)


def _name_on_record(about: os.stat_result, name: str) -> str:
    said = f"{about.st_mtime_ns} {about.st_ino} {name}"
    return sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def refuse(one: Waiting) -> None:
    """Take a file that is no order out of the way, with the reason beside it.

    Raises:
        OSError: it could not be moved.
    """
    folder = one.place.parent / REFUSED
    folder.mkdir(exist_ok=True)
    name = f"{one.id}-{as_file_name(one.place.name)}"
    one.place.rename(folder / name)
    with suppress(OSError):  # the reason is on record, too
        (folder / f"{name}.why.txt").write_text(f"{one.problem}\n")
