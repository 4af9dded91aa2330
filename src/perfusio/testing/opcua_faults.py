"""Faults of a test server, and its observations: set and read from outside while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from asyncua import ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.address_space import AttributeService


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One value that a client wrote.

    Attributes:
        at: Monotonic time [s].
        node: Identifier, e.g. ``"R01.bleed_rate"``.
        value: As it came.
        kind: Type in which it came, e.g. ``"Double"``.
        status: The server's answer.
        is_stranger: Whether it went to a variable of another namespace with the same identifier.
    """

    at: float
    node: str
    value: object
    kind: str
    status: str
    is_stranger: bool


@dataclass(slots=True, kw_only=True)
class Faults:
    """Faults of the nodes of a server. A node goes by its identifier, e.g. ``"R01.vcd"``.

    Attributes:
        bad_reads: Status code that reading a node gives; with an Uncertain one the value is given too.
        bad_writes: Status code that writing a node gives; nothing is written then.
        ignored_writes: Nodes whose writes are answered with Good and forgotten.
        write_delay_s: How long a write is held before it is carried out and answered [s].
        keeps: Step in which the controller keeps a node, whatever is written to it.
        clock_ahead_s: By how much the server's clock is ahead [s].
    """

    bad_reads: dict[str, str] = field(default_factory=dict)
    bad_writes: dict[str, str] = field(default_factory=dict)
    ignored_writes: set[str] = field(default_factory=set)
    write_delay_s: float = 0.0
    keeps: dict[str, float] = field(default_factory=dict)
    clock_ahead_s: float = 0.0


class Witness:
    """A server's observations of its clients.

    Attributes:
        written: Every value that came, refused ones included.
        logins: User and password of every session that was activated or refused.
        n_sessions: Sessions that clients asked for.
        n_reads: Requests to read.
    """

    def __init__(self) -> None:
        self.written: list[Written] = []
        self.logins: list[tuple[str | None, str | None]] = []
        self.n_sessions = self.n_reads = 0


class Door:
    """Lets in who is expected, and notes everybody."""

    def __init__(self, user: tuple[str, str] | None, witness: Witness) -> None:
        self._user, self._witness = user, witness

    def get_user(self, _: object, *, username: str | None, password: str | None, certificate: object) -> User | None:
        """Return who it is, None for somebody who must not come in (called by asyncua)."""
        del certificate  # any application may talk to a test server
        self._witness.logins.append((username, password))
        return User(role=UserRole.User) if self._user in (None, (username, password)) else None


class FaultyAttributes:
    """Reads and writes as an address space does, except where a fault was asked for.

    Attributes:
        index: Namespace of the nodes that can fail; others are strangers.
        on_read: Called with the identifier of each node whose value is read.
    """

    def __init__(self, space: Any, faults: Callable[[], Faults], witness: Witness, index: int) -> None:
        self.index = index
        self.on_read: Callable[[str], None] | None = None
        self._service, self._faults, self._witness = AttributeService(space), faults, witness

    def read(self, params: Any) -> list[Any]:
        """Answer a request to read (called by asyncua)."""
        self._witness.n_reads += 1
        found = self._service.read(params)
        for i, asked in enumerate(params.NodesToRead):
            node = asked.NodeId.Identifier
            if asked.AttributeId != ua.AttributeIds.Value or asked.NodeId.NamespaceIndex != self.index:
                continue
            if node in self._faults().bad_reads:
                found[i] = _with_status(found[i], self._faults().bad_reads[node])
            if self.on_read is not None:
                self.on_read(node)
        return list(found)

    async def write(self, params: Any, user: Any = None) -> list[Any]:
        """Answer a request to write (called by asyncua)."""
        if user is None or user.role is UserRole.Admin:  # the server itself
            return list(await self._service.write(params, user or User(role=UserRole.Admin)))
        if self._faults().write_delay_s > 0:
            await asyncio.sleep(self._faults().write_delay_s)
        return [await self._write_one(asked, user) for asked in params.NodesToWrite]

    async def _write_one(self, asked: Any, user: Any) -> Any:
        node, sent = asked.NodeId.Identifier, asked.Value.Value
        is_stranger = asked.NodeId.NamespaceIndex != self.index
        fault = "Good" if node in self._faults().ignored_writes else self._faults().bad_writes.get(node)
        if fault is not None and not is_stranger:
            status = ua.StatusCode(getattr(ua.StatusCodes, fault))
        else:
            if (step := self._faults().keeps.get(node)) is not None:
                kept = ua.Variant(round(sent.Value / step) * step, sent.VariantType)
                asked.Value.Value = kept
            (status,) = await self._service.write(ua.WriteParameters(NodesToWrite=[asked]), user)
        self._witness.written.append(
            Written(
                at=monotonic(), node=str(node), value=sent.Value, kind=sent.VariantType.name, status=status.name,
                is_stranger=is_stranger,
            )
        )  # fmt: skip
        return status


def _with_status(found: Any, status: str) -> Any:
    code = ua.StatusCode(getattr(ua.StatusCodes, status))
    value = None if code.is_bad() else found.Value
    return ua.DataValue(value, code, SourceTimestamp=found.SourceTimestamp, ServerTimestamp=found.ServerTimestamp)
