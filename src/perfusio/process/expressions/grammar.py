"""Expressions of quantities with units: ``titer * (perfusion_rate - bleed_rate) - 300 mg/L * perfusion_rate``.

A text becomes a tree of operations by a grammar of its own: nothing is ever evaluated as Python. The same walk over the
tree that computes values multiplies and compares units, so a sum of mg/L and 1/day is refused with its position.

    sum     = product (("+" | "-") product)*
    product = power (("*" | "/") power)*
    power   = "-" power | atom (("^" | "**") number)?
    atom    = number unit? | name | function "(" sum ("," sum)* ")" | "(" sum ")"
    unit    = "[" text "]" | "%" | word ("/" word)*          a word is a unit only right behind its number
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import isfinite

from perfusio.errors import UnknownQuantity
from perfusio.process.expressions.tree import ExpressionError, Node, unread
from perfusio.quantities import closest
from perfusio.units import MOST_POWER, ONE, WORDS, Unit, unit_of

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)|(?P<word>[^\W\d]\w*|°C)|(?P<unit>\[[^\]]*\])"
    r"|(?P<sign>\*\*|[-+*/^(),%]))"
)
MOST_SIGNS = 2000
"""Longest text of an expression."""
MOST_DEPTH = 50
"""Deepest nesting of an expression."""
FUNCTIONS: tuple[str, ...] = ("abs", "exp", "log", "max", "min", "sqrt")
_OF_SEVERAL = ("max", "min")


def is_expression(text: str) -> bool:
    """Whether a text can only be an expression: it has more in it than one name."""
    return re.fullmatch(r"\s*[^\W\d]\w*\s*", text) is None


@lru_cache(maxsize=256)
def parsed(text: str) -> Node:
    """Return the tree of an expression.

    Raises:
        ExpressionError: it cannot be read; the message shows where.
    """
    if len(text) > MOST_SIGNS:
        raise ExpressionError(f"An expression of {len(text)} characters is too long: expected at most {MOST_SIGNS}.")
    return _Parser(text).whole()


class _Parser:
    """Reads one text from left to right."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._depth = text, 0, 0
        self._tokens: list[tuple[str, str, int]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                place = at + len(text[at:]) - len(text[at:].lstrip())
                raise unread(text, place, f"{text[place]!r} has no meaning here")
            kind = str(found.lastgroup)
            self._tokens.append((kind, found[kind], found.start(kind)))
            at = found.end()

    def whole(self) -> Node:
        node = self._sum()
        if self._at < len(self._tokens):
            kind, said, at = self._tokens[self._at]
            if kind == "number":
                raise unread(self._text, at, f"a number behind a number; write the unit in brackets: [{said} ...]")
            raise unread(self._text, at, f"{said!r} was not expected; is an operator missing before it?")
        return node

    def _next(self, *signs: str) -> tuple[str, int] | None:
        """Take the next token if it is one of these signs."""
        if self._at < len(self._tokens):
            kind, said, at = self._tokens[self._at]
            if kind == "sign" and said in signs:
                self._at += 1
                return said, at
        return None

    def _sum(self) -> Node:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise ExpressionError(f"An expression nested {MOST_DEPTH} deep is not read. Write it in a plainer way.")
        node = self._product()
        while found := self._next("+", "-"):
            node = Node(kind=found[0], at=found[1], parts=(node, self._product()))
        self._depth -= 1
        return node

    def _product(self) -> Node:
        node = self._power()
        while found := self._next("*", "/"):
            node = Node(kind=found[0], at=found[1], parts=(node, self._power()))
        return node

    def _power(self) -> Node:
        n_minus, at = 0, 0
        while found := self._next("-", "+"):
            n_minus, at = n_minus + (found[0] == "-"), found[1]
        node = self._atom()
        if found := self._next("^", "**"):
            sign = -1.0 if self._next("-") else 1.0
            exponent = self._atom()
            if exponent.kind != "number" or exponent.unit != ONE:
                raise unread(self._text, exponent.at, "a power is a plain number, e.g. vcd^2 or vcd^0.5")
            if exponent.number > MOST_POWER:
                raise unread(self._text, exponent.at, f"a power above {MOST_POWER} is not read")
            node = Node(kind="^", at=found[1], parts=(node,), number=sign * exponent.number)
        return Node(kind="-1", at=at, parts=(node,)) if n_minus % 2 else node

    def _atom(self) -> Node:
        if found := self._next("("):
            node = self._sum()
            self._closed(found[1])
            return node
        if self._at >= len(self._tokens):
            raise unread(self._text, len(self._text), "something is missing at the end")
        kind, said, at = self._tokens[self._at]
        if kind == "number":
            self._at += 1
            if not isfinite(float(said)):
                raise unread(self._text, at, f"{said} is beyond all numbers")
            unit, words = self._unit()
            return Node(kind="number", at=at, text=said, number=float(said), unit=unit, unit_words=words)
        if kind == "word":
            self._at += 1
            if opened := self._next("("):
                return self._function(said, at, opened[1])
            return Node(kind="name", at=at, text=said)
        raise unread(self._text, at, f"{said!r} was not expected: a quantity, a number or ( belongs here")

    def _function(self, name: str, at: int, opened: int) -> Node:
        if name not in FUNCTIONS:
            hint = closest(name, FUNCTIONS)
            raise unread(self._text, at, f"{name!r} is no function.{hint} Known: {', '.join(FUNCTIONS)}")
        parts = [self._sum()]
        while self._next(","):
            parts.append(self._sum())
        self._closed(opened)
        if (name in _OF_SEVERAL) != (len(parts) > 1):
            raise unread(self._text, at, f"{name} takes {'several values' if name in _OF_SEVERAL else 'one value'}")
        return Node(kind=name, at=at, parts=tuple(parts))

    def _closed(self, opened: int) -> None:
        if self._next(")") is None:
            raise unread(self._text, opened, "this ( is not closed")

    def _unit(self) -> tuple[Unit, tuple[str, ...]]:
        """Take the unit behind a number, if there is one."""
        if self._at >= len(self._tokens):
            return ONE, ()
        kind, said, at = self._tokens[self._at]
        if kind == "unit" or (kind, said) == ("sign", "%"):
            self._at += 1
            return self._read_unit(said.strip("[]"), at), ()
        if kind != "word":
            return ONE, ()
        self._at += 1
        if said not in WORDS:
            self._read_unit(said, at)  # it says what is wrong
        text, words = said, list[str]()
        while self._at + 1 < len(self._tokens) and self._tokens[self._at][:2] == ("sign", "/"):
            word = self._tokens[self._at + 1][1]
            if word not in WORDS:
                break
            text, words, self._at = f"{text}/{word}", [*words, word], self._at + 2
        return self._read_unit(text, at), tuple(words)

    def _read_unit(self, text: str, at: int) -> Unit:
        try:
            return unit_of(text)
        except UnknownQuantity as error:
            raise unread(self._text, at, str(error).rstrip(".")) from None
