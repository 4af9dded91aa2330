"""A real OPC UA server on this machine that fails on demand, to test connectors and whole set-ups against.

It runs in a thread of its own. Making one takes a few seconds (the standard address space); `restart` does not.
Faults are set from outside while it runs; `TcpProxy` adds slow and half-open links, `Identity` rogue and expired
certificates.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import threading
import tomllib
from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, Self, TypeVar

from asyncua import Server, ua

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, DesignSpace
from perfusio.connectors.opc_ua.node_map import NodeMap, node_map_of
from perfusio.errors import ConfigError
from perfusio.state import Setpoints, State
from perfusio.testing.opcua_faults import Door, Faults, FaultyAttributes, Witness
from perfusio.testing.opcua_identity import URI, Identity
from perfusio.testing.opcua_thread import LoopThread

T = TypeVar("T")
NAMESPACE = "urn:perfusio:testing:rig"
PORTS = (15_000, 31_000)
"""Below those that operating systems give to clients."""
_STRANGER = "urn:perfusio:testing:stranger"
logging.getLogger("asyncua").addHandler(logging.NullHandler())  # it logs each fault that was asked for


def free_port() -> int:
    """Return a port that is free now, and that no client is given for its own end while a server is down.

    A client that tries again and again to reach a port of that range on its own machine can end up connected to itself,
    and the server then finds the port taken.
    """
    for port in random.sample(range(*PORTS), 100):
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ConfigError(f"No port of {PORTS[0]} to {PORTS[1]} is free on this machine. Give one: start(port=...).")


class FaultyOpcUaServer:
    """A server with the nodes of some vessels; `node_map()` names them.

    Args:
        vessels: Their names.
        identity: Certificate and key; without, the server offers no encryption.
        is_open: Whether an open connection is offered too; always without an identity.
        user: Name and password that are let in; None = anybody.
        types: Types of nodes that are not Double, e.g. ``{"agitation": "Int32"}``.
        session_s: Shortest time after which a silent session ends [s].
        space: Its nominal values are in force at first; its process says which nodes there are.

    Attributes:
        faults: Present faults; put another in its place, or change it.
        witness: Observations of the clients.
        on_second_look: Called with the vessel when its sample number is read again without having changed.
    """

    def __init__(
        self,
        vessels: Iterable[str] = ("R01",),
        *,
        identity: Identity | None = None,
        is_open: bool = False,
        user: tuple[str, str] | None = None,
        types: Mapping[str, str] | None = None,
        session_s: float = 0.2,
        space: DesignSpace = DEFAULT_AMBR250_DESIGN_SPACE,
    ) -> None:
        self.space, self.panel = space, space.process
        self._species = tuple(s.name for s in self.panel.species)
        self.vessels, self.identity, self.is_open = tuple(vessels), identity, is_open
        self.port = 0
        self.on_second_look: Callable[[str], None] | None = None
        self.faults, self.witness = Faults(), Witness()
        self._types = dict(types or {})
        self._looked: dict[str, float] = {}
        self._thread = LoopThread()
        self._server = Server(user_manager=Door(user, self.witness))
        space = self._server.iserver.aspace
        self._attributes = FaultyAttributes(space, lambda: self.faults, self.witness, index=2)
        self._attributes.on_read = self._was_read
        self._is_up = False
        # the address space is made outside of any loop that runs, and before any thread: a process may be forked then
        maker = threading.Thread(target=lambda: asyncio.run(self._build(session_s)))
        maker.start()
        maker.join()

    # -- up and down -------------------------------------------------------------------------------------------------

    def start(self, port: int | None = None) -> Self:
        """Listen, on a free port the first time and on the same one later."""
        self._thread.call(self._start(port or self.port or free_port()))
        return self

    def kill(self) -> None:
        """Die without a word: connections break, sessions are forgotten, values stay."""
        self._thread.call(self._kill())

    def restart(self, *, identity: Identity | None = None) -> None:
        """Die and come back at once, with another identity if one is given."""
        if self._is_up:
            self.kill()
        self.identity = identity or self.identity
        self.start()

    def shift_namespaces(self) -> None:
        """Restart with the namespaces numbered anew; the old index then holds other variables of the same names."""
        self.kill()
        self._thread.call(self._shift())
        self.start()

    def stop(self) -> None:
        """End the server and its thread."""
        if self._is_up:
            self.kill()
        self._thread.stop()

    def __enter__(self) -> Self:
        return self.start() if not self._is_up else self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the thread of the server."""
        return self._thread.call(work)

    # -- what it holds -----------------------------------------------------------------------------------------------

    @property
    def endpoint(self) -> str:
        """Where it is reached."""
        return f"opc.tcp://127.0.0.1:{self.port}/"

    def toml(
        self, *, write: Iterable[str] | None = None, number: bool = True, heartbeat: bool = False
    ) -> str:
        """Return the node map of this server as a TOML file, all setpoints writable unless said otherwise."""
        writable = set(self.panel.setpoint_names if write is None else write)
        lines = ["[namespaces]", f'rig = "{NAMESPACE}"', "", "[vessels]", *(f'{v} = "{v}"' for v in self.vessels), ""]
        lines += ["[sample]", *(['number = "rig:s={vessel}.number"'] if number else []), 'time = "rig:s={vessel}.time"']
        lines += ["", "[measured]", *(f'{n} = "rig:s={{vessel}}.{n}"' for n in self._species), "", "[setpoints]"]
        for name in self.panel.setpoint_names:
            node = f'"rig:s={{vessel}}.{name}"'
            lines.append(f"{name} = {{ node = {node}, write = true }}" if name in writable else f"{name} = {node}")
        lines += ["", "[heartbeat]", 'node = "rig:s={vessel}.heartbeat"'] if heartbeat else []
        return "\n".join(lines) + "\n"

    def node_map(
        self, *, write: Iterable[str] | None = None, number: bool = True, heartbeat: bool = False
    ) -> NodeMap:
        """Return `toml` as a NodeMap."""
        text = self.toml(write=write, number=number, heartbeat=heartbeat)
        return node_map_of(tomllib.loads(text), panel=self.panel)

    def set_value(
        self, node: str, value: object, *, kind: str | None = None, status: str = "Good", at: datetime | None = None
    ) -> None:
        """Put a value into a node, as the source behind the server does; None is no value."""
        held = self._attribute(node, ua.AttributeIds.Value)
        name = kind or self._types.get(node.rpartition(".")[2], "Int64" if node.endswith(".number") else "Double")
        variant = ua.Variant(value, ua.VariantType[name]) if value is not None else ua.Variant()
        now = at or datetime.now(UTC)
        code = ua.StatusCode(getattr(ua.StatusCodes, status))
        held.value = ua.DataValue(variant, code, SourceTimestamp=now, ServerTimestamp=datetime.now(UTC))

    def value(self, node: str) -> Any:
        """Return the value that a node holds."""
        return self._attribute(node, ua.AttributeIds.Value).value.Value.Value

    def set_read_only(self, node: str, is_read_only: bool = True) -> None:
        """Take clients the right to write a node, or give it back."""
        for attribute in (ua.AttributeIds.AccessLevel, ua.AttributeIds.UserAccessLevel):
            level = ua.Variant(1 if is_read_only else 3, ua.VariantType.Byte)
            self._attribute(node, attribute).value = ua.DataValue(level)

    def describe(
        self, node: str, *, unit: str = "", span: tuple[float, float] | None = None, precision: float | None = None
    ) -> None:
        """Say unit, range and step of a node, as OPC UA Part 8 has it; what was said before is forgotten."""
        self.run(self._describe(node, unit, span, precision))

    def publish(self, vessel: str, sample: State, *, at: datetime | None = None) -> None:
        """Put a new sample into a vessel's nodes; a missing value is Bad. Its number is raised last."""
        for name in self._species:
            value = getattr(sample, name)
            is_there = isfinite(value)
            self.set_value(
                f"{vessel}.{name}", value if is_there else None, status="Good" if is_there else "BadNoData", at=at
            )
        self.set_value(f"{vessel}.time", sample.time_h, at=at)
        self.set_value(f"{vessel}.number", self.value(f"{vessel}.number") + 1, at=at)

    def setpoints(self, vessel: str) -> Setpoints:
        """Return the setpoints in force in a vessel."""
        names = self.panel.setpoint_names
        return Setpoints.of_values(self.panel, {name: float(self.value(f"{vessel}.{name}")) for name in names})

    # -- inside ------------------------------------------------------------------------------------------------------

    def _attribute(self, node: str, attribute: Any) -> Any:
        return self._server.iserver.aspace[ua.NodeId(node, self._attributes.index)].attributes[attribute]

    async def _build(self, session_s: float) -> None:
        server = self._server
        await server.init()
        server.disable_clock()
        await server.set_application_uri(URI)
        server.name = "perfusio test server"
        server.iserver.attribute_service = self._attributes
        server.iserver.min_session_timeout_ms = 1000.0 * session_s
        create = server.iserver.create_session

        def counted(*args: Any, **options: Any) -> Any:
            self.witness.n_sessions += 1
            return create(*args, **options)

        server.iserver.create_session = counted
        server.iserver.aspace.set_attribute_value_callback(
            ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime), ua.AttributeIds.Value, self._clock
        )
        await server.register_namespace(NAMESPACE)
        await self._add_nodes(self._attributes.index)

    async def _add_nodes(self, index: int) -> None:
        nominal, asked = self.space.nominal, self.panel.setpoint_names
        for vessel in self.vessels:
            folder = await self._server.nodes.objects.add_object(
                ua.NodeId(vessel, index), ua.QualifiedName(vessel, index)
            )
            for name in ("number", "time", "heartbeat", *self._species, *asked):
                usual = {"number": "Int64", "heartbeat": "Int16"}.get(name, "Double")
                kind = ua.VariantType[self._types.get(name, usual)]
                value = getattr(nominal, name) if name in asked else 0
                value = float(value) if kind in (ua.VariantType.Double, ua.VariantType.Float) else round(value)
                node_id, browse_name = ua.NodeId(f"{vessel}.{name}", index), ua.QualifiedName(name, index)
                node = await folder.add_variable(node_id, browse_name, ua.Variant(value, kind))
                if name in asked or name == "heartbeat":
                    await node.set_writable()

    async def _describe(
        self, node: str, unit: str, span: tuple[float, float] | None, precision: float | None
    ) -> None:
        held, index = self._server.get_node(ua.NodeId(node, self._attributes.index)), 0
        for known in await held.get_properties():
            await self._server.delete_nodes([known])
        if unit:
            await held.add_property(index, "EngineeringUnits", ua.EUInformation(DisplayName=ua.LocalizedText(unit)))
        if span is not None:
            await held.add_property(index, "EURange", ua.Range(Low=span[0], High=span[1]))
        if precision is not None:
            await held.add_property(index, "ValuePrecision", precision)

    def _clock(self, _: ua.NodeId, __: ua.AttributeIds) -> ua.DataValue:
        return ua.DataValue(ua.Variant(datetime.now(UTC) + timedelta(seconds=self.faults.clock_ahead_s)))

    async def _start(self, port: int) -> None:
        server = self._server
        server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/")
        policies = [ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt] if self.identity is not None else []
        if self.is_open or self.identity is None:
            policies.append(ua.SecurityPolicyType.NoSecurity)
        server.set_security_policy(policies)
        server._policies.clear()
        server.iserver.endpoints.clear()
        if self.identity is not None:
            server.iserver.certificate, server.iserver.private_key = self.identity.certificate, self.identity.key
        await server.start()
        self.port = server.bserver.port
        self._is_up = True

    async def _kill(self) -> None:
        listening = self._server.bserver
        listening._server.close()
        for client in list(listening.clients):
            client.transport.abort()
        listening.cleanup_task.cancel()
        for session in list(self._server.iserver._external_sessions.values()):
            await session.close_session(True)
        self._is_up = False

    async def _shift(self) -> None:
        if self._attributes.index != 2:
            raise ConfigError("The namespaces were shifted already. Make a new server to shift them once more.")
        held = {f"{v}.{n}": self.value(f"{v}.{n}") for v in self.vessels for n in ("number", "time", *self._species)}
        array = await self._server.get_namespace_array()
        await self._server.nodes.namespace_array.write_value([*array[:2], _STRANGER, *array[2:]])
        self._attributes.index += 1
        await self._add_nodes(self._attributes.index)
        for node, value in held.items():
            self.set_value(node, value)

    def _was_read(self, node: str) -> None:
        vessel, _, name = str(node).rpartition(".")  # nodes that tests add may have numbers
        if name != "number":
            return
        number = self.value(node)
        if self._looked.get(vessel) == number and self.on_second_look is not None:
            self.on_second_look(vessel)
        self._looked[vessel] = number
