"""Check a perfusio record with Python's standard library alone: a second opinion that shares no code with perfusio.

Run: python verify_alone.py audit.jsonl [audit.heads [site.pub]]. Exit code 0: nothing wrong, 3: unreadable, 4: broken.
Take this file and site.pub from the site, never from whom you check: a forger's copies say whatever the forger wants.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from hashlib import sha256, sha512
from typing import Any

# Every shape and the kinds of its fields (? may be null, = may lack), as `shape_table` of this package writes them.
TABLE = "_Record1 v:i seq:i ts:T mono_ns:i actor:s run:R reactor:s? day:i? event:E payload:o reason:s state_sha256:H? model_sha256:s? config_sha256:H sw:s prev:H hash:H;_Record2 v:i seq:i ts:T mono_ns:i actor:s run:R reactor:s? turn:i? culture_day:f? event:E payload:o reason:s state_sha256:H? model_sha256:s? config_sha256:H sw:s prev:H hash:H;_Head1 v:i run:R seq:i head:H ts:T key:s signature:G;_State time_h:f vcd:f= viability:f= glucose:f= glutamine:f= glutamate:f= lactate:f= ammonium:f= pyruvate:f= titer:f= diameter:f= quality:m=;_Setpoints perfusion_rate:f= bleed_rate:f= glucose_setpoint:f= temperature:f= agitation:f= pyruvate_feed:f=;RunStarted config:o versions:o sources:o;AimDoubted binding:s remedies:l growth:o window:o;SampleRead state:_State in_force:_Setpoints assumed:l= next_in_force:_Setpoints?= next_assumed:l= extra:b=;SampleMissing expected_h:f;SampleQuarantined state:_State;SampleCorrected state:_State corrects:i who:s=;SampleAccepted state:_State who:s;ModelConditioned model_id:s;ModelFitted model_id:s holdout_error:f previous_error:f;ModelWaiting model_id:s holdout_error:f previous_error:f file:s= sha256:s=;ModelRejected model_id:s;Decided key:s setpoints:_Setpoints chosen:o hold:o why:o acquisition:s score:f model_id:s plan:o=;Forecasted hold:o model_id:s;AlarmRaised quantity:s level:s value:f limit:f lead_days:f response:s;AlarmChanged alarm:s status:s who:s= shelved_h:f=;AlarmDelivered channel:s subject:s is_delivered:b n_tries:i;Withheld action:s because:l setpoints:_Setpoints?=;WriteIntended key:s old:_Setpoints new:_Setpoints not_after:s=;SetpointsWritten key:s asked:_Setpoints acknowledged:_Setpoints;WriteRefused key:s asked:_Setpoints read_back:_Setpoints?=;WritePartial key:s asked:_Setpoints read_back:_Setpoints failed:m;WriteRestored key:s restored:_Setpoints;OverrideDetected key:s expected:_Setpoints found:_Setpoints;SetpointsFound found:_Setpoints;WriteUnknown key:s asked:_Setpoints read_back:_Setpoints?;ConnectorFailed operation:s;ConnectorRecovered operation:s seconds:f;WaitBegan reactors:l since:s due:s until:s;VesselJoined mode:s source:o config:o=;VesselLeft;ClockStepped step_s:f;ModeChanged before:s mode:s who:s=;OperatorActed act:s who:s key:s= is_done:b= answer:s= order:s= user:s= meaning:s= given:o=;JournalRecovered moved_to:s n_bytes:i;RunResumed after:i model_id:s versions:o sources:o decided_by:o=;DayMissed expected_h:f;ModelSaved model_id:s file:s sha256:s;RunInterrupted;DeciderChanged before:s decider:s cause:s who:s= target:f=;RunEnded outcome:s n_samples:i n_decisions:i"  # noqa: E501
SHAPES = {name: dict(f.split(":") for f in own) for name, *own in map(str.split, TABLE.strip().split(";"))}
TYPES = {"s": str, "i": int, "b": bool, "f": float, "o": dict, "l": list, "m": dict}
TEXTS = {"E": "[A-Z][A-Za-z]+", "R": "[A-Za-z0-9][A-Za-z0-9._-]{0,99}", "H": "[0-9a-f]{64}", "G": "[0-9a-f]{128}",
         "T": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"}  # fmt: skip
PEM = rb"\s*-----BEGIN PUBLIC KEY-----\s([A-Za-z0-9+/=\s]+)\s-----END PUBLIC KEY-----\s*"
DER = bytes.fromhex("302a300506032b6570032100")  # begins an Ed25519 key (RFC 8410); 32 bytes follow
HOLD_QUANTITIES = ("_State", "_Setpoints")
NO_SUCH = (ValueError, KeyError, AttributeError, TypeError, RecursionError)

def looked_at(line: bytes) -> tuple[dict[str, Any] | None, str, list[str]]:
    """Return the fields of a line but for its hash, that, and the faults of the line by itself."""
    try:
        data = _parsed(line, "_Record")
        seal, payload, state = data.pop("hash"), data["payload"], data["payload"].get("state")
        config = payload["config"] if data["event"] == "RunStarted" else None
        checks = {
            "has a payload of another shape": data["event"][0] != "_" and _fits(payload, data["event"]),
            "was changed": sha256(_canonical(data)).hexdigest() == seal,
            "holds another State": data["state_sha256"] == (state and sha256(_canonical(state)).hexdigest()),
            "holds another config": config is None or data["config_sha256"] == sha256(_canonical(config)).hexdigest(),
            "names two models": data["model_sha256"] == payload.get("model_id"),
        }
    except NO_SUCH as error:
        return None, "", [f"is no record: {error!r}"]
    return data, seal, [what for what, is_right in checks.items() if not is_right]

def problems(record: bytes, heads: bytes = b"", public_key: bytes = b"", look: Any = looked_at) -> list[str]:
    """Return the faults of a record: chain, order, spelling, and by its heads, signed by a raw public key."""
    bare = re.sub(rb"\s*\n\s*\Z", b"\n", record.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n"))
    if bare != record:
        return ["it has CR LF, a byte-order mark or blank ends", *problems(bare, heads, public_key, look)]
    *lines, rest = record.split(b"\n")
    wrong = ["the last line is cut off"] if rest else [] if lines else ["there is no record"]
    hashes, prev, first, last, names = list[str](), "0" * 64, dict[str, Any](), dict[str, Any](), dict[str, set[str]]()
    for n, line in enumerate(lines, 1):
        data, seal, found = look(line)
        hashes.append(seal)
        if data is not None:
            first, names = first or data, names if first else _names(data)
            found = found + ["does not follow from the line before"] * ((data["prev"], data["seq"]) != (prev, n))
            is_its = (data["run"], data["config_sha256"]) == (first["run"], first["config_sha256"])
            is_in_place = (data["event"] == "RunStarted") == (n == 1) and last.get("event") != "RunEnded"
            found += ["is out of place"] * (not is_in_place) + ["is of another run"] * (not is_its)
            found += ["names quantities that its process does not have"] * bool(_strangers(data, names))
            last, prev = data, seal
        wrong += [f"line {n} {what}" for what in found]
    *lines, rest = heads.split(b"\n")  # a crash may tear the last head; one that lacks its line break alone counts
    for n, line in enumerate([*lines, rest] if rest.endswith(b"}") else lines, 1):
        wrong += [f"head {n} {what}" for what in _against(line, hashes, first.get("run"), public_key)]
    return wrong

def _against(line: bytes, hashes: list[str], run: str | None, public_key: bytes) -> list[str]:
    try:
        head = _parsed(line, "_Head")
        signature, i = bytes.fromhex(head.pop("signature")), head["seq"]
    except NO_SUCH as error:
        return [f"is no head: {error!r}"]
    is_ours = sha256(public_key).hexdigest()[:16] == head["key"] and is_signed(public_key, signature, _canonical(head))
    is_there = head["run"] == run and 0 < i <= len(hashes) and hashes[i - 1] == head["head"]
    wrong = [f"says that line {i} is missing, or is not the one that was signed"] * (not is_there)
    return wrong if is_ours or not public_key else [*wrong, "is not signed by this key"]

def _fits(value: Any, kind: str) -> bool:
    """Return whether a value is of a kind: a text of a pattern, a type, or a shape."""
    kind = kind.rstrip("?=") if value is not None or "?" not in kind else "f"
    if kind in TEXTS:
        return type(value) is str and re.fullmatch(TEXTS[kind], value) is not None
    if kind in TYPES:
        inner = value.values() if type(value) is dict else value if type(value) is list else ()
        is_type = type(value) is TYPES[kind] or (kind == "f" and type(value) in (int, type(None)))
        is_deep = kind == "o" and "\n" + 101 * " " in json.dumps(value, indent=1)
        return is_type and not is_deep and (kind not in "lm" or all(type(text) is str for text in inner))
    needed = {name for name, one in SHAPES[kind].items() if "=" not in one}
    if type(value) is not dict:
        return False
    others = {n: "f" for n in value if kind in HOLD_QUANTITIES and re.fullmatch("[a-z][a-z0-9_]{0,63}", n)}
    kinds = {**others, **SHAPES[kind]}
    return needed <= value.keys() and all(_fits(v, kinds[n]) for n, v in value.items())

def _names(first: dict[str, Any]) -> dict[str, set[str]]:
    """Return the fields of states and setpoints of a run: the quantities of the process that its first record names."""
    try:
        run = first["payload"].get("config", {}).get("run")
        process = run.get("process") if type(run) is dict else None
        if process is None:
            return {kind: set(SHAPES[kind]) for kind in HOLD_QUANTITIES}
        species, setpoints = ({str(one["name"]) for one in process[of]} for of in ("species", "setpoints"))
        return {"_State": species | {"time_h", "quality"}, "_Setpoints": setpoints}
    except NO_SUCH:
        return {kind: set() for kind in HOLD_QUANTITIES}

def _strangers(data: dict[str, Any], names: dict[str, set[str]]) -> set[str]:
    """Return the names in a line's states and setpoints that are none of these."""
    kinds = {field: kind.rstrip("?=") for field, kind in SHAPES.get(data["event"], {}).items()}
    held = {k: v for k, v in data["payload"].items() if type(v) is dict and kinds.get(k) in HOLD_QUANTITIES}
    return {name for k, value in held.items() for name in value.keys() - names[kinds[k]]}

