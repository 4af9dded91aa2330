"""The verifier that shares no code with perfusio: it agrees, and its Ed25519 is that of the library."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from perfusio.record.verification import verify_alone
from perfusio.record.verification.shape_table import written_into
from perfusio.record.verification.signed_heads import heads_of, read_heads
from perfusio.record.verification.site_key import SiteKey
from perfusio.record.verification.verify import verify_lines
from perfusio.selftest.record.sample_record import write


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
    assert len(lines) < 175
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


def test_its_table_of_types_is_that_of_the_declarations():
    source = Path(verify_alone.__file__).read_text(encoding="utf-8")
    assert written_into(source) == source, "run: python -m perfusio.record.verification.shape_table"
    assert len(source.splitlines()) > 100  # the table did not swallow the program


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda pem: pem.rstrip(b"\n"), 4),  # the same key: what it has not signed is found
        (lambda pem: pem.replace(b"\n", b"\r\n"), 4),
        (lambda pem: b"\n" + pem + b"\n\n", 4),
        (lambda pem: b"", 3),
        (lambda pem: b"\n", 3),
        (lambda pem: b"\xef\xbb\xbf" + pem, 3),
        (lambda pem: b"Our key:\n" + pem, 3),
        (lambda pem: pem + pem, 3),
        (lambda pem: pem.replace(b"PUBLIC", b"PRIVATE"), 3),
        (lambda pem: pem[:60], 3),
    ],
)
def test_no_spelling_of_a_key_file_switches_signatures_off(place, tmp_path, change, code):
    forged = tmp_path / "audit.heads"
    raw = heads_of(place).read_bytes()
    forged.write_bytes(raw.replace(read_heads(heads_of(place))[0].ts.encode(), b"2026-01-06T08:00:00.000000Z"))
    (tmp_path / "site.pub").write_bytes(change(place.with_name("site.pub").read_bytes()))
    alone = run(place, forged, tmp_path / "site.pub")
    assert alone.returncode == code
    assert ("not signed by this key" if code == 4 else "no Ed25519 public key") in alone.stdout
    own = subprocess.run(
        [sys.executable, "-m", "perfusio", "verify", place, "--anchor", forged, "--key", tmp_path / "site.pub"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert own.returncode == code
    assert ("this key has not signed" in own.stdout) if code == 4 else ("Copy it from the site again" in own.stderr)


def test_other_line_ends_are_named_first(place):
    record = place.read_bytes()
    for image in (record.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + record, record + b"\n\r\n"):
        assert verify_alone.problems(image) == ["it has CR LF, a byte-order mark or blank ends"]


@pytest.mark.parametrize("record", [b"", b"\n", b"{}\n", b"[]\n", b"\xff\n", b'{"hash": 1}\n', b"9" * 9000 + b"\n"])
def test_nonsense_is_no_record(record):
    assert verify_alone.problems(record)
