"""Whom a run tells, out of a file: `[log]`, `[email]`, `[webhook]`. Secrets stand in files of their own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfusio.errors import ConfigError
from perfusio.quantities import closest

if TYPE_CHECKING:
    from perfusio.notify.channels import Channel
    from perfusio.notify.notifier import Notifier

NotifyOption = Annotated[
    Path | None,
    typer.Option("--notify", help="Whom to tell: a TOML file with [log], [email], [webhook].", metavar="FILE"),
]


People = tuple[Mapping[str, Any], Path, str]
"""Settings of channels, the folder from which paths count, and how to name the file in messages."""


def notifier(path: Path | None) -> Notifier | None:
    """Return who tells people, as a file says; None without a file.

    Raises:
        ConfigError: a setting is unknown, impossible or missing, or a secret cannot be read.
    """
    if path is None:
        return None
    from perfusio.notify.notifier import Notifier

    return Notifier(channels_of(*stated(path)))


def stated(path: Path) -> People:
    """Return the channels of a file; of an experiment.toml those of its section [notify].

    Raises:
        ConfigError: the file cannot be read, or is an experiment that tells nobody.
    """
    from perfusio.cli.experiment_file.settings import read_toml

    content = read_toml(path)
    content.pop("report", None)  # see `daily_in`
    if "notify" in content:
        return of_section(content["notify"], path.resolve().parent, path.name)
    if "connector" in content or "run" in content:
        raise ConfigError(
            f"{path} is an experiment without [notify]: it tells nobody. Add [notify.log], [notify.email] or "
            "[notify.webhook], or give the file of --notify."
        )
    return content, path.resolve().parent, path.name


def daily_in(path: Path | None) -> time | None:
    """Return the hour at which a file of people or an experiment.toml wants the morning's page; None if it does not.

    Raises:
        ConfigError: the file cannot be read, or [report] says something else.
    """
    from perfusio.cli.experiment_file.settings import read_toml

    if path is None:
        return None
    return daily_of(read_toml(path).get("report"), path.name)


def daily_of(section: object, name: str) -> time | None:
    """Return the hour in a section [report]; None without one.

    Args:
        section: As TOML holds it; None = there is none.
        name: Of the file.

    Raises:
        ConfigError: it is no section, says something else, or no hour.
    """
    if section is None:
        return None
    if not isinstance(section, Mapping) or set(section) != {"daily"}:
        said = sorted(section) if isinstance(section, Mapping) else section
        raise ConfigError(f'{name}: [report] says {said!r:.80}, expected daily = "06:30" alone: when to send a page.')
    said = section["daily"]
    try:
        hour = said if isinstance(said, time) else time.fromisoformat(str(said))
    except ValueError as error:
        raise ConfigError(
            f'{name}: report.daily = {said!r:.40} is no hour of the day, expected "06:30" and the like.'
        ) from error
    if hour.tzinfo is not None:
        raise ConfigError(f"{name}: report.daily = {said!r} names a zone, expected the hour of this machine alone.")
    return hour


def of_section(section: object, folder: Path, name: str) -> People:
    """Return the content of [notify] of an experiment, which may name a file of its own.

    Raises:
        ConfigError: it is no section, or names a file and says more beside it.
    """
    if not isinstance(section, Mapping):
        raise ConfigError(f"{name}: notify = {section!r:.80}, expected a section: write [notify.log] and the like.")
    if "file" not in section:
        return section, folder, f"{name}: [notify]"
    if len(section) > 1 or not isinstance(section["file"], str):
        raise ConfigError(
            f'{name}: [notify] names a file and says more beside it, expected file = "notify.toml" alone, or the '
            "channels themselves."
        )
    return stated(folder / Path(section["file"]).expanduser())


def channels_of(said: Mapping[str, Any], folder: Path, name: str) -> list[Channel]:
    """Return the ways to reach people that a file states.

    Args:
        said: As TOML holds it.
        folder: From which paths count.
        name: Its name in messages.

    Raises:
        ConfigError: a section or setting is unknown, impossible or missing, or a secret cannot be read.
    """
    from perfusio.cli.experiment_file.notification_settings import Notification  # pydantic: help need not wait for it
    from perfusio.notify.channels import Email, LogFile, Webhook
    from perfusio.notify.given_channel import given_channel
    from perfusio.registry import NOTIFIERS

    content = dict(said)
    theirs = {kind: content.pop(kind) for kind in list(content) if NOTIFIERS.has(kind)}
    known = tuple(Notification.model_fields)
    if unknown := [section for section in content if section not in known]:
        raise ConfigError(
            f"{name}: [{unknown[0]}] is no way to tell people that perfusio knows.{closest(unknown[0], known)} Known: "
            f"{', '.join(f'[{section}]' for section in known)}; other packages may bring more (perfusio.notifiers)."
        )
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
    channels += [given_channel(kind, settings, folder) for kind, settings in theirs.items()]
    if not channels:
        raise ConfigError(f"{name} tells nobody: expected [log], [email] or [webhook] in it.")
    return channels


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
