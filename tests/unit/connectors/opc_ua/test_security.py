"""Certificates and logins: what is trusted, what is refused, and what never leaves this machine."""

import os
import stat
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from perfusio.connectors.opc_ua.certificates import fingerprint, read_certificate
from perfusio.connectors.opc_ua.security import Certificates, Login, Untrusted, login
from perfusio.errors import ConfigError
from perfusio.testing.opcua_identity import URI, identity

WHERE = {"endpoint": "opc.tcp://rig:4840/", "host": "127.0.0.1", "uri": URI}


@pytest.fixture(scope="module")
def good():
    return identity()


@pytest.fixture(scope="module")
def authority():
    return identity(is_authority=True)


@pytest.fixture
def folder(tmp_path):
    return Certificates(tmp_path / "c")


def test_our_own_certificate_is_made_once_and_kept_private(folder):
    certificate, key = folder.own()
    assert folder.own() == (certificate, key)
    file = folder.folder / "own" / "key.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (folder.folder / "own" / ".gitignore").read_text() == "*\n"
    assert Certificates(folder.folder).own()[0] == certificate
    file.write_text("no key")
    (folder.folder / "own" / "certificate.der").write_bytes(b"no certificate")
    with pytest.raises(ConfigError, match="remove both to have them made anew"):
        folder.own()


def test_our_own_certificate_that_expired_is_told(folder, good):
    folder.own()
    der = good.expired().certificate.public_bytes(serialization.Encoding.DER)
    (folder.folder / "own" / "certificate.der").write_bytes(der)
    with pytest.raises(ConfigError, match="only valid from"):
        folder.own()


def test_a_stranger_is_refused_and_kept_until_a_person_trusts_it(folder, good):
    with pytest.raises(Untrusted) as refused:
        folder.check(good.certificate, **WHERE)
    for words in ("not among the trusted", fingerprint(good.certificate), "perfusio opcua trust opc.tcp://rig:4840/"):
        assert words in str(refused.value)
    (kept,) = (folder.folder / "rejected").iterdir()
    assert read_certificate(kept.read_bytes()) == good.certificate
    folder.trust(good.certificate)
    folder.check(good.certificate, **WHERE)
    assert list((folder.folder / "rejected").iterdir()) == []  # a person who looks there later finds no server in use


def test_a_rogue_with_the_same_names_is_another(folder, good):
    folder.trust(good.certificate)
    with pytest.raises(Untrusted, match="not among the trusted"):
        folder.check(identity().certificate, **WHERE)


def test_expired_is_refused_even_if_trusted(folder, good):
    old = good.expired().certificate
    folder.trust(old)
    with pytest.raises(Untrusted, match="it expired on"):
        folder.check(old, **WHERE)


def test_an_authority_vouches_for_its_own_at_the_right_place_only(folder, good, authority):
    folder.trust(authority.certificate)
    signed = good.signed_by(authority).certificate
    folder.check(signed, **WHERE)
    with pytest.raises(Untrusted, match="not for elsewhere"):
        folder.check(signed, **{**WHERE, "host": "elsewhere"})
    with pytest.raises(Untrusted, match="not for urn:other"):
        folder.check(signed, **{**WHERE, "uri": "urn:other"})
    with pytest.raises(Untrusted, match="no trusted authority signed it"):
        folder.check(good.signed_by(identity(is_authority=True)).certificate, **WHERE)


def test_a_trusted_server_is_no_authority(folder, good):
    folder.trust(good.certificate)
    with pytest.raises(Untrusted, match="no trusted authority signed it"):
        folder.check(identity().signed_by(good).certificate, **WHERE)


def test_what_its_authority_revoked_is_refused(folder, good, authority):
    folder.trust(authority.certificate)
    signed, now = good.signed_by(authority).certificate, datetime.now(UTC)
    entry = x509.RevokedCertificateBuilder().serial_number(signed.serial_number).revocation_date(now).build()
    listed = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now)
        .next_update(now + timedelta(days=1))
        .add_revoked_certificate(entry)
        .sign(authority.key, hashes.SHA256())
    )
    (folder.folder / "trusted" / "list.crl").write_bytes(listed.public_bytes(serialization.Encoding.DER))
    with pytest.raises(Untrusted, match="has revoked it"):
        folder.check(signed, **WHERE)


def test_a_file_that_is_no_certificate_is_not_passed_over(folder, good):
    folder.trust(good.certificate)
    (folder.folder / "trusted" / "notes.pem").write_text("to do")
    with pytest.raises(ConfigError, match=r"notes\.pem is no certificate"):
        folder.trusted()


def test_a_password_comes_from_a_file_of_ones_own_or_the_environment(tmp_path):
    file = tmp_path / "password"
    file.write_text("from file\n")
    os.chmod(file, 0o600)
    assert login("twin", password_file=file) == Login(user="twin", password="from file")
    assert login("twin", environ={"PERFUSIO_OPCUA_PASSWORD": "from env"}).password == "from env"
    assert login(None) is None
    with pytest.raises(ConfigError, match="There is no password for user 'twin'"):
        login("twin", environ={})
    os.chmod(file, 0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        login("twin", password_file=file)


def test_a_password_is_not_printed():
    assert "secret" not in repr(Login(user="twin", password="secret"))
