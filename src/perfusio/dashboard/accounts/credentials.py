"""Credentials: sessions of browsers, tokens of programs, one-time links of new users. Each is kept as a hash only."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_urlsafe

from perfusio.dashboard.accounts.database import AccountsFile, hashed, timestamp, written_now
from perfusio.dashboard.accounts.roles import UserRole
from perfusio.dashboard.accounts.users import User, Users
from perfusio.errors import ConfigError
from perfusio.texts import is_plain, shown

SESSION_S = 12 * 3600.0
LINK_S = 24 * 3600.0
MOST_TOKEN_DAYS = 365
N_BYTES = 32
"""Of a secret: 256 bit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks.

    Attributes:
        user: The user.
        role: What the caller may do: that of the user, or less with a token.
        csrf: Word that a browser must repeat with each change; empty for a token.
    """

    user: User
    role: UserRole
    csrf: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is shown of a token: never its secret."""

    id: str
    user: str
    label: str
    role: UserRole
    expires: float
    is_revoked: bool
    created: str


class Credentials:
    """Sessions, tokens and links of a site.

    Args:
        database: Of the site.
    """

    def __init__(self, database: AccountsFile) -> None:
        self._database, self._users = database, Users(database)

    # -- sessions ----------------------------------------------------------------------------------------------------

    def begin(self, user: User) -> tuple[str, str]:
        """Begin a session; return its secret, for the cookie, and its word against forged requests."""
        secret, csrf, now = token_urlsafe(N_BYTES), token_urlsafe(N_BYTES), timestamp()
        with self._database.change() as db:
            db.execute("DELETE FROM sessions WHERE expires < ?", (now,))
            db.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", (hashed(secret), user.name, csrf, now + SESSION_S))
        return secret, csrf

    def of_session(self, secret: str) -> Caller | None:
        """Return who has this session, None if it is none any more."""
        found = self._database.rows(
            "SELECT user, csrf FROM sessions WHERE secret = ? AND expires > ?", hashed(secret), timestamp()
        )
        user = self._users.get(str(found[0][0])) if found else None
        return Caller(user=user, role=user.role, csrf=str(found[0][1])) if user and user.is_active else None

    def end(self, secret: str) -> None:
        """End a session."""
        with self._database.change() as db:
            db.execute("DELETE FROM sessions WHERE secret = ?", (hashed(secret),))

    # -- tokens ------------------------------------------------------------------------------------------------------

    def make_token(self, user: User, label: str, role: UserRole, days: int) -> tuple[str, Token]:
        """Make a token; return its secret, which is shown once, and the rest.

        Raises:
            ConfigError: it would be allowed more than its user, or never expire.
        """
        if not 1 <= days <= MOST_TOKEN_DAYS:
            raise ConfigError(f"A token lasts 1 to {MOST_TOKEN_DAYS} days, found {days}.")
        if not user.role.includes(role):
            raise ConfigError(f"{user.name} is {user.role}: a token of theirs cannot be {role}.")
        if not 1 <= len(label) <= 60 or not is_plain(label):
            raise ConfigError(f"{shown(label, 60)!r} is no label: expected one line of 1 to 60 characters.")
        secret, ident = f"pft_{token_urlsafe(N_BYTES)}", token_urlsafe(6)
        expires, created = timestamp() + 86400.0 * days, written_now()
        with self._database.change() as db:
            values = (ident, hashed(secret), user.name, label, role.value, expires, 0, created)
            db.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        made = Token(
            id=ident, user=user.name, label=label, role=role, expires=expires, is_revoked=False, created=created
        )
        return secret, made

    def of_token(self, secret: str) -> Caller | None:
        """Return whose token it is, None if it is none any more."""
        found = self._database.rows(
            "SELECT user, role FROM tokens WHERE secret = ? AND expires > ? AND is_revoked = 0",
            hashed(secret), timestamp(),
        )  # fmt: skip
        user = self._users.get(str(found[0][0])) if found else None
        if user is None or not user.is_active:
            return None
        return Caller(user=user, role=user.role.at_most(UserRole(str(found[0][1]))))

    def tokens(self, user: User | None = None) -> list[Token]:
        """Return the tokens of a user, or of all (None)."""
        rows = self._database.rows(
            "SELECT id, user, label, role, expires, is_revoked, created FROM tokens ORDER BY created"
        )
        found = [
            Token(id=str(i), user=str(u), label=str(la), role=UserRole(str(r)), expires=float(str(e)),
                  is_revoked=bool(v), created=str(c))
            for i, u, la, r, e, v, c in rows
        ]  # fmt: skip
        return [t for t in found if user is None or t.user == user.name]

    def revoke(self, ident: str) -> None:
        """Revoke a token."""
        with self._database.change() as db:
            db.execute("UPDATE tokens SET is_revoked = 1 WHERE id = ?", (ident,))

    # -- links -------------------------------------------------------------------------------------------------------

    def make_link(self, role: UserRole, user: str = "") -> str:
        """Return the secret of a link by which one new user (or the named one) sets a password, once, within a day."""
        secret = token_urlsafe(N_BYTES)
        with self._database.change() as db:
            db.execute("DELETE FROM links WHERE expires < ? OR user = ?", (timestamp(), user))
            values = (hashed(secret), role.value, user, timestamp() + LINK_S)
            db.execute("INSERT INTO links VALUES (?, ?, ?, ?)", values)
        return secret

    def use_link(self, secret: str, name: str, full_name: str, password: str) -> User:
        """Use a link up: add its user.

        Raises:
            ConfigError: it is used or too old, or the user cannot be added; it can be used again in the latter case.
        """
        with self._database.change() as db:  # taken first: of two who use it at once, one gets it
            found = db.execute(
                "DELETE FROM links WHERE secret = ? AND expires > ? RETURNING role, user, expires",
                (hashed(secret), timestamp()),
            ).fetchone()
        if found is None:
            raise ConfigError("This link was used already or is older than a day: ask for a new one.")
        role, named, expires = found
        try:
            return self._users.add(named or name, full_name, UserRole(role), password)
        except ConfigError:
            with self._database.change() as db:
                db.execute("INSERT INTO links VALUES (?, ?, ?, ?)", (hashed(secret), role, named, expires))
            raise
