"""A live vessel whose next sample never comes, for runs that are ended while they wait."""

import asyncio

from perfusio.errors import EndOfRun
from perfusio.protocols import ConnectorKind
from perfusio.testing import ScriptedConnector, make_state


class Waits(ScriptedConnector):
    """It has so many samples, one a day; `is_waiting` is set once the next one is asked for."""

    def __init__(self, n_samples, **settings):
        super().__init__([make_state(day=d) for d in range(n_samples)], kind=ConnectorKind.HARDWARE, **settings)
        self.is_waiting = asyncio.Event()

    async def read_sample(self):
        try:
            return await super().read_sample()
        except EndOfRun:
            self.is_waiting.set()
            return await asyncio.Event().wait()
