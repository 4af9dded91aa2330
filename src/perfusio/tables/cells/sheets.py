"""From the bytes of a CSV file to lines of cells: its kind, its encoding, its separator, its quotes.

Nothing here knows about quantities. Whatever could be read in two ways is refused.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from perfusio.errors import UnreadableSource
from perfusio.quantities import closest
from perfusio.tables.cells.plain_rows import plain_rows

MAX_BYTES = 50_000_000
LONG = 20_000
"""Texts of so many characters are cut at once, and decoded where somebody looks."""
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_EXCEL = "In Excel: File > Save As > CSV UTF-8."
_FOREIGN = {
    b"PK\x03\x04": f"is an Excel workbook (.xlsx) or another zip archive, whatever its name says. {_EXCEL}",
    b"\xd0\xcf\x11\xe0": f"is an old Excel workbook (.xls), whatever its name says. {_EXCEL}",
    b"PAR1": "is a Parquet file. Export it as CSV.",
    b"%PDF": "is a PDF document. Export the table as CSV.",
    b"\x1f\x8b": "is compressed (gzip). Unpack it first.",
    b"\x89HDF": "is an HDF5 file. Export the table as CSV.",
    b"{\\rtf": f"is a text document with formatting (RTF). {_EXCEL}",
}
# Bytes above ASCII that all Windows code pages of Europe read alike; a micro or degree sign in a unit is one of them.
_SURE = frozenset(
    b for b in range(0x80, 0x100)
    if len({bytes([b]).decode(f"cp{page}", "replace") for page in (1250, 1251, 1252, 1253, 1254, 1257)}) == 1
)  # fmt: skip


_PAGES = ("cp1252", "mac_roman", "cp1250", "cp1251")
"""Western Europe on Windows, on an old Macintosh, Central Europe, Cyrillic."""


class DoubtfulEncoding(UnreadableSource):
    """A text that is not UTF-8 and reads differently by different code pages; `words` is the first one by each."""

    words: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The lines of a CSV file as cells, unchecked; blank lines are left out.

    Attributes:
        rows: Cells of each line.
        lines: Line number of each row, from 1.
        separator: Separator of the cells.
        is_cut: Whether the last row has no line break: it may still be being written.
    """

    rows: Sequence[list[str]]
    lines: Sequence[int]
    separator: str
    is_cut: bool


@dataclass(frozen=True, slots=True)
class FileKind:
    """The expected kind of a file, for messages: in words, and the endings of such files."""

    name: str
    endings: tuple[str, ...]


CSV = FileKind("CSV file", (".csv",))
TABLES = FileKind("table", (".csv", ".txt", ".tsv", ".xlsx", ".xlsm", ".xls", ".parquet"))
EXCEL = FileKind("Excel workbook", (".xlsx", ".xlsm", ".xls"))


def existing_file(path: Path, kind: FileKind = CSV) -> Path:
    """Return `path`, resolved, if a regular file of acceptable size is there.

    Args:
        path: Where it should be.
        kind: Expected kind.

    Raises:
        UnreadableSource: missing (the nearest such file of that folder is named), a folder, a device, or too large.
    """
    resolved = path.expanduser().resolve()
    try:
        status = resolved.stat()
    except OSError as error:
        raise UnreadableSource((_where_else(resolved, error, kind),), connector=path.name, operation="open") from error
    problem = ""
    if stat.S_ISDIR(status.st_mode):
        problem = f"{path} is a folder, expected one {kind.name}.{_listing(resolved, kind)}"
    elif not stat.S_ISREG(status.st_mode):
        problem = f"{path} is not a regular file but a device or pipe. Save the data to an ordinary file."
    elif status.st_size > MAX_BYTES:
        problem = (
            f"{path} has {status.st_size / 1e6:.0f} MB, expected at most {MAX_BYTES // 10**6} MB. "
            "Split it into one file per run, or thin it out to one row per sample."
        )
    if problem:
        raise UnreadableSource((problem,), connector=path.name, operation="open")
    return resolved


