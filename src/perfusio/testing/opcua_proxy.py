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

    def release(self) -> None:
        """Forward again, first of all what was held: it arrives late, even from a client that has given up."""
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
        self._forwarding = asyncio.Event()
        self._forwarding.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _set(self, *, forwarding: bool) -> None:
        (self._forwarding.set if forwarding else self._forwarding.clear)()

    async def _hang_up(self) -> None:
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _stop(self) -> None:
        self._server.close()
        await self._hang_up()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        try:
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        finally:
            self._writers -= {writer, back}
            for end in (writer, back):
                end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if self.delay_s > 0:
                    await asyncio.sleep(self.delay_s)
                await self._forwarding.wait()
                writer.write(data)
                await writer.drain()
        await self._forwarding.wait()  # the end of one side is not passed on by a link that is half-open
        if writer.can_write_eof():
            with suppress(OSError):
                writer.write_eof()
