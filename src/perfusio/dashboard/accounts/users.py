"""Users: names, roles, and passwords kept as Argon2id hashes (RFC 9106)."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from perfusio.dashboard.accounts.database import AccountsFile, written_now
from perfusio.dashboard.accounts.roles import UserRole
from perfusio.errors import ConfigError
from perfusio.texts import is_plain, shown

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST_PASSWORD, MOST_PASSWORD = 10, 200
_is_name = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One user.

    Attributes:
        name: By which they log in.
        full_name: As it is shown, and goes on record.
        role: UserRole.
        is_active: Whether they may log in.
    """

    name: str
    full_name: str
    role: UserRole
    is_active: bool = True

    @property
    def on_record(self) -> str:
        """Name as the record of a run keeps it."""
        return f"{self.full_name} ({self.name})"


class Users:
    """The users of a site.

    Args:
        database: Of the site.
    """

    def __init__(self, database: AccountsFile) -> None:
        self._database = database

    def add(self, name: str, full_name: str, role: UserRole, password: str) -> User:
        """Add a user.

        Raises:
            ConfigError: the name is taken or none, or the password too short.
        """
        if not _is_name(name):
            raise ConfigError(
                f"{shown(name, 60)!r} is no name to log in by: expected 2 to 40 of a to z, 0 to 9, '.', '_', '-'."
            )
        full_name = full_name.strip()
        if not 2 <= len(full_name) <= 100 or not is_plain(full_name):
            raise ConfigError(f"{shown(full_name, 60)!r} is no full name: expected one line of 2 to 100 characters.")
        check_password(password)
        try:
            with self._database.change() as db:
                values = (name, full_name, role.value, _hasher().hash(password), 1, written_now())
                db.execute("INSERT INTO users VALUES (?, ?, ?, ?, ?, ?)", values)
        except sqlite3.IntegrityError as error:
            raise ConfigError(f"{name} is a user already: choose another name, or change that one.") from error
        return User(name=name, full_name=full_name, role=role)

    def all(self) -> list[User]:
        """Return all users, by name."""
        return [_user(*row) for row in self._database.rows(f"{_SELECT} ORDER BY name")]

    def get(self, name: str) -> User | None:
        """Return a user, None if there is none of that name."""
        found = self._database.rows(f"{_SELECT} WHERE name = ?", name)
        return _user(*found[0]) if found else None

    def change(
        self, name: str, *, role: UserRole | None = None, is_active: bool | None = None, password: str | None = None
    ) -> User:
        """Change a user; one who is closed, or whose password or role is changed, is logged out.

        Raises:
            ConfigError: there is no such user, nobody would be left to administer, or the password is too short.
        """
        before = self.get(name)
        if before is None:
            known = ", ".join(u.name for u in self.all()) or "none"
            raise ConfigError(f"{shown(name, 60)} is no user. Users: {known}.")
        loses_admin = before.role is UserRole.ADMIN and (is_active is False or role not in (None, UserRole.ADMIN))
        others = [u for u in self.all() if u.role is UserRole.ADMIN and u.is_active and u.name != name]
        if loses_admin and not others:
            raise ConfigError(f"{name} is the last admin: make another one first.")
        if password is not None:
            check_password(password)
        with self._database.change() as db:
            if role is not None:
                db.execute("UPDATE users SET role = ? WHERE name = ?", (role.value, name))
            if is_active is not None:
                db.execute("UPDATE users SET is_active = ? WHERE name = ?", (int(is_active), name))
            if password is not None:
                db.execute("UPDATE users SET password = ? WHERE name = ?", (_hasher().hash(password), name))
            db.execute("DELETE FROM sessions WHERE user = ?", (name,))
            if is_active is False:
                db.execute("UPDATE tokens SET is_revoked = 1 WHERE user = ?", (name,))
        changed = self.get(name)
        assert changed is not None
        return changed

    def with_password(self, name: str, password: str) -> User | None:
        """Return the user with this password; an unknown name takes as long as a wrong password."""
        found = self._database.rows("SELECT password FROM users WHERE name = ? AND is_active = 1", name)
        is_right = _is_right(str(found[0][0]) if found else _of_nobody(), password)
        return self.get(name) if found and is_right else None


_SELECT = "SELECT name, full_name, role, is_active FROM users"


def _user(name: object, full_name: object, role: object, is_active: object) -> User:
    return User(name=str(name), full_name=str(full_name), role=UserRole(str(role)), is_active=bool(is_active))


def check_password(password: str) -> None:
    """Refuse a password that is too short to be one, or too long to be meant.

    Raises:
        ConfigError: it is.
    """
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise ConfigError(
            f"The password has {len(password)} characters: expected {LEAST_PASSWORD} to {MOST_PASSWORD}."
        )


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)  # OWASP's advice for servers


@cache
def _of_nobody() -> str:
    return _hasher().hash("nobody's password")


def _is_right(kept: str, password: str) -> bool:
    from argon2.exceptions import Argon2Error, InvalidHashError

    try:
        return _hasher().verify(kept, password[: MOST_PASSWORD + 1])
    except (Argon2Error, InvalidHashError):
        return False
