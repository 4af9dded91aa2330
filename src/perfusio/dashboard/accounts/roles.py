"""Roles: each may do what the ones before it may."""

from __future__ import annotations

from enum import StrEnum

from perfusio.errors import ConfigError


class UserRole(StrEnum):
    """Role of a user or a token."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, other: UserRole) -> bool:
        """Whether this role may do everything that the other one may."""
        return _ORDER.index(self) >= _ORDER.index(other)

    def at_most(self, other: UserRole) -> UserRole:
        """Return the lesser of two roles."""
        return other if self.includes(other) else self


_ORDER = (UserRole.VIEWER, UserRole.OPERATOR, UserRole.ADMIN)


def role_named(name: str) -> UserRole:
    """Return the role of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in [r.value for r in UserRole]:
        raise ConfigError(f"{name!r} is no role. Known: {', '.join(r.value for r in UserRole)}.")
    return UserRole(name)
