"""Certificates of servers to test with: a good one, a rogue one, an expired one, one signed by an authority."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from perfusio.connectors.opc_ua.certificates import make_certificate, make_key

URI = "urn:perfusio:testing:server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A certificate with its key.

    Attributes:
        certificate: The shown part.
        key: The proof of it.
    """

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    def expired(self) -> Identity:
        """Return the same server with a certificate that ended yesterday."""
        now = datetime.now(UTC)
        days = (now - timedelta(days=30), now - timedelta(days=1))
        certificate = make_certificate(uri=URI, key=self.key, hosts=("127.0.0.1",), valid=days)
        return Identity(certificate=certificate, key=self.key)

    def signed_by(self, authority: Identity, *, hosts: tuple[str, ...] = ("127.0.0.1",)) -> Identity:
        """Return the same server with a certificate that an authority signed."""
        issuer = (authority.certificate, authority.key)
        return Identity(certificate=make_certificate(uri=URI, key=self.key, hosts=hosts, issuer=issuer), key=self.key)


def identity(*, is_authority: bool = False) -> Identity:
    """Return a new identity with a key of its own; nobody trusts it yet."""
    key = make_key()
    uri = f"{URI}:authority" if is_authority else URI
    certificate = make_certificate(uri=uri, key=key, hosts=("127.0.0.1",), is_authority=is_authority)
    return Identity(certificate=certificate, key=key)