def _parsed(line: bytes, shape: str) -> dict[str, Any]:
    data = json.loads(line.decode("ascii"))
    if _canonical(data) != line or type(data["v"]) is not int or not _fits(data, f"{shape}{data['v']}"):
        raise ValueError("not in canonical form, or with other fields or types")
    return dict(data)

def _canonical(data: Any) -> bytes:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii") if "\\ud" not in text or json.dumps(data, ensure_ascii=False).encode() else b""

P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, Y = -121665 * pow(121666, -1, P) % P, 4 * pow(5, -1, P) % P  # of the curve, and of its base point with this X
X = 15112221349535400772501151409588531511454012693041857206046113283949847762202

def is_signed(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether an Ed25519 signature (64 bytes) is that of a raw public key (32 bytes) under a message."""
    y, s = int.from_bytes(public_key, "little") & (2**255 - 1), int.from_bytes(signature[32:], "little")
    squared = (y * y - 1) * pow(D * y * y + 1, -1, P) % P  # decode the key A (RFC 8032, 5.1.3)
    x = pow(squared, (P + 3) // 8, P)
    x = x if (x * x - squared) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    if len(public_key) != 32 or len(signature) != 64 or y >= P or s >= ORDER or (x * x - squared) % P:
        return False
    x = P - x if x & 1 == public_key[31] >> 7 else x  # of -A
    k = int.from_bytes(sha512(signature[:32] + public_key + message).digest(), "little") % ORDER
    p = _sum(_times(s, (X, Y, 1, X * Y % P)), _times(k, (x, y, 1, x * y % P)))  # s B - k A, as the signature begins
    x, y = p[0] * pow(p[2], -1, P) % P, p[1] * pow(p[2], -1, P) % P
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]

def _sum(p: tuple[int, ...], q: tuple[int, ...]) -> tuple[int, ...]:
    a, b, c = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P, 2 * p[3] * q[3] * D % P
    d, e = 2 * p[2] * q[2] % P, b - a  # in extended coordinates (RFC 8032, 5.1.4)
    return e * (d - c) % P, (d + c) * (b + a) % P, (d - c) * (d + c) % P, e * (b + a) % P

def _times(n: int, p: tuple[int, ...]) -> tuple[int, ...]:
    total: tuple[int, ...] = (0, 1, 1, 0)
    while n:
        total, p, n = _sum(total, p) if n & 1 else total, _sum(p, p), n >> 1
    return total

def verdict(record: bytes, heads: bytes = b"", pem: bytes | None = None) -> tuple[int, list[str]]:
    """Return the exit code and the faults, given the bytes of the files; None: no key was given."""
    found = re.fullmatch(PEM, pem or b"")
    try:
        der = base64.b64decode(b"".join(found[1].split()), validate=True) if found else b""
    except ValueError:
        der = b""
    if pem is not None and (len(der) != 44 or not der.startswith(DER)):
        return 3, ["the file of the key holds no Ed25519 public key in PEM, or more than that: give site.pub"]
    wrong = problems(record, heads, der[12:])
    return (3 if any(" is no head" in what for what in wrong) else 4 if wrong else 0), wrong

if __name__ == "__main__":
    try:
        code, found = verdict(*(open(name, "rb").read() for name in sys.argv[1:]))  # noqa: SIM115
    except (OSError, TypeError) as error:
        code, found = 3, [f"{error}. Usage: python verify_alone.py audit.jsonl [audit.heads [site.pub]]"]
    against = "no heads, so a cut end cannot be seen" if len(sys.argv) < 3 else sys.argv[2]
    sys.stdout.write("\n".join([*map(ascii, found), f"{len(found)} problems; held against {against}\n"]))
    sys.exit(code)
