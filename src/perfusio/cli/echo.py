"""Echo: the one way in which a command prints. Nothing that files, servers or people say can give a terminal orders."""

from __future__ import annotations

from unicodedata import category

import typer

from perfusio.texts import JOINERS

_KEPT = "\n\t" + JOINERS


def echo(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text with its control characters shown.

    Args:
        text: Text to print; line breaks and tabs stay.
        err: To the stream of errors.
        nl: With a line break at its end.
    """
    typer.echo(printable(str(text)), err=err, nl=nl)


def printable(text: str) -> str:
    r"""Return a text in which escape codes, other control characters and marks that turn the writing are spelt out.

    >>> printable("R01\x1b[2J\r\u202e\a"), printable("µ-Bioreactor 37 °C\n")
    ('R01\\x1b[2J\\r\\u202e\\x07', 'µ-Bioreactor 37 °C\n')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(ascii(c)[1:-1] if _gives_orders(c) else c for c in text)


def _gives_orders(c: str) -> bool:
    return c not in _KEPT and category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
