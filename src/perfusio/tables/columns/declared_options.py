"""Options that a person types about files, checked: a pattern for names of samples, dates of inoculation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from perfusio.errors import ConfigError, QuestionOpen
from perfusio.tables.cells.sheets import DoubtfulEncoding
from perfusio.tables.columns.questions import Question, Reading
from perfusio.tables.columns.timestamps import ORDERS, read_stamps

GROUPS = ("reactor", "run", "day")


def pattern_of(text: str, origin: str = "--vessel-pattern") -> str:
    """Return a pattern for names of samples as it is.

    Raises:
        ConfigError: it is no regular expression, or names none of the groups reactor, run and day.
    """
    example = "'(?P<reactor>R[0-9]+)-D(?P<day>[0-9]+)'"
    try:
        groups = set(re.compile(text).groupindex)
    except re.error as error:
        text = f"{origin} {text!r} is no regular expression: {error}. Expected one like {example}."
        raise ConfigError(text) from error
    if text and not groups & set(GROUPS):
        raise ConfigError(f"{origin} {text!r} has none of the groups {', '.join(GROUPS)}. Expected one like {example}.")
    return text


def refuse_format(
    decimal: str | None, date_order: str | None, of_decimal: str = "--decimal ", of_order: str = "--date-order "
) -> None:
    """Refuse a decimal mark or an order of dates that is none.

    Raises:
        ConfigError: one of them is none; the message begins with the words for it.
    """
    if decimal not in (None, ".", ","):
        raise ConfigError(f"{of_decimal}{decimal!r}: expected '.' or ','.")
    if date_order not in (None, *ORDERS):
        raise ConfigError(f"{of_order}{date_order!r}: expected {' or '.join(map(repr, ORDERS))}.")


def dates_of(texts: Sequence[str] | None, origin: str = "--inoculated") -> dict[str, datetime]:
    """Return dates of culture time 0 by vessel, ``""`` for all, from texts like ``R01=2031-03-02 09:00``.

    Raises:
        ConfigError: a text is no date that has one reading.
    """
    found: dict[str, datetime] = {}
    for text in texts or ():
        vessel, sign, date = text.rpartition("=")
        stamps = read_stamps([date])
        if stamps.values[0] is None or stamps.doubt is not None:
            raise ConfigError(
                f"{origin} {text!r}: expected a date with time, for all vessels or for one: 2031-03-02T09:00 or "
                "R01=2031-03-02T09:00."
            )
        if vessel.strip() in found:
            raise ConfigError(f"{origin}: {vessel.strip() or 'all vessels'} twice, expected one date. Drop one.")
        found[vessel.strip() if sign else ""] = stamps.values[0]
    return found


def rows_of(texts: Sequence[str] | None, origin: str = "--keep") -> dict[str, tuple[str, ...]]:
    """Return rows that are named by the value of a column, ``HEADER=VALUE``, or by ``line=4,7``.

    Raises:
        ConfigError: a text has no ``=``.
    """
    found: dict[str, tuple[str, ...]] = {}
    for text in texts or ():
        header, sign, value = text.partition("=")
        if not (sign and header.strip() and value.strip()):
            raise ConfigError(f"{origin} {text!r}: expected HEADER=VALUE, e.g. 'Sample ID=Control', or line=4.")
        found[header.strip()] = (*found.get(header.strip(), ()), value.strip())
    return found


@contextmanager
def asked_encoding() -> Iterator[None]:
    """Turn the refusal of a text in an unknown encoding into a question.

    Raises:
        QuestionOpen: it is one.
    """
    try:
        yield
    except DoubtfulEncoding as error:
        by_word = dict[str, str]()
        for codec, word in error.words.items():
            if "\N{REPLACEMENT CHARACTER}" not in word:
                by_word.setdefault(word, codec)  # the likeliest of those that agree
        readings = tuple(
            Reading(says=f"it is {word!r}", options=("--encoding", codec), entry={"encoding": codec})
            for word, codec in by_word.items()
        )
        question = Question(found=str(error), readings=readings, remedy="Or save the file as CSV UTF-8.")
        raise QuestionOpen((question.sentence(),), connector=error.connector, questions=(question,)) from error
