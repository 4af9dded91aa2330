"""Words of others, as one line that can be printed and recorded, and as the name of a file."""

from __future__ import annotations

import unicodedata
from hashlib import sha256

JOINERS = "\u200c\u200d"
"""Characters without width that Persian, Indic and other names are written with."""
LONGEST_NAME = 120
"""Bytes of a file name; prefix and suffix have room in the 255 of a file system."""


def is_plain(text: str) -> bool:
    r"""Whether a text is one line of characters that can be printed, and that any program can read back.

    >>> is_plain("Ü1 (left)"), is_plain("R01\n"), is_plain("\ud800")
    (True, False, False)
    """
    return all(c.isprintable() or c in JOINERS for c in text)


def shown(text: str, most: int = 200) -> str:
    r"""Return a text as one line of at most so many characters, control characters and broken ones as escapes.

    >>> shown("HOLD\x1b[2J.txt")
    'HOLD\\x1b[2J.txt'
    """
    line = "".join(c if c.isprintable() or c in JOINERS else ascii(c)[1:-1] for c in text[: most + 1])
    return line if len(line) <= most else f"{line[: most - 3]}..."


def as_file_name(name: str) -> str:
    """Return a name as a part of a file name: another one for each name, without separators, dots and blanks.

    Letters, digits, ``_`` and ``-`` stay as they are, so a plain name is its own file name.

    >>> as_file_name("PB-104"), as_file_name("BR 1/2"), as_file_name("../x"), as_file_name("")
    ('PB-104', 'BR%201%2F2', '%2E%2E%2Fx', '%')
    """
    text = "".join(c if _stays(c) else _escaped(c) for c in name) or "%"
    if len(text.encode("utf-8")) <= LONGEST_NAME:
        return text
    cut = text.encode("utf-8")[: LONGEST_NAME - 40].decode("utf-8", "ignore")
    return f"{cut}%{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"  # escapes are upper case


def _stays(c: str) -> bool:
    return c in "_-" or (c.isalnum() and unicodedata.normalize("NFKD", c) == c)


def _escaped(c: str) -> str:
    return "".join(f"%{byte:02X}" for byte in c.encode("utf-8", "surrogatepass"))
