"""Parts for testing against perfusio, shipped to users: a clock, a vessel, models and a policy, and checks of parts."""

from __future__ import annotations

from perfusio.testing.clock import ManualClock, in_virtual_time
from perfusio.testing.connectors import ScriptedConnector, check_connector
from perfusio.testing.fakes import GrowingModel, SteadyModel, SteppingPolicy
from perfusio.testing.states import make_state

__all__ = [
    "GrowingModel",
    "ManualClock",
    "ScriptedConnector",
    "SteadyModel",
    "SteppingPolicy",
    "check_connector",
    "in_virtual_time",
    "make_state",
]
