"""`--who` as a user of the page, who shows a password, where an admin has bound it to them (`perfusio user bind`)."""

from __future__ import annotations

import os

import typer

PASSWORD = "PERFUSIO_PASSWORD"
"""Environment variable that holds the password where nobody can be asked."""


def bound(who: str) -> str:
    """Return the name that goes on record: as given, or of the user with that name and the right password.

    Raises:
        ConfigError: it is bound, and this is no user, or the password is wrong.
    """
    from perfusio.dashboard.accounts.database import usual_place

    if not usual_place().exists():
        return who
    from perfusio.dashboard.accounts.site import Site
    from perfusio.errors import ConfigError

    site = Site()
    if not site.binds_who:
        return who
    password = os.environ.get(PASSWORD) or typer.prompt(f"Password of {who}", hide_input=True, err=True)
    user = site.log_in(who, password, "command line")
    if user is None:
        raise ConfigError(
            f"--who {who!r}: no such user, or the password is wrong. --who is a user of the page here."
        )
    return user.on_record
