"""A TCP proxy between a client and a server that can be slow, stop forwarding, or hang up."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Self

from perfusio.testing.opcua_thread import LoopThread


class TcpProxy:
    """Forwards to a port of this machine, until told otherwise.

    Attributes:
        port: Where it listens.
        delay_s: How long each piece is held before it goes on [s].
    """

    def __init__(self, target_port: int) -> None:
        """Start to listen on a free port."""
        self.delay_s, self.port = 0.0, 0
        self._target = target_port
        self._thread = LoopThread()
        self._thread.call(self._start())

    def stall(self) -> None:
        """Stop forwarding, both ways, without closing anything: the link is half-open from now on."""
        self._thread.call(self._set(forwarding=False))

    def strand(self) -> None:
        """Stop forwarding on the connections that there are; new ones work, as after a firewall forgot its table."""
        self._thread.call(self._strand())

    def release(self) -> None:
        """Forward again, first of all the held bytes: they arrive late, even from a client that has given up."""
        self._thread.call(self._set(forwarding=True))

    def hang_up(self) -> None:
        """Close every connection; new ones are taken."""
        self._thread.call(self._hang_up())

    def close(self) -> None:
        """Hang up and stop listening."""
        self._thread.call(self._stop())
        self._thread.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _start(self) -> None:
        self._gates = [_open_gate()]  # the last is that of connections to come
        self._writers: set[asyncio.StreamWriter] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _set(self, *, forwarding: bool) -> None:
        for gate in self._gates:
            (gate.set if forwarding else gate.clear)()

    async def _strand(self) -> None:
        self._gates[-1].clear()
        self._gates.append(_open_gate())

    async def _hang_up(self) -> None:
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _stop(self) -> None:
        self._server.close()
        await self._hang_up()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gate = self._gates[-1]
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        try:
            await asyncio.gather(self._pump(reader, back, gate), self._pump(there, writer, gate))
        finally:
            self._writers -= {writer, back}
            for end in (writer, back):
                end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if self.delay_s > 0:
                    await asyncio.sleep(self.delay_s)
                await gate.wait()
                writer.write(data)
                await writer.drain()
        await gate.wait()  # the end of one side is not passed on by a link that is half-open
        if writer.can_write_eof():
            with suppress(OSError):
                writer.write_eof()


def _open_gate() -> asyncio.Event:
    gate = asyncio.Event()
    gate.set()
    return gate
