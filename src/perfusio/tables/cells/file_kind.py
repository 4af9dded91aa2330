"""The kind of a file, by its content: a name can say anything."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """Files of samples that are read."""

    TEXT = "text"
    EXCEL = "Excel workbook"
    PARQUET = "Parquet file"


def kind_of(data: bytes) -> Kind:
    """Return the kind of a file; whatever is no workbook and no Parquet file is left to the reader of texts."""
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
        return Kind.EXCEL
    return Kind.PARQUET if data.startswith(b"PAR1") else Kind.TEXT
