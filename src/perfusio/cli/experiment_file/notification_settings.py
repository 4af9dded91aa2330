"""Entries of a notification file: `[log]`, `[email]`, `[webhook]`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from perfusio.frozen import Frozen


class LogSettings(Frozen):
    """A file that grows by a line per alarm."""

    path: Path


class EmailSettings(Frozen):
    """A mail server; the password is the first line of a file that only its owner can read."""

    host: str
    sender: str
    to: tuple[str, ...] = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    user: str = ""
    password_file: Path | None = None


class WebhookSettings(Frozen):
    """A chat; its address is a secret, so it is the first line of a file."""

    url_file: Path
    hosts: tuple[str, ...] = Field(min_length=1)


class Notification(Frozen):
    """The whole file; a person or channel left away is not told."""

    log: LogSettings | None = None
    email: EmailSettings | None = None
    webhook: WebhookSettings | None = None
