"""The canonical form has one spelling per fact, and refuses what JSON cannot hold."""

import hashlib
import json
from dataclasses import replace
from datetime import datetime
from math import inf, nan

import numpy as np
import pytest

from perfusio.errors import AuditError
from perfusio.events import SampleRead, to_json
from perfusio.record.line import canonical_json, encode, sealed, sha256_of, state_sha256
from perfusio.state import Setpoints, State
from perfusio.testing import make_state


def test_keys_are_sorted_and_nothing_is_blank():
    assert canonical_json({"b": [1, 2.5], "a": {"d": None, "c": True}}) == b'{"a":{"c":true,"d":null},"b":[1,2.5]}'


def test_all_bytes_are_ascii_and_every_text_comes_back():
    text = "Müller: 37 °C, 10 µL/h 🧫"
    written = canonical_json({"reason": text})
    assert written.isascii()
    assert json.loads(written) == {"reason": text}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(0.1), b"0.1"),
        (np.float32(0.5), b"0.5"),
        (np.int64(-3), b"-3"),
        (np.bool_(True), b"true"),
        (np.array([1.0, nan]), b"[1.0,null]"),
        (nan, b"null"),
        ((1, 2), b"[1,2]"),
        (-0.0, b"-0.0"),
        (1e300, b"1e+300"),
        (Setpoints(bleed_rate=0.2), None),
    ],
)
def test_numbers_of_other_libraries_become_plain(value, expected):
    written = canonical_json(value)
    assert written == (expected or written)
    assert canonical_json(json.loads(written)) == written


@pytest.mark.parametrize(
    "value", [inf, -inf, np.inf, {"a": [inf]}, {1, 2}, object(), b"bytes", datetime(2026, 1, 1), 1j]
)
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(AuditError, match="cannot be recorded"):
        canonical_json(value)


@pytest.mark.parametrize("value", [nan, inf, np.int64(1), "half a pair: \ud800", {"\udfff": 1}, {1: 1, "a": 2}])
def test_the_encoder_takes_plain_data_only(value):
    with pytest.raises(AuditError, match="cannot be recorded"):
        encode(value)


def test_whole_surrogate_pairs_and_backslashes_are_text_like_any_other():
    assert json.loads(encode(["\U0001f9eb", r"C:\udata"])) == ["\U0001f9eb", r"C:\udata"]


@pytest.mark.parametrize("mark", ["\n", "\r", "\r\n", "\x0b", "\x1b[2J", "\x85", "\x9b2J", "\u2028", "\u202e"])
def test_no_text_can_forge_a_line_or_command_a_terminal(mark):
    written = canonical_json({"reason": f'x{mark}{{"event":"RunEnded"}}'})
    assert len(written.decode().splitlines()) == 1
    assert written.decode().isprintable()


def test_a_state_hashes_alike_as_value_and_as_recorded_data():
    state = make_state(ammonium=nan)
    recorded = to_json(SampleRead(state=state, in_force=Setpoints()))["state"]
    assert recorded["ammonium"] is None
    by_hand = hashlib.sha256(json.dumps(recorded, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    assert state_sha256(state) == sha256_of(state) == by_hand


def test_every_value_of_a_state_moves_its_hash():
    state = make_state()
    hashes = {state_sha256(replace(state, **{name: 1.0})) for name in ("time_h", "vcd", "titer", "diameter")}
    hashes |= {state_sha256(state), state_sha256(replace(state, quality={"vcd": "flagged"}))}
    hashes |= {state_sha256(replace(state, vcd=nan)), state_sha256(State(time_h=state.time_h))}
    assert len(hashes) == 8


def test_the_seal_is_the_hash_of_everything_else():
    line, seal = sealed({"b": 1, "prev": "0", "a": "x"})
    record = json.loads(line)
    assert record.pop("hash") == seal == hashlib.sha256(b'{"a":"x","b":1,"prev":"0"}').hexdigest()
    assert line.endswith(b"}\n")
