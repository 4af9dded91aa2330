"""The shapes of records, events and heads as one line of text: the table that the second verifier carries within it.

`python -m perfusio.record.verification.shape_table` writes the line into `verify_alone.py`; a test holds the two
together. So both verifiers judge types by the declarations in `events.py`, `line.py`, `signed_heads.py` and `state.py`,
and share no code.
"""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from perfusio.events import EVENTS
from perfusio.record.line import RECORD_VERSION
from perfusio.record.verification.schema import NESTED, declared
from perfusio.record.verification.signed_heads import HEAD_VERSION, Head

CODES = {
    "str": "s", "int": "i", "float": "f", "bool": "b", "Json": "o", "tuple[str, ...]": "l", "Mapping[str, str]": "m",
    "EventName": "E", "RunId": "R", "Sha256": "H", "Utc": "T", "Signature": "G",
    **{name: f"_{name}" for name in NESTED},
}  # fmt: skip
"""The second verifier's name of each annotation; one that is missing here fails a test with a KeyError."""


def table() -> str:
    """Return the shapes, ``;`` between them: name, then ``field:kind``; ``?``: it may be null, ``=``: it may lack."""
    record, required = declared("Record")
    first = {("day" if name == "turn" else name): kind for name, kind in record.items() if name != "culture_day"}
    head = {f.name: str(f.type) for f in fields(Head)}
    rows = [
        _row("_Record1", first, required | {"day"}),
        _row(f"_Record{RECORD_VERSION}", record, required),
        _row(f"_Head{HEAD_VERSION}", head, frozenset(head)),
        *(_row(f"_{name}", *declared(name)) for name in NESTED),
        *(_row(name, *declared(name)) for name in EVENTS),
    ]
    return ";".join(rows)


def _row(name: str, own: dict[str, str], required: frozenset[str]) -> str:
    coded = (f"{field}:{_code(kind)}{'' if field in required else '='}" for field, kind in own.items())
    return " ".join([name, *coded])


def _code(annotation: str) -> str:
    name, _, null = annotation.partition(" | ")
    return CODES[name] + ("?" if null else "")


def written_into(source: str) -> str:
    """Return the text of the second verifier with the table of today in it."""
    return re.sub(r'(?m)^TABLE = ".*"', lambda _: f'TABLE = "{table()}"', source)


if __name__ == "__main__":
    place = Path(__file__).with_name("verify_alone.py")
    place.write_text(written_into(place.read_text(encoding="utf-8")), encoding="utf-8")
