"""The tree of an expression, and errors that point at a place in its text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from perfusio.errors import ConfigError
from perfusio.units import ONE, Unit


class ExpressionError(ConfigError):
    """An expression that cannot be read, or whose units do not fit; the message points at the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One operation of an expression.

    Attributes:
        kind: ``"number"``, ``"name"``, a sign, ``"-1"`` for a minus before a term, ``"^"`` or the name of a function.
        at: Where it stands in the text, from 0.
        text: Its source text: the name of a quantity, for a name.
        parts: Its operands.
        number: Of a number, or the exponent of a power.
        unit: Of a number.
        unit_words: Words after a ``/`` that were read as units of a number.
    """

    kind: str
    at: int
    text: str = ""
    parts: tuple[Node, ...] = ()
    number: float = 0.0
    unit: Unit = ONE
    unit_words: tuple[str, ...] = ()

    def nodes(self) -> Iterator[Node]:
        """Yield this operation and all below it."""
        yield self
        for part in self.parts:
            yield from part.nodes()

    @property
    def names(self) -> tuple[str, ...]:
        """Quantities that it needs, in order of appearance."""
        return tuple(dict.fromkeys(node.text for node in self.nodes() if node.kind == "name"))


def unread(text: str, at: int, why: str) -> ExpressionError:
    """Return the error about a text that cannot be read at a place."""
    return ExpressionError(f"{text!r} cannot be read at character {at + 1}: {why}.\n{_pointed(text, at)}")


def unfit(text: str, node: Node, why: str) -> ExpressionError:
    """Return the error about an operation whose units do not fit."""
    where = f"at character {node.at + 1}"
    return ExpressionError(f"{text!r} does not fit together {where}: {why}.\n{_pointed(text, node.at)}")


def _pointed(text: str, at: int) -> str:
    return f"  {' '.join(text.splitlines())}\n  {' ' * at}^"
