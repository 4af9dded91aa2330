"""Parts for testing against perfusio, shipped to users: a clock to turn by hand, a vessel that plays back a script,
a model and a policy that cost nothing, and the checks that every part of another package must pass.
"""

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
