"""Certificates of an OPC UA connection: our own, those of servers that a person trusts, and the login.

The folder holds ``own/`` (made on first use; the key is readable by its owner only), ``trusted/`` (servers, or the
authorities and their revocation lists) and ``rejected/`` (servers that were refused, to be looked at).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from perfusio.connectors.opc_ua.certificates import (
    LEAST_KEY_BITS,
    fingerprint,
    hosts_of,
    is_signed,
    make_certificate,
    make_key,
    read_certificate,
    uris,
)
from perfusio.errors import ConfigError, NotConnected

PASSWORD_VARIABLE = "PERFUSIO_OPCUA_PASSWORD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who logs in; the password is never printed.

    Attributes:
        user: Name of the user.
        password: Password; it only ever travels encrypted.
    """

    user: str
    password: str = field(repr=False)


def login(
    user: str | None, *, password_file: str | Path | None = None, environ: Mapping[str, str] | None = None
) -> Login | None:
    """Return the login of a user, with the password from a file or from the environment; None without a user.

    Raises:
        ConfigError: there is no password, or its file cannot be read or is open to other users.
    """
    if user is None:
        return None
    password = (os.environ if environ is None else environ).get(PASSWORD_VARIABLE, "")
    if password_file is not None:
        file = Path(password_file).expanduser()
        try:
            if os.name == "posix" and file.stat().st_mode & 0o077:
                raise ConfigError(f"{file}: other users of this machine can read the password. chmod 600 {file}")
            password = file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            expected = "Expected a text file of one line"
            raise ConfigError(f"{file}: the password cannot be read: {error}. {expected}.") from error
    if not password:
        raise ConfigError(
            f"There is no password for user {user!r}. Put it into the environment as {PASSWORD_VARIABLE}, or into a "
            "file of your own (chmod 600) and name the file. It never belongs into a node map or a command line."
        )
    return Login(user=user, password=password)


class Untrusted(NotConnected):
    """The server could not show that it is one that a person trusts; it was given neither session nor password."""

    exit_code = 2


