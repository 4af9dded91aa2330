"""A record that goes on is read once, up to the last own head by its hashes; what is wrong is found all the same."""

import json

import pytest

from perfusio.record import good_prefix
from perfusio.record.line import encode, sealed
from perfusio.record.line_ends import lines_of
from perfusio.record.verification.signed_heads import heads_of
from perfusio.record.verification.site_key import SiteKey
from perfusio.record.verification.verify import read_prefix, read_records
from perfusio.selftest.record.sample_record import write

N = 40


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.setenv("PERFUSIO_SITE_KEY", str(tmp_path / "site.key"))
    write(tmp_path / "audit.jsonl", N, key=SiteKey.of_site())
    good_prefix.forget()
    yield tmp_path / "audit.jsonl"
    good_prefix.forget()


def looked_at(monkeypatch, log, data):
    """Return what is read, and how many lines were looked at field by field."""
    n = []

    def counting(lines, take, sealed=None):
        rest = list(lines)
        n.append(len(rest))
        return read_prefix(rest, take, sealed)

    monkeypatch.setattr(good_prefix, "read_prefix", counting)
    return good_prefix.prefix_of(log, data), n


def test_lines_up_to_a_head_of_this_site_are_tied_to_it_by_their_hashes_alone(log, monkeypatch):
    data = log.read_bytes()
    found, n = looked_at(monkeypatch, log, data)
    whole = list(read_records(log))
    assert (found.hashes, found.wrong, found.n_bytes) == ([r.hash for r in whole], "", len(data))
    assert (found.first, found.last) == (whole[0], whole[-1])
    assert n[0] < N / 4
    assert good_prefix.prefix_of(log, data) is found  # and that once
    assert len(n) == 1
    good_prefix.forget()
    assert good_prefix.prefix_of(log, data) is not found


def changed(lines, i, **fields):
    record = json.loads(lines[i]) | fields
    del record["hash"]
    return [*lines[:i], sealed(record)[0], *lines[i + 1 :]]


@pytest.mark.parametrize("i", [0, 1, 7, N - 6])
def test_a_line_with_a_right_hash_of_its_own_that_is_another_one_is_found(log, monkeypatch, i):
    lines = changed(lines_of(log.read_bytes()), i, reason="Another story.")
    found, n = looked_at(monkeypatch, log, b"".join(lines))
    assert n[0] == N  # all are looked at then
    assert len(found) == i + 1
    assert "does not follow from the line before" in found.wrong
    assert found.n_bytes == sum(map(len, lines[: i + 1]))


def test_a_byte_that_flipped_is_found(log):
    data = bytearray(log.read_bytes())
    at = data.index(b"A timeout")
    data[at] ^= 1
    assert good_prefix.prefix_of(log, bytes(data)).wrong.startswith("was changed: its hash")


def test_heads_of_another_site_or_none_spare_nothing(log, monkeypatch, tmp_path):
    monkeypatch.setenv("PERFUSIO_SITE_KEY", str(tmp_path / "other.key"))
    found, n = looked_at(monkeypatch, log, log.read_bytes())
    assert (n, len(found)) == ([N], N)
    good_prefix.forget()
    heads_of(log).unlink()
    assert looked_at(monkeypatch, log, log.read_bytes())[1] == [N]
    good_prefix.forget()
    heads_of(log).write_bytes(b"nonsense\n" * 3 + b"{}")
    assert looked_at(monkeypatch, log, log.read_bytes())[1] == [N]


def test_a_forged_head_spares_nothing(log, monkeypatch):
    heads = lines_of(heads_of(log).read_bytes())
    forged = json.loads(heads[-1])
    forged["signature"] = forged["signature"][::-1]
    heads_of(log).write_bytes(b"".join(heads[:-1]) + encode(forged) + b"\n")
    assert looked_at(monkeypatch, log, log.read_bytes())[1] == [N]
