"""SiteKey: the Ed25519 key by which this site signs the heads of its records (RFC 8032).

One key per user of a machine, made at first use: `site.key`, readable by its owner only, and `site.pub` beside it,
which is to be given to whoever verifies records elsewhere. PERFUSIO_SITE_KEY names another place.
"""

from __future__ import annotations

import os
import re
from base64 import b64decode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Self

from perfusio.errors import AuditError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PLACE = "PERFUSIO_SITE_KEY"
"""Environment variable that names the file of the private key."""
_PEM = re.compile(rb"\s*-----BEGIN PUBLIC KEY-----\s([A-Za-z0-9+/=\s]+)\s-----END PUBLIC KEY-----\s*")
"""One public key and nothing else: both verifiers take the same files, whatever the libraries of a machine take."""
_DER = bytes.fromhex("302a300506032b6570032100")
"""First bytes of an Ed25519 public key (RFC 8410); its 32 bytes follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """Tells whether this site signed something."""

    raw: bytes

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a public key in PEM.

        Raises:
            AuditError: there is none.
        """
        try:
            pem = Path(path).read_bytes()
        except OSError as error:
            raise AuditError(f"{path} cannot be read: {error.strerror}. Give the site.pub of the site.") from error
        found = _PEM.fullmatch(pem)
        try:
            der = b64decode(b"".join(found[1].split()), validate=True) if found else b""
        except ValueError:
            der = b""
        if len(der) != len(_DER) + 32 or not der.startswith(_DER):
            kind = "a key of another kind, a damaged one" if found else "no public key"
            raise AuditError(
                f"{path} holds {kind}, or more than one key. Expected the site.pub of the site as it was made: one "
                "Ed25519 key in PEM, no text and no byte-order mark around it. Copy it from the site again."
            )
        return cls(raw=der[len(_DER) :])

    @property
    def name(self) -> str:
        """First 16 hexadecimal digits of its SHA-256."""
        return sha256(self.raw).hexdigest()[:16]

    @property
    def pem(self) -> bytes:
        """As in site.pub."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        key = Ed25519PublicKey.from_public_bytes(self.raw)
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def has_signed(self, signature: bytes, message: bytes) -> bool:
        """Return whether the signature (64 bytes) is that of this key under the message."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteKey:
    """Signs."""

    private: Ed25519PrivateKey

    @classmethod
    def of_site(cls, path: Path | None = None) -> Self:
        """Return the key of this site, made and kept at its first use.

        Args:
            path: Where it is; default: the path in PERFUSIO_SITE_KEY, else `perfusio/site.key` in the user's settings.

        Raises:
            AuditError: it cannot be read or kept, or others may read it.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        path = path or _usual_place()
        try:
            if not path.exists():
                _keep_new(path)
            if path.stat().st_mode & 0o077:
                raise AuditError(f"{path} may be read by others, who could then sign: chmod 600 {path}.")
            key = load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            raise AuditError(
                f"The key that signs records cannot be kept at {path}: {error.strerror}. "
                f"Name a file that this user may write in {PLACE}."
            ) from error
        except ValueError as error:
            raise AuditError(f"{path} holds no private key. Restore it, or move it away: a new one is made.") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise AuditError(f"{path} holds a key of another kind. Expected Ed25519; move it away: a new one is made.")
        return cls(private=key)

    @property
    def public(self) -> PublicKey:
        """The key that verifies its signatures."""
        return PublicKey(raw=self.private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the signature (64 bytes) under a message."""
        return self.private.sign(message)


def _usual_place() -> Path:
    if named := os.environ.get(PLACE):
        return Path(named)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "perfusio" / "site.key"


def _keep_new(path: Path) -> None:
    """Make a key; whoever comes second takes the first one's."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = Ed25519PrivateKey.generate()
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(fd)
    try:
        os.link(draft, path)  # fails where a key is already
    except FileExistsError:
        return
    finally:
        draft.unlink()
    path.with_suffix(".pub").write_bytes(PublicKey(raw=key.public_key().public_bytes_raw()).pem)
