"""Questions: a doubt that a file leaves open is asked with every reading and the option that answers, never guessed.

A question ends a command with exit code 2 (`errors.QuestionOpen`). The answer is an option of the command line, or an
entry of a mapping.toml, so that nobody is asked twice. On a live source the sample is kept back with one alarm, and the
run goes on.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from perfusio.errors import QuestionOpen, UnreadableSource

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to read a doubtful value.

    Attributes:
        says: Its meaning, in words: ``"lactate in g/L (0.25 is 2.8 mmol/L)"``.
        options: Options to type for it: ``("--column", "Lac=lactate [g/L]")``; empty where only the file can be mended.
        entry: Entry of a mapping.toml for it: ``{"columns": {"Lac": "lactate [g/L]"}}``.
    """

    says: str
    options: tuple[str, ...] = ()
    entry: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)

    @property
    def typed(self) -> str:
        """The option as a person types it."""
        return shlex.join(self.options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing that a source leaves open.

    Attributes:
        found: The finding and why it is in doubt, with file, line and column.
        readings: At least two ways to read it, or one and a file to mend; the likelier first.
        remedy: The other way, in a sentence; may be empty.
    """

    found: str
    readings: tuple[Reading, ...]
    remedy: str = ""

    def sentence(self) -> str:
        """Return the question as one paragraph."""
        ways = [f"{r.says}: {r.typed}" if r.options else r.says for r in self.readings]
        lines = [self.found, *(["  Which is it?"] if ways else []), *(f"    - {way}" for way in ways)]
        return "\n".join([*lines, *([f"  {self.remedy}"] if self.remedy else [])])


def column_reading(says: str, header: str, meaning: str) -> Reading:
    """Return the reading that a column means a quantity, a time or a text, with a unit where needed."""
    return Reading(says=says, options=("--column", f"{header}={meaning}"), entry={"columns": {header: meaning}})


def unread_reading(says: str, *headers: str) -> Reading:
    """Return the reading that leaves columns unread."""
    options = tuple(word for header in headers for word in ("--ignore", header))
    return Reading(says=says, options=options, entry={"ignore": list(headers)})


def refusal(
    problems: Sequence[str], questions: Sequence[Question], *, connector: str, operation: str = "read"
) -> UnreadableSource:
    """Return the error for the findings: a question if nothing but questions stands in the way.

    Args:
        problems: Every sentence, those of the questions included.
        questions: Those of them that an answer settles.
        connector: Name of the source.
        operation: Operation under way.
    """
    kind = QuestionOpen if questions and len(questions) == len(problems) else UnreadableSource
    return kind(tuple(problems), connector=connector, operation=operation, questions=tuple(questions))


def together(errors: Iterable[UnreadableSource], *further: str, connector: str) -> UnreadableSource:
    """Return one error for the refusals of several files; `further` are hints below them."""
    found = list(errors)
    problems = [p for e in found for p in e.problems]
    error = refusal(problems, [q for e in found for q in e.questions], connector=connector)
    is_open = bool(found) and all(isinstance(e, QuestionOpen) for e in found)  # hints among problems are no faults
    if further or is_open:
        kind = QuestionOpen if is_open else type(error)
        error = kind((*problems, *further), connector=connector, questions=error.questions)
    error.understood = tuple(u for e in found for u in e.understood)
    return error
