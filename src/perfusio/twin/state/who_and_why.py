"""Who and why: a person's words with every act, fit for a record and a screen."""

from __future__ import annotations

from perfusio.errors import ConfigError
from perfusio.texts import is_plain, shown

WHO, WHY = (2, 200), (3, 200)
"""Shortest and longest name and reason [characters]."""


def check_words(who: object, why: object) -> None:
    """Refuse an act of nobody, or without a reason, or in words that a record or a screen cannot show.

    Raises:
        ConfigError: who has not 2 to 200 characters, why not 3 to 200, or one of them is not one plain line.
    """
    for name, text, (low, high) in (("who", who, WHO), ("why", why, WHY)):
        if not isinstance(text, str):
            raise ConfigError(f"{name} = {shown(repr(text), 60)}: expected a text.")
        check_text(f"--{name}", text, low, high)


def check_text(name: str, text: str, low: int, high: int) -> None:
    """Refuse a text that is too short, too long or not one plain line.

    Raises:
        ConfigError: it is; the message calls it `name`.
    """
    n = len(text.strip())
    if not low <= n <= high or len(text) > 2 * high:
        raise ConfigError(f"{name} has {n} characters: expected {low} to {high}, as it goes on record.")
    if not is_plain(text):
        raise ConfigError(f"{name} is {shown(ascii(text), 100)}: expected one line of characters that can be printed.")
