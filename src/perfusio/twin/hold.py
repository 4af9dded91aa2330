"""Hold: a person stops all writes to a vessel, or to all, by a file in the folder of the run, at any moment.

`HOLD` stands for every vessel, `HOLD-R01` for one. That such a file is there is enough, whoever made it and whatever it
says; it is looked for right before each write. It holds until a person releases it.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from perfusio.errors import ConfigError
from perfusio.twin.orders import check_words

FILE = "HOLD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a person said: hold, or go on; who and why."""

    is_held: bool
    who: str = ""
    why: str = ""


def word_on(run_dir: Path, reactor: str) -> Word:
    """Return what holds for a vessel now; a file that cannot be read holds it, too."""
    words = [_read(place) for place in (run_dir / FILE, run_dir / f"{FILE}-{reactor}")]
    held = [w for w in words if w is not None and w.is_held]
    said = [w for w in words if w is not None]
    return (held or said or [Word(is_held=False)])[0]


def say(run_dir: Path, reactor: str | None, word: Word) -> Path:
    """Put a person's word into the folder of a run, in one step; return the file.

    Raises:
        ConfigError: there is no run, or nobody and nothing is named.
    """
    if not (run_dir / "audit.jsonl").exists():
        raise ConfigError(f"{run_dir} holds no run: expected its audit.jsonl. Give the folder of the run.")
    check_words(word.who, word.why)
    if reactor is not None and not reactor.replace("-", "").replace("_", "").isalnum():
        raise ConfigError(f"{reactor!a} cannot be a vessel: expected a name such as R01.")
    place = run_dir / (FILE if reactor is None else f"{FILE}-{reactor}")
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    draft.write_text(json.dumps(asdict(word)))
    draft.replace(place)
    return place


def _read(place: Path) -> Word | None:
    try:
        data = json.loads(place.read_text())
        return Word(is_held=data["is_held"] is not False, who=str(data["who"]), why=str(data["why"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):  # made by hand: that it is there says enough
        return Word(is_held=True, why=f"A file {place.name} is in the folder of the run.")
