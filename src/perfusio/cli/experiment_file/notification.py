"""Whom a run tells, out of a file: `[log]`, `[email]`, `[webhook]`. Secrets stand in files of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfusio.errors import ConfigError

if TYPE_CHECKING:
    from perfusio.notify.notifier import Notifier

NotifyOption = Annotated[
    Path | None,
    typer.Option("--notify", help="Whom to tell: a TOML file with [log], [email], [webhook].", metavar="FILE"),
]


def notifier(path: Path | None) -> Notifier | None:
    """Return who tells people, as a file says; None without a file.

    Raises:
        ConfigError: a setting is unknown, impossible or missing, or a secret cannot be read.
    """
    if path is None:
        return None
    from perfusio.cli.experiment_file.notification_settings import Notification  # pydantic: help need not wait for it
    from perfusio.cli.experiment_file.settings import read_toml
    from perfusio.notify.channels import Channel, Email, LogFile, Webhook
    from perfusio.notify.given_channel import given_channel
    from perfusio.notify.notifier import Notifier
    from perfusio.registry import NOTIFIERS

    folder = path.resolve().parent
    content = read_toml(path)
    theirs = {name: content.pop(name) for name in list(content) if NOTIFIERS.has(name)}
    asked = Notification(**content)
    channels: list[Channel] = []
    if asked.log is not None:
        channels.append(LogFile(folder / asked.log.path))
    if asked.email is not None:
        given: dict[str, Any] = asked.email.model_dump(exclude={"password_file"})
        secret = asked.email.password_file
        channels.append(Email(**given, password=_secret(folder / secret) if secret else ""))
    if asked.webhook is not None:
        channels.append(Webhook(_secret(folder / asked.webhook.url_file), hosts=asked.webhook.hosts))
    channels += [given_channel(name, settings, folder) for name, settings in theirs.items()]
    if not channels:
        raise ConfigError(f"{path} tells nobody: expected [log], [email] or [webhook] in it.")
    return Notifier(channels)


def _secret(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path} holds a secret and can be read by others. Keep it yours: chmod 600 {path}.")
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}. Its first line is the secret.") from error
    if not lines or not lines[0].strip():
        raise ConfigError(f"{path} is empty: its first line is the secret.")
    return lines[0].strip()
