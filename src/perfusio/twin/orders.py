"""Orders: what a person wants of a run, as files in its folder, so that they wait if the run has stopped.

Each is one JSON file in `orders/`, written in one step. The run puts it on record, carries it out or says why not, and
takes the file away.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path

from perfusio.config import Mode
from perfusio.errors import ConfigError

FOLDER = "orders"
ACTS = ("mode", "release", "approve", "reject", "acknowledge", "shelve", "adopt", "accept", "stop")
WHO_AND_WHY = (3, 200)
LONGEST_SHELVED_H = 48.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a person wants.

    Attributes:
        act: One of ACTS.
        reactor: Vessel; empty = all.
        who: Name of the person.
        why: Reason.
        value: The mode that is wanted, the key of the decision that is approved or rejected, the alarm, or the hour of
            the sample that is accepted.
        hours: For which an alarm is shelved [h].
    """

    act: str
    reactor: str
    who: str
    why: str
    value: str = ""
    hours: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what could not be carried out or must not go on record."""
        if self.act not in ACTS:
            raise ConfigError(f"{self.act!r} is nothing that can be asked of a run. Known: {', '.join(ACTS)}.")
        if self.act == "mode" and self.value not in [m.value for m in Mode]:
            raise ConfigError(f"{self.value!r} is no mode. Known: {', '.join(m.value for m in Mode)}.")
        if self.act in ("approve", "reject") and not self.value:
            raise ConfigError(f"{self.act}: which decision? Give its key, run:reactor:turn:revision, as on record.")
        if self.act == "accept":
            _check_hour(self.value)
        if self.act == "shelve" and not 0.0 < self.hours <= LONGEST_SHELVED_H:
            raise ConfigError(f"An alarm is shelved for up to {LONGEST_SHELVED_H:g} h, found {self.hours:g} h.")
        check_words(self.who, self.why)


def _check_hour(text: str) -> None:
    try:
        is_hour = isfinite(float(text))
    except ValueError:
        is_hour = False
    if not is_hour:
        raise ConfigError(f"accept: which sample? Found {text!r}, expected its culture time in hours, as on record.")


def check_words(who: str, why: str) -> None:
    """Refuse an act of nobody, or without a reason.

    Raises:
        ConfigError: who or why does not have 3 to 200 characters.
    """
    low, high = WHO_AND_WHY
    for name, text in (("who", who), ("why", why)):
        if not low <= len(text.strip()) <= high:
            n = len(text.strip())
            raise ConfigError(f"--{name} has {n} characters: expected {low} to {high}, as it goes on record.")


def give(run_dir: Path, order: Order) -> Path:
    """Put an order into the folder of a run; return its file.

    Raises:
        ConfigError: there is no run in that folder.
    """
    if not (run_dir / "audit.jsonl").exists():
        raise ConfigError(f"{run_dir} holds no run: expected its audit.jsonl. Give the folder of the run.")
    folder = run_dir / FOLDER
    folder.mkdir(exist_ok=True)
    name = f"{time.time_ns()}-{os.getpid()}.json"
    draft = folder / f".{name}"
    draft.write_text(json.dumps(asdict(order)))
    return draft.replace(folder / name)


def waiting(run_dir: Path) -> list[tuple[Path, Order | str]]:
    """Return the orders that wait, the oldest first; what is no order comes as words that say why."""
    found: list[tuple[Path, Order | str]] = []
    for place in sorted((run_dir / FOLDER).glob("[!.]*.json")):
        try:
            found.append((place, Order(**json.loads(place.read_text()))))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, TypeError, ConfigError) as error:
            found.append((place, f"{place.name} is no order: {type(error).__name__}: {error}"))
    return found
