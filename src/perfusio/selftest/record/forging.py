"""Forged lines, heads and keys with right hashes: whether both verifiers judge each of them alike.

A forger who may write a record can compute its hashes anew. It still shows that a line is not one that
perfusio writes: its fields, their types, their spelling. Two programs that share no code must agree about that.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from perfusio.errors import AuditError
from perfusio.events import Json
from perfusio.process.roles import CELLS
from perfusio.record.line_ends import lines_of
from perfusio.record.verification import verify_alone
from perfusio.record.verification.schema import SHAPES, members
from perfusio.record.verification.signed_heads import heads_of, read_heads
from perfusio.record.verification.site_key import PublicKey, SiteKey
from perfusio.record.verification.verify import verify_lines
from perfusio.selftest.record.sample_record import write

N_RECORDS = 8
_ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, 2, 3, -1, 1.0, 2.0, -0.0, 1e300, 10**30, 0.1, "", "x", "1", "\ud800", "\u202e\x1b[2J",
    "0" * 64, "A" * 64, "é", [], [[]], ["x"], [1], {}, {"x": "y"}, {"x": 1}, {"x": None}, {CELLS: 1.0}, "RunStarted",
    " " * 120, "\n" + " " * 120, "_State", "_Record2",
    "RunEnded", "2026-01-05T08:00:00.000000Z", "2026-01-05T08:00:00Z\n", "selftest-1", "-run", "a/b",
)  # fmt: skip
_NAMES = ("x", "day", "turn", "culture_day", "who", "state", "model_id", "\ud800", "")
_SPELLINGS = (
    (b"1.0", b"1.00"), (b"1.0", b"1e0"), (b"null", b"NaN"), (b"null", b"Infinity"), (b"null", b"-0"), (b'":', b'": '),
    (b"null", b"1e999"), (b"false", b"true"), (b"0", b"00"), (b'"event"', b'"\\u0065vent"'), (b"R01", b"R0\\u0031"),
    (b"R01", b"\\ud800"), (b"R01", b"\\ud83d\\ude00"), (b"R01", b"\xc3\xa9"), (b"R01", b"\\/"), (b"\n", b"\r\n"),
    (b"\n", b"\n\n"), (b"\n", b" \n"), (b"\n", b""), (b"{", b"\xef\xbb\xbf{"), (b"null", b"9" * 5000),
    (b"0", b"\xd9\xa0"), (b"{", b"{\x00"), (b"null", b"nul"), (b"}", b"}}"), (b"\n", b"\x0b\n"), (b"\n", b"\r"),
    (b"\n", b"\xe2\x80\xa8\n"), (b'""', b'"' + b" " * 120 + b'"'),
)  # fmt: skip


class Forger:
    """Makes forgeries of one record, its heads and the key that signed them.

    Args:
        folder: Where the record is written that is forged.
        seed: Of all that is random.
    """

    def __init__(self, folder: Path, seed: int = 0) -> None:
        key = SiteKey.of_site(folder / "site.key")
        write(folder / "audit.jsonl", N_RECORDS, key=key)
        self.record = (folder / "audit.jsonl").read_bytes()
        # few heads, since the second verifier is slow at signatures
        lines = lines_of(heads_of(folder / "audit.jsonl").read_bytes())
        self.heads, self.pem = b"".join([lines[0], lines[-1]]), key.public.pem
        self._key, self._rng, self._folder = key, Random(seed), folder

    def forgeries(self, n: int) -> Iterator[tuple[str, bytes, bytes, bytes]]:
        """Yield `n` times how it was done, a record, its heads, and a key file."""
        ways: tuple[Callable[[], tuple[bytes, bytes, bytes]], ...] = (
            self._field, self._field, self._payload, self._payload, self._spelling, self._head, self._pem,
        )  # fmt: skip
        for i in range(n):
            way = ways[i % len(ways)]
            yield (way.__name__.strip("_"), *way())

    # -- ways --------------------------------------------------------------------------------------------------------

    def _field(self) -> tuple[bytes, bytes, bytes]:
        """One field of one line is another, comes, or goes; all hashes are computed anew."""
        records, i = self._records(), self._rng.randrange(N_RECORDS)
        self._change(records[i])
        return self._resealed(records), b"", self.pem

    def _payload(self) -> tuple[bytes, bytes, bytes]:
        """One line has another event, and something in its payload is changed."""
        records, i = self._records(), self._rng.randrange(N_RECORDS)
        if i and self._rng.random() < 0.7:
            name = self._rng.choice([n for n in SHAPES if n[0] != "_" and n != "Record"])
            records[i] |= {"event": name, "payload": self._example(name), "state_sha256": None, "model_sha256": None}
        payload = records[i]["payload"]
        inner = [v for v in payload.values() if isinstance(v, dict) and v]
        self._change(self._rng.choice([payload, *inner]) if self._rng.random() < 0.8 else {})
        if self._rng.random() < 0.8 and isinstance(payload, dict):
            state, model = payload.get("state"), payload.get("model_id")
            records[i] |= {"state_sha256": None if state is None else _sha256(state), "model_sha256": model}
            if "config" in payload and i == 0:
                records = [r | {"config_sha256": _sha256(payload["config"])} for r in records]
        return self._resealed(records), b"", self.pem

    def _spelling(self) -> tuple[bytes, bytes, bytes]:
        """Bytes of one line are spelt otherwise, with the hash of its parsed content or as it was."""
        lines, i = lines_of(self.record), self._rng.randrange(N_RECORDS)
        old, new = self._rng.choice(_SPELLINGS)
        count = self._rng.choice((1, -1))
        lines[i] = lines[i].replace(old, new, count)
        if self._rng.random() < 0.3:
            depth = self._rng.choice((5, 98, 99, 100, 101, 102, 400, 3000, 100_000))
            nested = b"[" * depth + b"]" * depth
            lines[i] = lines[i].replace(b"{}", b'{"x":' + nested + b"}").replace(b"null", nested, 1)
        if self._rng.random() < 0.5:
            lines = _with_right_hashes(lines)
        return b"".join(lines), self._rng.choice((b"", self.heads)), self.pem

    def _head(self) -> tuple[bytes, bytes, bytes]:
        """One head is another: with a right signature or not."""
        lines = lines_of(self.heads)
        i = self._rng.randrange(len(lines))
        if self._rng.random() < 0.3:
            old, new = self._rng.choice(_SPELLINGS)
            lines[i] = lines[i].replace(old, new, 1)
            return self.record, b"".join(lines), self.pem
        head: Json = json.loads(lines[i])
        if self._rng.random() < 0.5:
            head["seq"] = self._rng.choice((0, -1, -2, True, 1.0, N_RECORDS, N_RECORDS + 1, 10**30, "1", None, 2))
        else:
            self._change(head)
        if self._rng.random() < 0.7:
            head.pop("signature", None)
            head["signature"] = self._key.sign(_bytes(head)).hex()
        lines[i] = _bytes(head) + b"\n"
        kept = self._rng.choice((None, None, -1, -2, -40))
        return self.record, b"".join(lines)[:kept], self.pem

    def _pem(self) -> tuple[bytes, bytes, bytes]:
        """The file of the key is another, or the text around the key."""
        pem, rng = self.pem, self._rng
        other = PublicKey(raw=rng.randbytes(32)).pem
        private = pem.replace(b"PUBLIC", b"PRIVATE")
        made = rng.choice((
            pem[:-1], pem.replace(b"\n", b"\r\n"), pem + b"\n\n", b"\n" + pem, b"\xef\xbb\xbf" + pem, b"# key\n" + pem,
            pem + b"x", pem + pem, b"", b"\n", other, pem[: rng.randrange(len(pem))], private,
            pem.replace(b"M", b"N", 1), pem.replace(b"MCow", b"MCo"), pem.replace(b"=", b""), pem.replace(b"=", b"==="),
            pem.replace(b"-----E", b"----E"), pem.lower(), pem.replace(b"\n", b" "), pem.replace(b"\n", b""),
            b"\x00" * 44, _with_a_bit_flipped(pem, rng), _with_a_bit_flipped(pem, rng),
        ))  # fmt: skip
        return self.record, lines_of(self.heads)[0], made

    # -- parts -------------------------------------------------------------------------------------------------------

    def _records(self) -> list[Json]:
        return [json.loads(line) for line in lines_of(self.record)]

    def _change(self, data: Json) -> None:
        rng = self._rng
        name = rng.choice([*data, "day", "x"])
        match rng.randrange(6):
            case 0:
                data.pop(name, None)
            case 1:
                data[rng.choice(_NAMES)] = deepcopy(rng.choice(_ODD))
            case 2 if isinstance(data.get(name), str):
                data[name] = rng.choice((data[name].upper(), data[name] + "\n", data[name][:-1], data[name] + "0"))
            case 3 if "v" in data:
                data["v"] = rng.choice((1, 2, 3, 0, True, 1.0, 2.0, "2", None))
                if data["v"] == 1 and rng.random() < 0.7:
                    data["day"] = data.pop("turn", None)
                    data.pop("culture_day", None)
            case _:
                data[name] = deepcopy(rng.choice(_ODD))

    def _example(self, shape: str) -> Json:
        """Return a payload of the right shape, mostly."""
        kinds, required = members(shape)
        made: Json = {}
        for name, kind in kinds.items():
            odd = (*_ODD, self._example("State")) if name == "state" else _ODD
            fitting = [value for value in odd if kind.fits(value)]
            if fitting and (name in required or self._rng.random() < 0.5):
                made[name] = deepcopy(self._rng.choice(fitting))
        return made

    def _resealed(self, records: list[Json]) -> bytes:
        return b"".join(_with_right_hashes([_bytes(r) + b"\n" for r in records]))


def disagreements(n: int, *, seed: int = 0) -> Iterator[str]:
    """Yield of `n` forgeries those about which the verifiers disagree, each with how it was made."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for i, (how, record, heads, pem) in enumerate(Forger(place, seed).forgeries(n)):
            first, second = verdict(place, record, heads, pem), verdict_alone(record, heads, pem)
            if first != second:
                yield f"forgery {i} ({how}): {first} and {second}"


