"""A person at a terminal who is asked, or nobody: an open point is then refused as a question."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import typer

from perfusio.cli.echo import echo
from perfusio.errors import PerfusioError, UnreadableSource

if TYPE_CHECKING:
    from perfusio.tables.columns.questions import Question

T = TypeVar("T")
WIDTH = 80
PLACEHOLDER = "NAME [unit]"


class Interrupted(PerfusioError):
    """The person stopped the questions with Ctrl-C; the exit code follows the convention of shells."""

    exit_code = 130


class Asked(Protocol):
    """Who answers."""

    is_there: bool

    def answer(self, words: str, default: str, read: Callable[[str], T]) -> T:
        """Return the answer to a question, as `read` understands it; an empty answer is the default."""
        ...

    def settle(self, error: UnreadableSource) -> Mapping[str, Any]:
        """Return the answers to the open points of a file, as entries of a mapping.

        Raises:
            UnreadableSource: there is nobody to ask, or an answer does not help.
        """
        ...

    def agrees(self, words: str, *, default: bool) -> bool:
        """Whether the person agrees; nobody agrees to the default."""
        ...


class Nobody:
    """Takes every default, and asks nothing."""

    is_there = False

    def answer(self, words: str, default: str, read: Callable[[str], T]) -> T:
        """Return the default."""
        del words
        return read(default)

    def settle(self, error: UnreadableSource) -> Mapping[str, Any]:
        """Raise the error: its questions name the options that answer."""
        raise error

    def agrees(self, words: str, *, default: bool) -> bool:
        """Return the default."""
        del words
        return default


class Person:
    """Somebody at a terminal."""

    is_there = True

    def answer(self, words: str, default: str, read: Callable[[str], T]) -> T:
        """Ask until the answer can be understood."""
        while True:
            text = _typed(words, default)
            try:
                return read(text)
            except (PerfusioError, ValueError) as error:
                echo("\n".join(_wrapped(str(error), "  ")))

    def settle(self, error: UnreadableSource) -> Mapping[str, Any]:
        """Ask each question of a file, with its readings by number."""
        if not error.questions or len(error.questions) < len(error.problems):
            raise error  # something in it must be mended, not answered
        found: dict[str, Any] = {}
        for question in error.questions:
            found = joined(found, self._chosen(question, error))
        return found

    def _chosen(self, question: Question, error: UnreadableSource) -> Mapping[str, Any]:
        readings = [reading for reading in question.readings if reading.entry]
        if not readings:
            raise error
        echo("")
        echo("\n".join(_wrapped(question.found.replace("FilesystemStore(..., ", "(").split("Rename the")[0], "")))
        for i, reading in enumerate(readings, start=1):
            echo("\n".join(_wrapped(reading.says, f"  {i}  ")))

        def number(text: str) -> int:
            if text.strip().isdigit() and 1 <= int(text) <= len(readings):
                return int(text)
            raise ValueError(f"{text!r}: expected a number from 1 to {len(readings)}.")

        entry = readings[self.answer("Which is it?", "", number) - 1].entry
        columns = entry.get("columns", {})
        named = {
            header: self.answer(f"Which quantity is {header!r}, with its unit?", "", _not_empty)
            if meaning == PLACEHOLDER else meaning
            for header, meaning in columns.items()
        }  # fmt: skip
        return {**entry, "columns": named} if named else entry

    def agrees(self, words: str, *, default: bool) -> bool:
        """Ask for a yes or a no."""
        try:
            return typer.confirm(words, default=default)
        except typer.Abort:
            raise Interrupted(STOPPED) from None


STOPPED = "Stopped before all was answered: nothing was written."


def _typed(words: str, default: str) -> str:
    *above, last = _wrapped(words, "")
    for line in above:
        echo(line)
    try:
        text: str = typer.prompt(last, default=default, show_default=bool(default), prompt_suffix=" ")
    except typer.Abort:
        raise Interrupted(STOPPED) from None
    return text.strip()


def _not_empty(text: str) -> str:
    if not text:
        raise ValueError("Expected a name, such as glutamate [mmol/L].")
    return text


def _wrapped(text: str, indent: str) -> list[str]:
    after = " " * len(indent)
    return [
        part
        for line in text.splitlines()
        for part in textwrap.wrap(line.strip(), WIDTH, initial_indent=indent, subsequent_indent=after)
    ] or [indent]


def joined(before: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return answers with further ones: tables and lists are added to."""
    found = dict(before)
    for name, value in more.items():
        old = found.get(name)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            found[name] = {**old, **value}
        elif isinstance(old, Sequence) and not isinstance(old, str) and isinstance(value, Sequence):
            found[name] = [*old, *value]
        else:
            found[name] = value
    return found
