"""The verifier that shares no code with perfusio: it agrees, and its Ed25519 is that of the library."""

import subprocess
import sys
from dataclasses import replace
from random import Random

import pytest

from perfusio.selftest.sample_record import write
from perfusio.twin import verify_alone
from perfusio.twin.heads import heads_of, read_heads
from perfusio.twin.site_key import SiteKey
from perfusio.twin.verify import verify_lines


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write(folder / "audit.jsonl", 12, key=SiteKey.of_site(folder / "site.key"))
    return folder / "audit.jsonl"


def run(*arguments):
    command = [sys.executable, "-I", verify_alone.__file__, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_needs_nothing_but_the_standard_library_and_is_short():
    with open(verify_alone.__file__) as file:
        lines = file.read().splitlines()
    assert len(lines) < 150
    imported = {line.split()[1].partition(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert imported <= sys.stdlib_module_names | {"__future__"}


def test_it_runs_by_itself(place, tmp_path):
    key = place.with_name("site.pub")
    assert run(place, heads_of(place), key).returncode == 0
    cut = tmp_path / "audit.jsonl"
    cut.write_bytes(b"".join(place.read_bytes().splitlines(keepends=True)[:-1]))
    assert run(cut).returncode == 0  # a chain alone cannot see it
    found = run(cut, heads_of(place), key)
    assert found.returncode == 4
    assert "is missing, or is not the one that was signed" in found.stdout
    assert run(tmp_path / "nothing").returncode == 3


def test_its_signatures_are_those_of_the_library(tmp_path):
    key, rng = SiteKey.of_site(tmp_path / "site.key"), Random(0)
    for n in range(8):
        message = rng.randbytes(n)
        signature = key.sign(message)
        assert verify_alone.is_signed(key.public.raw, signature, message)
        assert not verify_alone.is_signed(key.public.raw, signature, message + b"x")
        for i in (0, 31, 32, 63):
            wrong = bytearray(signature)
            wrong[i] ^= 1 << rng.randrange(7)
            assert not verify_alone.is_signed(key.public.raw, bytes(wrong), message)
    assert not verify_alone.is_signed(b"\xff" * 32, signature, message)


def test_both_verifiers_find_a_forged_head(place):
    record, heads = place.read_bytes(), read_heads(heads_of(place))
    key = SiteKey.of_site(place.with_name("site.key"))
    forged = replace(heads[0], ts="2026-01-06T08:00:00.000000Z")
    raw = heads_of(place).read_bytes().replace(heads[0].ts.encode(), forged.ts.encode())
    lines = record.splitlines(keepends=True)
    assert not verify_lines(lines, heads=[forged, *heads[1:]], key=key.public).is_intact
    assert verify_alone.problems(record, raw, key.public.raw) == ["head 1 is not signed by this key"]


@pytest.mark.parametrize("record", [b"", b"\n", b"{}\n", b"[]\n", b"\xff\n", b'{"hash": 1}\n', b"9" * 9000 + b"\n"])
def test_nonsense_is_no_record(record):
    assert verify_alone.problems(record)
