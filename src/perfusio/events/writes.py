"""Events of writes: intended, and each way to end; and setpoints found in a vessel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perfusio.events.base import Event
from perfusio.state import Setpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteIntended(Event):
    """Durable before the first byte goes to the vessel, which is not written any more after `not_after`."""

    key: str
    old: Setpoints
    new: Setpoints
    not_after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetpointsWritten(Event):
    """The vessel acknowledged, and the read-back agreed."""

    key: str
    asked: Setpoints
    acknowledged: Setpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRefused(Event):
    """Nothing has changed: the write was not sent, or the vessel refused all of it, and the old values hold."""

    key: str
    asked: Setpoints
    read_back: Setpoints | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePartial(Event):
    """Only a part of the request is in force; `failed` says which setpoints are not, and why."""

    key: str
    asked: Setpoints
    read_back: Setpoints
    failed: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRestored(Event):
    """After a write that went through in part only, the old values are back, and were read back."""

    key: str
    restored: Setpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideDetected(Event):
    """Somebody else changed a setpoint: nothing was written over it, and the vessel is advisory from now on."""

    key: str
    expected: Setpoints
    found: Setpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class SetpointsFound(Event):
    """A program looked at a vessel for the first time: this is in force, whoever put it there; steps count from it."""

    found: Setpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteUnknown(Event):
    """A write failed or its read-back disagrees: the setpoints in force must be read, not assumed."""

    key: str
    asked: Setpoints
    read_back: Setpoints | None