def _where_else(path: Path, error: OSError, kind: FileKind) -> str:
    if not isinstance(error, FileNotFoundError):
        return f"{path} cannot be opened: {error.strerror}. Check the path and the rights of its folder."
    if not path.parent.is_dir():
        return f"{path} was not found: there is no folder {path.parent}. Check the path."
    names = tuple(sorted(p.name for p in path.parent.glob("*") if p.suffix.lower() in kind.endings))
    return f"{path.name} was not found in {path.parent}.{closest(path.name, names)}{_listing(path.parent, kind)}"


def _listing(folder: Path, kind: FileKind) -> str:
    try:
        names = sorted(p.name for p in folder.iterdir() if p.suffix.lower() in kind.endings)
    except OSError:
        return ""
    if not names:
        return f" It holds no {kind.name}."
    shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    return f"\n  {kind.name}s there: {shown}."


def read_bytes(path: Path) -> bytes:
    """Return the content of a regular file.

    Raises:
        UnreadableSource: it cannot be read, or grew beyond the limit.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as file:
            data = file.read(min(os.fstat(descriptor).st_size, MAX_BYTES) + 1)
            data += file.read(MAX_BYTES + 1 - len(data))  # what was added meanwhile; room for the limit is not cheap
    except OSError as error:
        text = f"{path} cannot be read: {error.strerror}. Check that it is there and that you may read it."
        raise UnreadableSource((text,), connector=path.name) from error
    if len(data) > MAX_BYTES:
        existing_file(path)
    return data


def whole_lines(data: bytes) -> bytes:
    """Return the part of a growing file that ends with its last line break; the rest may be half written."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        line_break = b"\n\x00" if data.startswith(codecs.BOM_UTF16_LE) else b"\x00\n"
        at = data.rfind(line_break)
        while at % 2 and at > 0:
            at = data.rfind(line_break, 0, at + 1)
        return data[: at + 2] if at > 0 else b""
    return data[: max(data.rfind(b"\n"), data.rfind(b"\r")) + 1]


def text_of(data: bytes, name: str, encoding: str | None = None) -> tuple[str, tuple[str, ...]]:
    """Decode a file; return the text and warnings.

    Args:
        data: The whole file.
        name: For messages.
        encoding: Declared by the user; None = UTF-8, UTF-16 with its mark, or cp1252 where no byte is in doubt.

    Raises:
        UnreadableSource: not a text file, or its encoding is in doubt; byte and line are named.
    """
    for magic, what in _FOREIGN.items():
        if data.startswith(magic):
            raise _refusal(name, f"{name} {what}")
    if data[:512].lstrip().lower().startswith((b"<!doctype", b"<html", b"<table", b"<?xml")):
        raise _refusal(name, f"{name} is a web page or XML document, whatever its name says. Export the table as CSV.")
    declared = encoding or next((codec for mark, codec in _BOMS if data.startswith(mark)), None)
    if declared is not None:
        return _decoded(data, name, declared), ()
    if b"\x00" in data:
        at = data.index(b"\x00")
        raise _refusal(
            name,
            f"{name}, line {_line_of(data, at)}: byte {at} is zero, so this is no plain text (or UTF-16 without its "
            "mark). Save it as CSV UTF-8.",
        )
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError as error:
        doubtful = [i for i, b in enumerate(data) if b >= 0x80 and b not in _SURE]
        if not doubtful:
            return data.decode("cp1252"), ("it is not UTF-8; read as Windows text (cp1252).",)
        at = doubtful[0]
        as_windows = data[at : at + 1].decode("cp1252", "replace")
        refused = DoubtfulEncoding(
            (
                f"{name}, line {_line_of(data, at)}: byte {at} is 0x{data[at]:02x}, which is not UTF-8 "
                f"and means different letters on different computers (in Western Europe {as_windows!r}).",
            ),
            connector=name,
        )
        refused.words = {codec: _word_at(data, at, codec) for codec in _PAGES}
        raise refused from error


def _word_at(data: bytes, at: int, codec: str) -> str:
    """Return the word around a byte, as a code page reads it."""
    before = re.split(rb"[\s;,\"]", data[max(at - 40, 0) : at])[-1]
    return (before + re.split(rb"[\s;,\"]", data[at : at + 40])[0]).decode(codec, "replace")


