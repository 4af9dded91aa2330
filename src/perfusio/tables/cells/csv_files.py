"""Writing CSV files: whole or not at all, and with no text that a spreadsheet would run as a formula."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_is_number = re.compile(r"[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?").fullmatch


def escaped(text: str) -> str:
    """Return `text` as it goes into a cell: formulas of a spreadsheet get a leading ``'``, numbers stay numbers."""
    is_formula = text.lstrip("'").startswith(_FORMULA_STARTS) and not _is_number(text)
    return f"'{text}" if is_formula else text


def unescaped(text: str) -> str:
    """Undo `escaped`."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA_STARTS) else text


def csv_bytes(rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows of cells as the bytes of a CSV file: UTF-8, commas, each row with its line break."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([escaped(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8")


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` at `path`, durably: a temporary file in the same folder, fsync, rename.

    A reader sees the old file or the new one, never a part.

    Raises:
        OSError: it could not be written; the old file is as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    if hasattr(os, "O_DIRECTORY"):  # where a folder can be opened, its entry is made durable too
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
