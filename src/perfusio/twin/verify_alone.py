"""Check a perfusio record with Python's standard library alone: a second opinion that shares no code with perfusio.

    python verify_alone.py audit.jsonl [audit.heads [site.pub]]

Exit code 0: nothing wrong was found. 3: a file cannot be read. 4: each problem is printed. It knows the chain, the
order and the canonical form of lines, and the signed heads (Ed25519, RFC 8032 section 5.1.7); not what events mean.
"""

from __future__ import annotations

import base64
import json
import sys
from hashlib import sha256, sha512
from typing import Any

FIELDS = {
    "v", "seq", "ts", "mono_ns", "actor", "run", "reactor", "day", "event", "payload", "reason",
    "state_sha256", "model_sha256", "config_sha256", "sw", "prev", "hash",
}  # fmt: skip
Point = tuple[int, int, int, int]


def problems(record: bytes, heads: bytes = b"", public_key: bytes = b"") -> list[str]:
    """Return what is wrong with the bytes of a record, held against its heads; a raw public key checks signatures."""
    wrong, hashes, prev = list[str](), list[str](), "0" * 64
    first, last = dict[str, Any](), dict[str, Any]()
    lines = record.split(b"\n")
    if lines.pop():
        wrong.append("the last line is cut off")
    for n, line in enumerate(lines, 1):
        try:
            data = json.loads(line.decode("ascii"))
            seal = data.pop("hash")
            body = _canonical(data)
            is_spelled = _canonical({**data, "hash": seal}) == line
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
            wrong.append(f"line {n} is no record: {error!r}")
            hashes.append("")
            continue
        first = first or data
        checks = {
            "is not in canonical form": is_spelled and set(data) | {"hash"} == FIELDS,
            "was changed": sha256(body).hexdigest() == seal,
            "does not follow from the line before": data.get("prev") == prev and data.get("seq") == n,
            "is out of place": (data.get("event") == "RunStarted") == (n == 1) and last.get("event") != "RunEnded",
            "is of another run": all(data.get(k) == first.get(k) for k in ("run", "config_sha256")),
            "contradicts itself": _agrees(data),
        }
        wrong += [f"line {n} {what}" for what, is_right in checks.items() if not is_right]
        hashes.append(seal)
        last, prev = data, seal
    if not hashes:
        wrong.append("there is no record")
    return wrong + _against(heads, hashes, first.get("run"), public_key)


def _canonical(data: Any) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def _agrees(data: dict[str, Any]) -> bool:
    """Whether the hashes in a line are those of what it holds."""
    payload = data.get("payload") or {}
    state = payload.get("state")
    is_state = data.get("state_sha256") == (sha256(_canonical(state)).hexdigest() if state is not None else None)
    config = data.get("config_sha256") if data.get("event") == "RunStarted" else None
    is_config = config is None or config == sha256(_canonical(payload.get("config"))).hexdigest()
    return is_state and is_config and data.get("model_sha256") == payload.get("model_id")


def _against(heads: bytes, hashes: list[str], run: str | None, public_key: bytes) -> list[str]:
    wrong = []
    for n, line in enumerate(heads.split(b"\n")[:-1], 1):
        try:
            head = json.loads(line)
            signature = bytes.fromhex(head.pop("signature"))
            i = head["seq"]
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