def _decoded(data: bytes, name: str, encoding: str) -> str:
    try:
        return data.decode("utf-8-sig" if encoding.lower().replace("-", "") == "utf8" else encoding)
    except LookupError as error:
        raise _refusal(name, f"{encoding!r} is not an encoding. Say one of utf-8, utf-16, cp1252, or none.") from error
    except UnicodeError as error:
        at = getattr(error, "start", 0)
        raise _refusal(
            name,
            f"{name}, line {_line_of(data, at)}: byte {at} is not {encoding}. The file is damaged, or its encoding is "
            "another one. Save it as CSV UTF-8.",
        ) from error


def _line_of(data: bytes, at: int) -> int:
    return data.count(b"\n", 0, at) + 1


def sheet_of(text: str, name: str) -> Sheet:
    """Cut a text into lines of cells.

    Raises:
        UnreadableSource: empty, quotes that do not close, or no separator, or several possible ones.
    """
    empty = f"{name} is empty, expected a header line and one row per sample. Is it the right file?"
    if not re.search(r"[^\s,;\ufeff]", text):
        raise _refusal(name, empty)
    separator, skipped = _separator(text, name)
    is_cut = not text.rstrip(" \t,;").endswith(("\n", "\r"))
    if '"' not in text:  # then each line is a row, and splitting it is all there is to do
        return _plain_sheet(text, separator, skipped, is_cut=is_cut)
    rows: list[list[str]] = []
    lines: list[int] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    before = 0
    try:
        for row in reader:
            if before >= skipped and row and (row[0].strip() or any(cell.strip() for cell in row)):
                rows.append(row)
                lines.append(before + 1)
            before = reader.line_num
    except csv.Error as error:
        raise _refusal(
            name,
            f'{name}, line {before + 1}: the quotes do not close ({error}). Remove the stray " or write it twice.',
        ) from error
    if not rows:
        raise _refusal(name, empty)
    return Sheet(rows=tuple(rows), lines=tuple(lines), separator=separator, is_cut=is_cut)


def _plain_sheet(text: str, separator: str, skipped: int, *, is_cut: bool) -> Sheet:
    """Cut a text without quotes that holds more than separators into lines of cells."""
    if len(text) >= LONG and (known := plain_rows(text, separator, skipped)):
        return Sheet(rows=known[0], lines=known[1], separator=separator, is_cut=is_cut)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    found = [line.split(separator) for line in text.split("\n")]
    blank = {i for i, row in enumerate(found) if not row[0].strip() and not any(cell.strip() for cell in row)}
    blank |= set(range(skipped))
    if blank == {len(found) - 1}:
        return Sheet(rows=tuple(found[:-1]), lines=tuple(range(1, len(found))), separator=separator, is_cut=is_cut)
    kept = [i for i in range(len(found)) if i not in blank]
    rows, lines = tuple(found[i] for i in kept), tuple(i + 1 for i in kept)
    return Sheet(rows=rows, lines=lines, separator=separator, is_cut=is_cut)


def _separator(text: str, name: str) -> tuple[str, int]:
    """Return the separator and the number of lines to skip (Excel's own ``sep=;`` line)."""
    head = [line[:20_000] for line in text.lstrip()[:200_000].splitlines() if line.strip()][:20]
    if head[0].lower().startswith("sep=") and head[0][4:] in _SEPARATORS:
        return head[0][4:], 1
    counts = {s: [len(next(csv.reader([line], delimiter=s))) for line in head] for s in _SEPARATORS}
    usable = [s for s, n in counts.items() if n[0] > 1]
    if len(usable) > 1:  # a separator cuts every line into the same number of cells; a comma inside a header does not
        usable = [s for s in usable if len(set(counts[s])) == 1] or usable
    if len(usable) > 1:
        usable = [max(usable, key=lambda s: counts[s][0])] if len({counts[s][0] for s in usable}) > 1 else usable
    if len(usable) == 1:
        return usable[0], 0
    if not usable and max(max(n) for n in counts.values()) > 1:
        return max(counts, key=lambda s: max(counts[s])), 0  # a title above the header; the table will say so
    readings = " or ".join(_SEPARATORS[s] for s in usable)
    found = f"both {readings} cut it into columns" if usable else f"it is one single cell, {head[0][:60]!r}"
    raise _refusal(
        name, f"{name}, line 1: {found}; expected columns separated by comma, semicolon or tab. Save it as CSV UTF-8."
    )


def _refusal(name: str, text: str) -> UnreadableSource:
    return UnreadableSource((text,), connector=name)
