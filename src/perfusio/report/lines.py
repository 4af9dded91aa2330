"""Lines for a person: their look, how long they are, how much they want to be seen."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

WIDTH = 120


_SUPPORT = re.compile(r";? ?far from what was learnt \(support [0-9.]+\)")
COLD = (
    "Nothing like this was learnt yet, so forecasts rest on general kinetics and are wide. Some days of samples, or "
    "--history RUNS, end that; it is said once."
)


class Tone(StrEnum):
    """How much a line wants to be seen; each such line also says so in words."""

    PLAIN = "plain"
    HEAD = "head"
    QUIET = "quiet"
    WARN = "warn"
    ACT = "act"


@dataclass(frozen=True, slots=True)
class Line:
    """One line for a person."""

    text: str
    tone: Tone = Tone.PLAIN


def counted(n: int, what: str) -> str:
    """Return so many of something, e.g. ``"1 day"``, ``"28 days"``."""
    return f"{n} {what}{'' if n == 1 else 's'}"


def note(label: str, text: str, tone: Tone = Tone.PLAIN, *, indent: bool = False) -> list[Line]:
    """Wrap a remark behind its label; control characters of foreign text cannot forge a line."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    first = f"      {label} " if indent else f"{label:<7} "
    wrapped = textwrap.wrap(clean, WIDTH, initial_indent=first, subsequent_indent=" " * 8, break_on_hyphens=False)
    return [Line(part, tone) for part in wrapped or [first.rstrip()]]


def fitted(line: Line, width: int) -> list[Line]:
    """Return a line as it fits a terminal; a line of a table stays as it is, a remark is wrapped once more."""
    if len(line.text) <= width or not line.text.strip():
        return [line]
    begins = " " * (len(line.text) - len(line.text.lstrip()))
    parts = textwrap.wrap(
        line.text.strip(), max(width, 40), initial_indent=begins, subsequent_indent=" " * 8, break_on_hyphens=False
    )
    return [Line(part, line.tone) for part in parts]


def on_terminal(lines: Sequence[Line], width: int) -> list[Line]:
    """Return lines as they fit a terminal: remarks that `note` broke are put together first, then broken once.

    Args:
        lines: As they fit WIDTH.
        width: Of the terminal, in characters.
    """
    whole: list[Line] = []
    last = 0
    for line in lines:
        words = line.text.split(maxsplit=1)
        goes_on = line.text.startswith(" " * 8) and not line.text.startswith(" " * 9)
        if width < WIDTH and whole and goes_on and line.tone is whole[-1].tone and last + 1 + len(words[0]) > WIDTH:
            whole[-1] = Line(f"{whole[-1].text} {line.text.strip()}", line.tone)
        else:
            whole.append(line)
        last = len(line.text)
    return [part for line in whole for part in fitted(line, width)]


def without_support(words: str) -> tuple[str, bool]:
    """Return a reason without its remark that nothing like it was learnt, and whether it had one."""
    found = _SUPPORT.search(words)
    return (_SUPPORT.sub("", words), True) if found else (words, False)
