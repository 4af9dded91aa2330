"""The fast parser takes a line only where the slow way finds it canonical, and then says the same."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from perfusio.errors import AuditError
from perfusio.record.line import encode
from perfusio.record.verification.quick_parsing import parsed_quickly

NUMBERS = st.one_of(
    st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 1e-4, 9.9e-5, 1e-5, 1e15, 9999999999999998.0, 1e16, 1.5e16, 1e22, 5e-324, 2.0**63]),
    st.integers(-20, 20).map(lambda e: 1.2345678901234567 * 10.0**e),
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(), st.text("\x7f\\\"/\b\f\n\r\t\x00\x1fe.-0:,[ab")),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=3), inner, max_size=4)),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=3), VALUES, max_size=5)


def canonical(line):
    """The rule: what the slow way makes of a line; None where it is not canonical."""
    try:
        data = json.loads(line.decode("ascii"))
        return data if encode(data) + b"\n" == line else None
    except (ValueError, RecursionError, AuditError):
        return None


def is_held(line):
    quick = parsed_quickly(line)
    assert quick is None or repr(quick) == repr(canonical(line)), line
    return quick is not None


@given(OBJECTS)
def test_canonical_lines_of_any_data_are_read_as_the_slow_way_reads_them(data):
    is_held(encode(data) + b"\n")


@given(OBJECTS, st.sampled_from([
    lambda d: to_json(d), lambda d: json.dumps(d).encode(), lambda d: json.dumps(d, ensure_ascii=False).encode(),
    lambda d: json.dumps(d, separators=(",", ":"), sort_keys=False).encode(),
    lambda d: to_json(from_json(to_json(d))), lambda d: to_json({"b": d, "a": d}),
    lambda d: to_json([d, {"b": 1, "a": 2}]),
]))  # fmt: skip
def test_other_spellings_are_never_taken_for_canonical(data, spelled):
    try:
        line = spelled(data) + b"\n"
    except UnicodeEncodeError:  # half a surrogate pair
        return
    is_held(line)


@pytest.mark.parametrize("value", [
    b"0.00001", b"1e-5", b"[1e-5]", b"1.25e-7",
    b"1E5", b"1e16", b"10000000000000000.0", b"1.50", b"01", b"+1", b"1.", b".5", b"-0",
    b"NaN",
    b"Infinity", b"-Infinity", b'"\x7f"', '"\u00e9"'.encode(), b'"\\u00e9"', b'"\\/"', b'"\\u0041"', b'"\\ud800"',
    b"1 ", b'{"b":1,"a":2}', b'[1,{"b":1,"a":2}]', b'[[{"b":1,"a":2}]]', b'{"a":1,"a":1}', b"0.10",
    b"18446744073709551617",
])  # fmt: skip
def test_each_spelling_that_the_two_writers_may_see_otherwise(value):
    is_held(b'{"a":' + value + b"}\n")


def test_usual_lines_are_read_the_fast_way():
    state = [1.5, None, 0.001, -0.0, 123456.789, 12]
    usual = {"hash": "1e5" * 21 + "a", "payload": {"state": state}, "reason": 'a "b"\n'}
    assert is_held(encode(usual) + b"\n")


def test_deep_lines_are_left_to_the_slow_way():
    assert parsed_quickly(b"[" * 5000 + b"]" * 5000 + b"\n") is None
