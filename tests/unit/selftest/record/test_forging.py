"""Forgeries with right hashes: both verifiers judge each alike, and one that forgets a rule is found."""

from collections import Counter

import pytest

from perfusio.record.verification import verify_alone
from perfusio.selftest.record import forging
from perfusio.selftest.record.forging import Forger, disagreements, verdict_alone


def test_both_verifiers_judge_forgeries_alike():
    assert list(disagreements(700, seed=20)) == []


def test_the_forgeries_are_of_all_kinds(tmp_path):
    found = Counter((how, verdict_alone(*files)) for how, *files in Forger(tmp_path, seed=1).forgeries(560))
    wanted = {("field", 0), ("field", 4), ("payload", 0), ("payload", 4), ("spelling", 4), ("head", 0), ("head", 3),
              ("head", 4), ("pem", 0), ("pem", 3), ("pem", 4)}  # fmt: skip
    assert {kind for kind, n in found.items() if n >= 3} >= wanted


@pytest.mark.parametrize(
    ("kind", "weaker", "seed"),  # a seed with which it is found among the first some hundred
    [
        ("i", int | bool, 0), ("s", str | None, 1), ("o", object, 0),
    ],
)  # fmt: skip
def test_a_verifier_that_is_lax_about_one_type_is_found(kind, weaker, seed, monkeypatch):
    fits = verify_alone._fits

    def lax(value, one):
        return (one.rstrip("?=") == kind and isinstance(value, weaker)) or fits(value, one)

    monkeypatch.setattr(verify_alone, "_fits", lax)
    assert any(disagreements(20_000, seed=seed))  # it ends with the first


def test_a_verifier_that_takes_any_file_for_a_key_is_found(monkeypatch):
    monkeypatch.setattr(verify_alone, "DER", b"")
    monkeypatch.setattr(verify_alone, "PEM", rb"(?s).*?([A-Za-z0-9+/=]{40,80}).*")
    assert any("(pem)" in one for one in disagreements(20_000))


def test_a_verifier_that_counts_heads_from_the_end_is_found(monkeypatch):
    faults = forging.verify_lines.__globals__["faults"]
    unchecked = lambda heads, hashes, run, key: faults([h for h in heads if h.seq > 0], hashes, run, key)  # noqa: E731
    monkeypatch.setitem(forging.verify_lines.__globals__, "faults", unchecked)
    assert any("(head)" in one for one in disagreements(20_000))
