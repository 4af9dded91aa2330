"""Single values that a person says are missing: ``line 12: glucose``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from perfusio.errors import ConfigError

EXAMPLE = "line 12: glucose"
_said = re.compile(r"\s*(?:line\s+)?(?P<line>[0-9]{1,7})\s*:\s*(?P<name>.*\S)\s*", re.IGNORECASE).fullmatch


@dataclass(frozen=True, slots=True)
class MissingValue:
    """One value that does not count.

    Attributes:
        line: Line of the file, from 1.
        name: Header of its column, or the quantity.
    """

    line: int
    name: str

    def __str__(self) -> str:
        """Return it as a person types it."""
        return f"line {self.line}: {self.name}"


def missing_of(texts: Sequence[str] | None, origin: str = "--set-missing") -> tuple[MissingValue, ...]:
    """Return the values that texts like ``line 12: glucose`` name.

    Raises:
        ConfigError: a text is none like that.
    """
    found = []
    for text in texts or ():
        if (match := _said(text)) is None:
            raise ConfigError(f"{origin} {text!r}: expected a line and a column, e.g. {EXAMPLE!r}.")
        found.append(MissingValue(int(match["line"]), match["name"]))
    return tuple(dict.fromkeys(found))
