"""The file that holds the accounts of a site: an SQLite database beside the site's key, readable by its owner only."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from perfusio.errors import ConfigError

PLACE = "PERFUSIO_USERS"
"""Environment variable that names the file."""
_SITE_KEY = "PERFUSIO_SITE_KEY"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    name TEXT PRIMARY KEY, full_name TEXT NOT NULL, role TEXT NOT NULL, password TEXT NOT NULL,
    is_active INTEGER NOT NULL DEFAULT 1, created TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sessions (
    secret TEXT PRIMARY KEY, user TEXT NOT NULL, csrf TEXT NOT NULL, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (
    id TEXT PRIMARY KEY, secret TEXT NOT NULL, user TEXT NOT NULL, label TEXT NOT NULL, role TEXT NOT NULL,
    expires REAL NOT NULL, is_revoked INTEGER NOT NULL DEFAULT 0, created TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS links (
    secret TEXT PRIMARY KEY, role TEXT NOT NULL, user TEXT NOT NULL, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS failures (subject TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS failures_of ON failures (subject, at);
CREATE TABLE IF NOT EXISTS looked (
    user TEXT NOT NULL, run TEXT NOT NULL, seq INTEGER NOT NULL, at TEXT NOT NULL, PRIMARY KEY (user, run));
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


def usual_place() -> Path:
    """Return where the accounts are: as PERFUSIO_USERS says, else beside the site's key."""
    if named := os.environ.get(PLACE):
        return Path(named)
    if key := os.environ.get(_SITE_KEY):
        return Path(key).with_name("users.sqlite")
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "perfusio" / "users.sqlite"


class AccountsFile:
    """The accounts of a site.

    Args:
        place: File; made with its folder if it is not there, readable by its owner only.

    Raises:
        ConfigError: it cannot be used, or others may read it.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        try:
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(place, os.O_RDWR | os.O_CREAT, 0o600))
            if place.stat().st_mode & 0o077:
                raise ConfigError(f"{place} holds the accounts and may be read by others: chmod 600 {place}.")
            with self.change() as db:
                db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(
                f"The accounts cannot be kept at {place}: {error}. Name a file that this user may write in {PLACE}."
            ) from error

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Give a connection for one transaction: committed at the end, taken back by an error."""
        db = sqlite3.connect(self.place, timeout=10.0)
        try:
            with db:
                yield db
        finally:
            db.close()

    def rows(self, question: str, *values: object) -> list[tuple[object, ...]]:
        """Return all rows that answer a question."""
        with self.change() as db:
            return db.execute(question, values).fetchall()


def hashed(secret: str) -> str:
    """Return what is kept of a random secret of 128 bits or more: its SHA-256."""
    return sha256(secret.encode()).hexdigest()


def timestamp() -> float:
    """Return the wall time [s since 1970]."""
    return datetime.now(UTC).timestamp()


def written_now() -> str:
    """Return the wall time as text, ISO 8601 in UTC."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
