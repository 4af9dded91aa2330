"""Parse a canonical line with the fast parser and writer of pydantic: some three times quicker than with json.

Nothing rests on them. Canonical bytes are those of `encode`; the fast writer gives the same bytes for the same data but
for floats below 1e-4 (0.00001, 1e-6), DEL and what is beyond ASCII. So a line without any of these which it writes
again byte for byte is canonical, and says that data. Every other line is for the slow way, which is the rule.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import from_json, to_json

from perfusio.events import Json
from perfusio.record.line import encode

_SAMPLES = [1e-4, 0.1, 1.0, -0.0, 1e15, 9999999999999998.0, 1e16, 1.5e16, 1e22, 1.5e308, 2**70, '\x1f"\\/']
_IS_ALIKE = to_json(_SAMPLES) == encode(_SAMPLES)
"""Whether the writer of this version spells large numbers and escapes as ours does."""
_SHORT_EXPONENT = re.compile(rb"e-[0-9](?![0-9])")
_ZEROS = re.compile(rb"0\.0000(?<![0-9]0\.0000)")
"""Both begin with what they look for: to look for a digit before it at every place takes longer than the slow way."""


def parsed_quickly(line: bytes) -> Json | None:
    """Return the data of a canonical line with its line break; None where it is none, or not for the fast way."""
    if not _IS_ALIKE or not line.isascii() or b"\x7f" in line or _holds_a_small_number(line):
        return None
    try:
        data = from_json(line)
        spelled = to_json(data, inf_nan_mode="null") + b"\n"
    except ValueError:  # among them its own errors of depth and of what cannot be written
        return None
    return data if spelled == line and _is_sorted(data) else None


def _holds_a_small_number(line: bytes) -> bool:
    """Whether a number below 1e-4 is in it; a time on the full second, 08:00:00.000000, is none."""
    return bool(_SHORT_EXPONENT.search(line) or _ZEROS.search(line))


def _is_sorted(data: Any) -> bool:
    """Whether the keys of all objects in it are in order, as the fast writer leaves them as they came."""
    if type(data) is dict:
        keys = list(data)
        return keys == sorted(keys) and all(map(_is_sorted, data.values()))
    if type(data) is not list:
        return True
    kinds = set(map(type, data))  # most lists are long and of numbers
    return not (dict in kinds or list in kinds) or all(map(_is_sorted, data))
