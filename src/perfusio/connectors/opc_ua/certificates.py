"""X.509 certificates of applications: made, read, and asked whose they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LEAST_KEY_BITS = 2048
VALID_DAYS = 3 * 365


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 fingerprint, in the form that servers and browsers show: ``AB:12:...``."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def make_certificate(
    *,
    uri: str,
    key: rsa.RSAPrivateKey,
    hosts: tuple[str, ...] = (),
    valid: tuple[datetime, datetime] | None = None,
    issuer: tuple[x509.Certificate, rsa.RSAPrivateKey] | None = None,
    is_authority: bool = False,
) -> x509.Certificate:
    """Return an application certificate as OPC UA Part 6, 6.2.2 wants it.

    Args:
        uri: Application URI.
        key: Key pair of the application.
        hosts: Names and addresses under which it is reached.
        valid: From and until; default an hour ago (clocks differ) and three years from now.
        issuer: Certificate and key of the authority that signs; None = self-signed.
        is_authority: Whether it may sign others.
    """
    now = datetime.now(UTC)
    start, end = valid or (now - timedelta(hours=1), now + timedelta(days=VALID_DAYS))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, uri[:64])])
    signer = key if issuer is None else issuer[1]
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if issuer is None else issuer[0].subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(_usage(is_authority=is_authority, is_self_signed=issuer is None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri), *(_host(h) for h in hosts)]),
            critical=False,
        )
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
    )
    return builder.sign(signer, hashes.SHA256())


def _usage(*, is_authority: bool, is_self_signed: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=is_authority or is_self_signed,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def make_key() -> rsa.RSAPrivateKey:
    """Return a new key pair."""
    return rsa.generate_private_key(public_exponent=65537, key_size=LEAST_KEY_BITS)


def read_certificate(content: bytes) -> x509.Certificate:
    """Return the certificate in DER or PEM bytes; of a chain, the first.

    Raises:
        ValueError: there is none.
    """
    if content.startswith(b"-----"):
        return x509.load_pem_x509_certificate(content)
    length = 4 + int.from_bytes(content[2:4], "big")  # the outer SEQUENCE: servers may append their chain
    return x509.load_der_x509_certificate(content[:length])


def is_signed(certificate: x509.Certificate, authority: x509.Certificate, now: datetime) -> bool:
    """Whether an authority, itself valid and allowed to sign, signed this certificate."""
    try:
        may_sign = authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        certificate.verify_directly_issued_by(authority)
    except (x509.ExtensionNotFound, InvalidSignature, ValueError, TypeError):
        return False
    return may_sign and authority.not_valid_before_utc <= now <= authority.not_valid_after_utc


def _names(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def uris(certificate: x509.Certificate) -> list[str]:
    """Return the application URIs that a certificate is for."""
    names = _names(certificate)
    return names.get_values_for_type(x509.UniformResourceIdentifier) if names is not None else []


def hosts_of(certificate: x509.Certificate) -> list[str]:
    """Return the host names and addresses that a certificate is for."""
    names = _names(certificate)
    if names is None:
        return []
    return [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]