def verdict(place: Path, record: bytes, heads: bytes, pem: bytes) -> int:
    """Return the exit code of `perfusio verify`."""
    for name, data in (("forged.heads", heads), ("forged.pub", pem)):
        if not (place / name).exists() or (place / name).read_bytes() != data:
            (place / name).write_bytes(data)
    try:
        report = verify_lines(
            lines_of(record), heads=read_heads(place / "forged.heads"), key=PublicKey.read(place / "forged.pub")
        )
    except AuditError:
        return 3
    return 0 if report.is_intact else 4


def verdict_alone(record: bytes, heads: bytes, pem: bytes) -> int:
    """Return the exit code of the second verifier."""
    return verify_alone.verdict(record, heads, pem)[0]


def _with_right_hashes(lines: list[bytes]) -> list[bytes]:
    """Compute every hash anew, where a line can be parsed at all."""
    prev, out = "0" * 64, []
    for line in lines:
        try:
            data = json.loads(line)
            text = line.decode("ascii")
            assert isinstance(data, dict)
            before, data["prev"] = data.get("prev"), prev
            data.pop("hash", None)
            seal = _sha256(data)
        except (ValueError, AssertionError, RecursionError):
            out.append(line)
            continue
        if _bytes(json.loads(text)) + b"\n" == line:
            out.append(_bytes(data | {"hash": seal}) + b"\n")
        else:  # spelt otherwise: keep the spelling, put the hashes in
            old = json.loads(text).get("hash", "")
            out.append(text.replace(str(before), prev).replace(str(old) or "\0", seal).encode())
        prev = seal
    return out


def _with_a_bit_flipped(data: bytes, rng: Random) -> bytes:
    changed = bytearray(data)
    changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _bytes(data: Any) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode()


def _sha256(data: Any) -> str:
    return sha256(_bytes(data)).hexdigest()
