"""Parts for testing against perfusio, shipped to users: a clock, a vessel, models and a policy, and checks of parts."""

from __future__ import annotations

from perfusio.testing.clock import ManualClock, in_virtual_time
from perfusio.testing.connectors import ScriptedConnector, check_connector
from perfusio.testing.fakes import GrowingModel, SteadyModel, SteppingPolicy
from perfusio.testing.functions import check_acquisition, check_objective
from perfusio.testing.models import check_model, example_trajectory
from perfusio.testing.people_and_instruments import check_notifier, check_reader
from perfusio.testing.policies import check_policy
from perfusio.testing.promises import BrokenPromise
from perfusio.testing.states import make_state

__all__ = [
    "BrokenPromise",
    "GrowingModel",
    "ManualClock",
    "ScriptedConnector",
    "SteadyModel",
    "SteppingPolicy",
    "check_acquisition",
    "check_connector",
    "check_model",
    "check_notifier",
    "check_objective",
    "check_policy",
    "check_reader",
    "example_trajectory",
    "in_virtual_time",
    "make_state",
]