class Certificates:
    """A folder of certificates.

    Args:
        folder: Where; it is made with the first own certificate.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser()
        self.uri = f"urn:{socket.gethostname()}:perfusio"

    # -- our own -----------------------------------------------------------------------------------------------------

    def own(self) -> tuple[x509.Certificate, bytes]:
        """Return our certificate and our key (PEM); made on first use.

        Raises:
            ConfigError: they cannot be read or made, or are no longer valid.
        """
        certificate_file, key_file = self.folder / "own" / "certificate.der", self.folder / "own" / "key.pem"
        try:
            if not certificate_file.exists():
                self._make_own(certificate_file, key_file)
            certificate = x509.load_der_x509_certificate(certificate_file.read_bytes())
            key = key_file.read_bytes()
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"{certificate_file.parent}: our own certificate cannot be used: {error}. Expected certificate.der and "
                "key.pem in a folder that you may write; remove both to have them made anew, and let the server trust "
                "the new one."
            ) from error
        if not certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc:
            raise ConfigError(
                f"{certificate_file}: our own certificate is only valid from "
                f"{certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d}. Remove it "
                "and key.pem to have new ones made, and let the server trust the new certificate."
            )
        self.uri = next(iter(uris(certificate)), self.uri)
        return certificate, key

    def _make_own(self, certificate_file: Path, key_file: Path) -> None:
        certificate_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        (certificate_file.parent / ".gitignore").write_text("*\n", encoding="utf-8")  # a key is for no repository
        key = make_key()
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        key_file.unlink(missing_ok=True)
        with open(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
        certificate = make_certificate(uri=self.uri, key=key, hosts=(socket.gethostname(),))
        certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.DER))

    # -- those of servers --------------------------------------------------------------------------------------------

    def trust(self, certificate: x509.Certificate) -> Path:
        """Trust a server, or an authority, from now on; return the file. It is among the rejected ones no more."""
        kept = self._keep("trusted", certificate)
        (self.folder / "rejected" / kept.name).unlink(missing_ok=True)
        return kept

    def trusted(self) -> tuple[x509.Certificate, ...]:
        """Return the servers and authorities that are trusted.

        Raises:
            ConfigError: a file cannot be read; it is not just passed over.
        """
        found = []
        for file in self._files("trusted", (".der", ".pem", ".crt", ".cer")):
            try:
                found.append(read_certificate(file.read_bytes()))
            except (OSError, ValueError) as error:
                expected = "Expected DER or PEM; mend or remove it."
                raise ConfigError(f"{file} is no certificate: {error}. {expected}") from error
        return tuple(found)

    def check(self, certificate: x509.Certificate, *, endpoint: str, host: str, uri: str) -> None:
        """Check that a server is one to give a session and a password to.

        Args:
            certificate: As the server shows it.
            endpoint: Of the server, for the message.
            host: Where we reach it.
            uri: Application URI that it claims.

        Raises:
            Untrusted: it is not; the message says why, and the remedy. The certificate is kept in ``rejected/``.
        """
        problem = self._problem(certificate, host=host, uri=uri)
        if problem is None:
            return
        kept = self._keep("rejected", certificate)
        raise Untrusted(
            f"{endpoint}: the server's certificate is refused: {problem} SHA-256 {fingerprint(certificate)}, kept as "
            f"{kept}. Neither a session was opened nor a password sent. If the server itself shows this fingerprint, "
            f"and the certificate is valid, trust it: perfusio opcua trust {endpoint} --certificates {self.folder}",
            connector=endpoint,
            operation="connect",
        )

    def _problem(self, certificate: x509.Certificate, *, host: str, uri: str) -> str | None:
        now = datetime.now(UTC)
        if certificate.not_valid_after_utc < now:
            return f"it expired on {certificate.not_valid_after_utc:%Y-%m-%d}; ask who runs the server to renew it."
        if certificate.not_valid_before_utc > now:
            return f"it is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}; check both clocks."
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size < LEAST_KEY_BITS:
            return f"its key is not RSA of {LEAST_KEY_BITS} bits or more."
        trusted = self.trusted()
        if any(fingerprint(certificate) == fingerprint(known) for known in trusted):
            return None
        issuers = [known for known in trusted if is_signed(certificate, known, now)]
        if not issuers:
            return "it is not among the trusted ones, and no trusted authority signed it."
        if self._is_revoked(certificate, issuers):
            return "the authority that signed it has revoked it."
        if uri not in uris(certificate):
            return f"it is for {', '.join(uris(certificate)) or 'no application'}, not for {uri}."
        if host not in hosts_of(certificate):
            return f"it is for {', '.join(hosts_of(certificate)) or 'no host'}, not for {host}."
        return None

    def _is_revoked(self, certificate: x509.Certificate, issuers: list[x509.Certificate]) -> bool:
        for file in self._files("trusted", (".crl",)):
            content = file.read_bytes()
            is_pem = content.startswith(b"-----")
            revoked = (x509.load_pem_x509_crl if is_pem else x509.load_der_x509_crl)(content)
            for issuer in issuers:
                public = issuer.public_key()
                is_theirs = isinstance(public, rsa.RSAPublicKey) and revoked.is_signature_valid(public)
                if is_theirs and revoked.get_revoked_certificate_by_serial_number(certificate.serial_number):
                    return True
        return False

    def _files(self, kind: str, endings: tuple[str, ...]) -> list[Path]:
        folder = self.folder / kind
        return sorted(f for f in folder.iterdir() if f.suffix.lower() in endings) if folder.is_dir() else []

    def _keep(self, kind: str, certificate: x509.Certificate) -> Path:
        path = self.folder / kind / f"{certificate.fingerprint(hashes.SHA256()).hex()[:16]}.der"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(certificate.public_bytes(serialization.Encoding.DER))
        except OSError as error:
            expected = "Expected a folder that you may write."
            raise ConfigError(f"{path} cannot be written: {error.strerror}. {expected}") from error
        return path
