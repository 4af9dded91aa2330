"""PeopleFile: names the people who are told of a run. Its place is kept beside the record, for a resumed run.

The file is read anew at each resume: an edited address counts, and no secret is copied.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any

from perfusio.cli.experiment_file.notification import channels_of, daily_in, daily_of, stated
from perfusio.errors import ConfigError, PerfusioError
from perfusio.notify.channels import NotDelivered
from perfusio.notify.message import DELIVERY
from perfusio.notify.notifier import Notifier
from perfusio.record.places import from_run, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleFile:
    """Where the people of a run are named.

    Attributes:
        file: A file of `--notify`, or an experiment.toml with `[notify]`.
        daily: Hour of the morning's page that another file says; the file's own hour wins over it.
    """

    file: Path
    daily: time | None = None

    def hour(self) -> time | None:
        """Return at which local hour the morning's page is sent; None = never.

        Raises:
            ConfigError: the file cannot be read, or says no hour there.
        """
        return daily_in(self.file) or self.daily

    def kept(self, run_dir: Path) -> dict[str, str]:
        """Return this as it is kept beside the record, the file as seen from there."""
        hour = {} if self.daily is None else {"daily": self.daily.isoformat("minutes")}
        return {"file": from_run(run_dir, self.file), **hour}


def told_before(run_dir: Path, kept: object) -> PeopleFile:
    """Return who was told, as `PeopleFile.kept` wrote it.

    Raises:
        ConfigError: the entry was changed to something else.
    """
    if not isinstance(kept, Mapping) or not isinstance(kept.get("file"), str):
        raise ConfigError(f"source.json says {kept!r:.80} of the people to be told, expected the file that names them.")
    daily: Any = kept.get("daily")
    hour = None if daily is None else daily_of({"daily": daily}, "source.json")
    return PeopleFile(file=whole(run_dir, kept["file"]), daily=hour)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How people are told.

    Attributes:
        notifier: Tells them; None = nobody was ever named.
        daily: Local hour of the morning's page; None = never.
        line: The same for the person at the screen; empty where nobody was named.
    """

    notifier: Notifier | None = None
    daily: time | None = None
    line: str = ""


def people_of(told: PeopleFile, down: Collection[str] = ()) -> Telling:
    """Return the people whom a file names.

    Args:
        told: The file.
        down: Channels that have an active alarm on record, by name.

    Raises:
        ConfigError: the file or one of its secrets cannot be read, or a setting is impossible.
    """
    channels, hour = channels_of(*stated(told.file)), told.hour()
    names = ", ".join(channel.name for channel in channels)
    each_morning = "" if hour is None else f"; a page each day at {hour:%H:%M}"
    line = f"{'Told:':8}{told.file} ({names}{each_morning})"
    return Telling(notifier=Notifier(channels, down=down), daily=hour, line=line)


def nobody(run_dir: Path, why: PerfusioError, down: Collection[str] = ()) -> Telling:
    """Return who tells that nobody is told: the run goes on, and an alarm on record says why.

    Args:
        run_dir: Folder of the run.
        why: The people of before cannot be told.
        down: Channels that have an active alarm on record, by name.
    """
    line = (
        f"NOBODY IS TOLD of alarms: {why} The run goes on. To have people told, end this program with Ctrl-C, then "
        f"perfusio resume {run_dir} --notify FILE"
    )
    notifier = Notifier([_Nobody(line)], gather_s=0.0, retries_s=(), down=down)
    notifier.say("nobody is told", line)
    return Telling(notifier=notifier, line=line)


class _Nobody:
    """A channel to people who are not known: each delivery fails, so that status and page show it."""

    name = "nobody"

    def __init__(self, why: str) -> None:
        self._why = why

    def deliver(self, subject: str, body: str) -> None:  # noqa: ARG002 - as every channel
        raise NotDelivered(self._why)


def channels_down(alarms: Collection[tuple[str, str, str]]) -> frozenset[str]:
    """Return the channels that have an active alarm.

    Args:
        alarms: Active ones, as the state of a run has them: (reactor, quantity, level).
    """
    return frozenset(q.removeprefix(f"{DELIVERY} ") for _, q, _ in alarms if q.startswith(f"{DELIVERY} "))
