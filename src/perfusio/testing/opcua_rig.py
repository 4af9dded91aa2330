"""A virtual rig behind a real OPC UA server: the view of a laboratory's server, without the laboratory."""

from __future__ import annotations

import asyncio
from typing import Any

from perfusio.errors import EndOfRun, SampleOverdue
from perfusio.testing.opcua_server import FaultyOpcUaServer
from perfusio.twin.vessels import Rig


class SimulatedOpcUaRig:
    """Publishes the samples of a simulated rig in a server, and obeys the setpoints that are written there.

    Time passes when a client looks for a sample a second time: then it is done with the one that it has. So a run takes
    as long as its client, and no sample is lost.

    Args:
        rig: The vessels, e.g. a `SimulatedAmbr250`.
        options: For the server, see `FaultyOpcUaServer`; the `space` of another process than the default one.

    Attributes:
        rig: The vessels, for their truth.
        server: The server; a client needs `server.endpoint` and `server.toml()`.
        is_over: Vessels whose run has ended; their last sample stays.
    """

    def __init__(self, rig: Rig, **options: Any) -> None:
        self.server = FaultyOpcUaServer(tuple(rig.vessels()), **options)
        self.server.on_second_look = self._pass_time
        self.is_over: set[str] = set()
        self.rig, self._vessels = rig, rig.vessels()
        self._tasks: set[asyncio.Task[None]] = set()
        for vessel in self._vessels:
            self.server.run(self._publish(vessel))

    def __enter__(self) -> SimulatedOpcUaRig:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    def _pass_time(self, vessel: str) -> None:
        """Called in the loop of the server."""
        if vessel not in self.is_over:
            task = asyncio.get_running_loop().create_task(self._publish(vessel))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _publish(self, vessel: str) -> None:
        await self._vessels[vessel].write_setpoints(self.server.setpoints(vessel))
        try:
            self.server.publish(vessel, await self._vessels[vessel].read_sample())
        except SampleOverdue:
            return  # a simulated fault: this one does not come, the next look brings the next
        except EndOfRun:
            self.is_over.add(vessel)
