"""Check a perfusio record with Python's standard library alone: a second opinion that shares no code with perfusio.

Run: python verify_alone.py audit.jsonl [audit.heads [site.pub]]. Exit code 0: nothing wrong, 3: unreadable, 4: broken.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from hashlib import sha256, sha512
from typing import Any

FIELDS = "v seq ts mono_ns actor run reactor event payload reason state_sha256 model_sha256 config_sha256 sw prev hash"
OF = {1: {*FIELDS.split(), "day"}, 2: {*FIELDS.split(), "turn", "culture_day"}}  # by version
Point = tuple[int, int, int, int]
Looked = tuple[dict[str, Any] | None, str, list[str]]


def looked_at(line: bytes) -> Looked:
    """Return the fields of a line but for its hash, that, and what is wrong with the line by itself."""
    try:
        data = json.loads(line.decode("ascii"))
        seal, payload, event = data.pop("hash"), data["payload"], data["event"]
        state = payload.get("state")
        checks = {
            "is not in canonical form": _canonical({**data, "hash": seal}) == line and {*data, "hash"} == OF[data["v"]],
            "was changed": _digest(data) == seal,
            "holds another State": data["state_sha256"] == (None if state is None else _digest(state)),
            "holds another config": event != "RunStarted" or data["config_sha256"] == _digest(payload["config"]),
            "names two models": data["model_sha256"] == payload.get("model_id"),
        }
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        return None, "", [f"is no record: {error!r}"]
    return data, seal, [what for what, is_right in checks.items() if not is_right]


def problems(
    record: bytes, heads: bytes = b"", public_key: bytes = b"", look: Callable[[bytes], Looked] = looked_at
) -> list[str]:
    """Return what is wrong with a record: chain, order, spelling, and by its heads, signed by a raw public key."""
    *lines, rest = record.split(b"\n")
    wrong = ["the last line is cut off"] if rest else []
    hashes, prev, first, last = list[str](), "0" * 64, dict[str, Any](), dict[str, Any]()
    for n, line in enumerate(lines, 1):
        data, seal, found = look(line)
        hashes.append(seal)
        if data is not None:
            first = first or data
            checks = {
                "does not follow from the line before": data.get("prev") == prev and data.get("seq") == n,
                "is out of place": (data["event"] == "RunStarted") == (n == 1) and last.get("event") != "RunEnded",
                "is of another run": all(data.get(k) == first.get(k) for k in ("run", "config_sha256")),
            }
            found = found + [what for what, is_right in checks.items() if not is_right]
            last, prev = data, seal
        wrong += [f"line {n} {what}" for what in found]
    return wrong + ([] if lines else ["there is no record"]) + _against(heads, hashes, first.get("run"), public_key)


def _canonical(data: Any) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def _digest(data: Any) -> str:
    return sha256(_canonical(data)).hexdigest()


def _against(heads: bytes, hashes: list[str], run: str | None, public_key: bytes) -> list[str]:
    wrong = []
    for n, line in enumerate(heads.split(b"\n")[:-1], 1):
        try:
            head = json.loads(line)
            signature, i = bytes.fromhex(head.pop("signature")), head["seq"]
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            wrong.append(f"head {n} is no head: {error!r}")
            continue
        if public_key and not is_signed(public_key, signature, _canonical(head)):
            wrong.append(f"head {n} is not signed by this key")
        if head.get("run") != run or not 0 < i <= len(hashes) or hashes[i - 1] != head.get("head"):
            wrong.append(f"head {n}: line {i} is missing, or is not the one that was signed")
    return wrong


P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def is_signed(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether an Ed25519 signature (64 bytes) is that of a raw public key (32 bytes) under a message."""
    try:
        a, r = _point(public_key), _point(signature[:32])
    except ValueError:
        return False
    s = int.from_bytes(signature[32:], "little")
    k = int.from_bytes(sha512(signature[:32] + public_key + message).digest(), "little") % ORDER
    left, right = _times(s, _BASE), _sum(r, _times(k, a))
    is_same = (left[0] * right[2] - right[0] * left[2]) % P == 0 == (left[1] * right[2] - right[1] * left[2]) % P
    return len(signature) == 64 and s < ORDER and is_same


def _sum(p: Point, q: Point) -> Point:
    """Add points in extended coordinates (RFC 8032 section 5.1.4)."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(n: int, p: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while n:
        if n & 1:
            total = _sum(total, p)
        p, n = _sum(p, p), n >> 1
    return total


def _point(data: bytes) -> Point:
    """Decode a point (RFC 8032 section 5.1.3)."""
    y, sign = int.from_bytes(data, "little") & (2**255 - 1), data[31] >> 7
    squared = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(squared, (P + 3) // 8, P)
    x = x if (x * x - squared) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    if len(data) != 32 or y >= P or (x * x - squared) % P or (x == 0 and sign):
        raise ValueError("no point of the curve")
    x = x if x & 1 == sign else P - x
    return x, y, 1, x * y % P


_BASE = _point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def main(arguments: list[str]) -> int:
    """Check the files that are named."""
    try:
        record, heads, pem = [open(name, "rb").read() for name in arguments] + [b""] * (3 - len(arguments))  # noqa: SIM115
        key = base64.b64decode(b"".join(pem.split(b"\n")[1:-2]))[-32:] if pem else b""
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}. Usage: python verify_alone.py audit.jsonl [audit.heads [site.pub]]\n")
        return 3
    wrong = problems(record, heads, key)
    sys.stdout.write("\n".join([*map(ascii, wrong), f"{len(wrong)} problems; held against {heads.count(10)} heads\n"]))
    return 4 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
