"""The site's key: made once, kept from others, and known by its public half."""

import stat

import pytest

from perfusio.errors import AuditError
from perfusio.record.verification.site_key import PublicKey, SiteKey


def test_it_is_made_at_first_use_and_is_then_the_same(tmp_path):
    place = tmp_path / "settings" / "site.key"
    key = SiteKey.of_site(place)
    assert SiteKey.of_site(place).public == key.public == PublicKey.read(place.with_suffix(".pub"))
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert [p.name for p in sorted(place.parent.iterdir())] == ["site.key", "site.pub"]


def test_it_signs_what_its_public_half_knows_and_nothing_else(tmp_path):
    key, other = SiteKey.of_site(tmp_path / "a.key"), SiteKey.of_site(tmp_path / "b.key")
    signature = key.sign(b"head")
    assert key.public.has_signed(signature, b"head")
    assert not key.public.has_signed(signature, b"heads")
    assert not other.public.has_signed(signature, b"head")
    assert key.public.name != other.public.name


def test_the_environment_names_its_place(tmp_path, monkeypatch):
    monkeypatch.setenv("PERFUSIO_SITE_KEY", str(tmp_path / "mine.key"))
    SiteKey.of_site()
    assert (tmp_path / "mine.key").exists()


def test_a_key_that_others_may_read_is_refused(tmp_path):
    place = tmp_path / "site.key"
    SiteKey.of_site(place)
    place.chmod(0o640)
    with pytest.raises(AuditError, match=r"chmod 600 .*site\.key"):
        SiteKey.of_site(place)


def test_what_is_no_key_is_refused_in_words(tmp_path):
    place = tmp_path / "site.key"
    place.write_bytes(b"nonsense")
    place.chmod(0o600)
    with pytest.raises(AuditError, match="holds no private key"):
        SiteKey.of_site(place)
    with pytest.raises(AuditError, match="holds no public key"):
        PublicKey.read(place)
    with pytest.raises(AuditError, match="cannot be read"):
        PublicKey.read(tmp_path / "site.pub")
    with pytest.raises(AuditError, match="PERFUSIO_SITE_KEY"):
        SiteKey.of_site(place / "below" / "a.key")
