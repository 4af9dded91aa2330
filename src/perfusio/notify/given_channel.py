"""Notifiers of other packages: further ways to reach people, by the name of their section in the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perfusio import factories
from perfusio.errors import ConfigError
from perfusio.notify.channels import Channel
from perfusio.registry import NOTIFIERS, ExtensionError


def given_channel(name: str, settings: object, folder: Path) -> Channel:
    """Return the channel that another package makes of its settings.

    Args:
        name: Of the notifier.
        settings: Its section of the file; paths count from `folder`.
        folder: Of the file.

    Raises:
        ConfigError: a setting is unknown, missing or impossible.
        ExtensionError: the package cannot be loaded, or made no channel.
    """
    if not isinstance(settings, Mapping):
        raise ConfigError(f"{name} = {settings!r}, expected a section: write [{name}] above its settings.")
    cls = factories.settings_of(NOTIFIERS, name)
    given: dict[str, Any] = dict(settings)
    for field in factories.paths_of(cls):
        if isinstance(given.get(field), str):
            given[field] = folder / Path(given[field]).expanduser()
    channel = factories.make(NOTIFIERS, name, given)
    if not (callable(getattr(channel, "deliver", None)) and isinstance(getattr(channel, "name", None), str)):
        package = NOTIFIERS.find(name)[1].package
        raise ExtensionError(
            f"The notifier {name!r} of the package {package} gave {type(channel).__name__}, which has not all that a "
            "channel has: a name, and deliver(subject, body). Its author can try check_notifier of perfusio.testing."
        )
    return channel  # type: ignore[no-any-return]
