"""Hold: a person stops all writes to a vessel, or to all, by a file in the folder of the run, at any moment.

A file, a folder or a link whose name begins with ``hold``, in any case and with any ending, holds: whoever made it and
whatever it says. The rest names the vessel (``HOLD-R01``, ``hold r01.txt``); nothing, or the name of no vessel of
the run, holds all. It is looked for right before each write, and it holds until a person releases it.
"""

from __future__ import annotations

import json
import os
import time
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from perfusio.errors import ConfigError
from perfusio.texts import as_file_name, shown
from perfusio.twin.state.order_folder import FOLDER, LIFTED
from perfusio.twin.state.small_file import read_small
from perfusio.twin.state.who_and_why import check_words

FILE = "HOLD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A person's word on the mode of a vessel: who, and why."""

    who: str = ""
    why: str = ""

    def __str__(self) -> str:
        """Say it as is shown to people."""
        return f"{self.who}: {self.why}" if self.who else self.why


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One thing in the folder of a run that holds vessels.

    Attributes:
        name: Of the file; empty where the folder itself cannot be looked at.
        vessels: Those that it holds.
        is_for_all: Whether it holds all, as it names no vessel of the run.
        is_understood: Whether it names a vessel, or none at all; one that names no vessel of the run may be a slip.
        word: Who holds, and why, as far as it says so.
        since_ns: When it was made [ns since 1970].
    """

    name: str
    vessels: frozenset[str]
    is_for_all: bool
    is_understood: bool
    word: Word
    since_ns: int


def holds(run_dir: Path, vessels: Collection[str]) -> tuple[Hold, ...]:
    """Return the present holds of a run, the oldest first.

    Args:
        run_dir: Folder of the run. One that cannot be looked at holds all, one that is not there holds nothing.
        vessels: Of the run.
    """
    try:
        found = [name for name in os.listdir(run_dir) if _is_hold(name)]
    except FileNotFoundError:
        return ()
    except OSError as error:
        why = f"The folder of the run cannot be looked at ({error.strerror}), so nobody knows whether somebody holds."
        every = frozenset(vessels)
        return (Hold(name="", vessels=every, is_for_all=True, is_understood=True, word=Word(why=why), since_ns=0),)
    return tuple(sorted((_hold(run_dir / name, vessels) for name in found), key=lambda h: (h.since_ns, h.name)))


def hold_on(found: Collection[Hold], reactor: str) -> Hold | None:
    """Return the hold of a vessel, its own before one for all; None if there is none."""
    on_it = [hold for hold in found if reactor in hold.vessels]
    return min(on_it, key=lambda h: h.is_for_all, default=None)


def make_hold(run_dir: Path, reactor: str | None, word: Word) -> Path:
    """Hold a vessel of a run, or all (None), in one step; return the file.

    Raises:
        ConfigError: there is no run, nobody and nothing is named, or the file cannot be made.
    """
    if not (run_dir / "audit.jsonl").exists():
        raise ConfigError(f"{run_dir} holds no run: expected its audit.jsonl. Give the folder of the run.")
    check_words(word.who, word.why)
    place = run_dir / (FILE if reactor is None else f"{FILE}-{as_file_name(reactor)}")
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    if place.is_dir():
        return place  # a folder of that name holds just as well
    try:
        draft.write_text(json.dumps({"reactor": reactor, "who": word.who, "why": word.why}))
        draft.replace(place)
    except OSError as error:
        raise ConfigError(
            f"{place} cannot be written: {error.strerror}. NOTHING IS HELD by it. Make any file whose name begins with "
            "HOLD in that folder, or stop the twin."
        ) from error
    return place


def lift(run_dir: Path, hold: Hold) -> str:
    """Take a hold away, into a folder beside the orders; return why that was not possible, or nothing."""
    folder = run_dir / FOLDER / LIFTED
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (run_dir / hold.name).rename(folder / f"{time.time_ns()}-{as_file_name(hold.name)}")
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{shown(hold.name)!r} cannot be taken away ({error.strerror}): take it away by hand."
    return ""


# -- names -----------------------------------------------------------------------------------------------------------


def _is_hold(name: str) -> bool:
    return unicodedata.normalize("NFKC", name).lstrip().casefold().startswith("hold")


def _hold(place: Path, vessels: Collection[str]) -> Hold:
    named, is_understood = _named(place.name, vessels)
    try:
        since_ns = place.lstat().st_ctime_ns  # that of the change is kept when a file is copied
    except OSError:
        since_ns = 0
    return Hold(
        name=place.name, vessels=named or frozenset(vessels), is_for_all=not named, is_understood=is_understood,
        word=_word_in(place), since_ns=since_ns,
    )  # fmt: skip


def _named(name: str, vessels: Collection[str]) -> tuple[frozenset[str], bool]:
    """Return the vessels that the name of a file spells, none if it is for all, and whether that is clear.

    One that is spelled exactly as a command spells it is that one. Otherwise letters and digits count, before any
    ending: several vessels may be meant by one spelling, and all are where an ending may mean one, too.
    """
    exactly = {f"{FILE}-{as_file_name(v)}": v for v in vessels}
    if name in exactly:
        return frozenset({exactly[name]}), True
    meant: dict[str, set[str]] = {}
    for vessel in vessels:
        for spelling in (vessel, as_file_name(vessel)):
            meant.setdefault(_squashed(spelling), set()).add(vessel)
    meant.pop("", None)
    stem, found = name, set[str]()
    while not found:
        rest = _squashed(stem).removeprefix("hold")
        if not rest:
            return frozenset(), True
        found |= meant.get(rest, set())
        stem, dot, ending = stem.rpartition(".")
        if not found and (not dot or _squashed(ending) in meant):
            return frozenset(), False
    return frozenset(found), True


def _squashed(name: str) -> str:
    """Return letters and digits only, in one case: two spellings of a name are the same then."""
    return "".join(c for c in unicodedata.normalize("NFKD", name).casefold() if c.isalnum())


def _word_in(place: Path) -> Word:
    """Return who and why, if the file was made by a command; one made by hand is there, and that is enough."""
    try:
        data = json.loads(read_small(place))
        word = Word(who=data["who"], why=data["why"])
        check_words(word.who, word.why)
    except Exception:  # noqa: BLE001 - whatever such a file is, it holds
        return Word(why=f"{shown(place.name, 100)!r} is in the folder of the run.")
    return word
