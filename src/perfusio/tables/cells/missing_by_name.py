"""Single values that a person says are missing: ``line 12: glucose``, of several files ``r1.csv, line 12: glucose``."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from perfusio.errors import ConfigError

EXAMPLE = "line 12: glucose"
_said = re.compile(
    r"\s*(?:(?P<file>.*\S)\s*,\s*)?(?:line\s+)?(?P<line>[0-9]{1,7})\s*:\s*(?P<name>.*\S)\s*", re.IGNORECASE
).fullmatch


@dataclass(frozen=True, slots=True)
class MissingValue:
    """One value that does not count.

    Attributes:
        line: Line of the file, from 1.
        name: Header of its column, or the quantity.
        file: Name of the file, with its sheet as messages name it; empty = the only one.
    """

    line: int
    name: str
    file: str = ""

    def __str__(self) -> str:
        """Return it as a person types it."""
        return f"{self.file}, line {self.line}: {self.name}" if self.file else f"line {self.line}: {self.name}"

    def is_of(self, source: str) -> bool:
        """Whether it is of a file, or of one of its sheets."""
        return not self.file or self.file == source or self.file.startswith(f"{source}, sheet ")


def missing_of(texts: Sequence[str] | None, origin: str = "--set-missing") -> tuple[MissingValue, ...]:
    """Return the values that texts like ``line 12: glucose`` name.

    Raises:
        ConfigError: a text is none like that.
    """
    found = []
    for text in texts or ():
        if (match := _said(text)) is None:
            raise ConfigError(f"{origin} {text!r}: expected a line and a column, e.g. {EXAMPLE!r}.")
        found.append(MissingValue(int(match["line"]), match["name"], match["file"] or ""))
    return tuple(dict.fromkeys(found))


def missing_in(said: Sequence[MissingValue], sources: Sequence[str], origin: str = "--set-missing") -> None:
    """Refuse values of which it is open, or impossible, in which of several files they stand.

    Args:
        said: As a person declares them.
        sources: Names of all files, or of all sheets of one; empty = a folder whose files are not known yet.
        origin: Option or entry, for the message.

    Raises:
        ConfigError: a value names no file although there are several, or one that is not there.
    """
    for value in said:
        if value.file and sources and not any(value.is_of(source) for source in sources):
            raise ConfigError(f"{origin} {str(value)!r}: {value.file!r} is not read here, but {_listed(sources)}.")
        if not value.file and len(sources) != 1:
            one = MissingValue(value.line, value.name, sources[0] if sources else "FILE.csv")
            raise ConfigError(
                f"{origin} {str(value)!r} does not say of which file or sheet it is, and several can be read"
                f"{': ' if sources else ''}{_listed(sources)}. Expected its name too: {origin} {str(one)!r}."
            )


def without_it(source: str, line: int, header: str) -> str:
    """Return the sentence that ends a refusal of one value; of several sheets the option names the one."""
    value = MissingValue(line, header, source if ", sheet " in source else "")
    return f" To go on without this value: {shlex.join(('--set-missing', str(value)))}."


def _listed(sources: Sequence[str]) -> str:
    return ", ".join(sources[:3]) + (" ..." if len(sources) > 3 else "")
