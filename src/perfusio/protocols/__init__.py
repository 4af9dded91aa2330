"""Four promises, in words and types: Connector, Model, Policy, EventSink.

Each stands in a module of its own with its optional abilities; all names can be had from here.
"""

from perfusio.protocols.abilities import (
    BEATS_EVERY_S,
    Beating,
    Dated,
    Described,
    Following,
    Holding,
    Looking,
    NamedByRows,
    Resumable,
    Standing,
    UnitsTold,
    able,
    is_live,
    untold_units,
)
from perfusio.protocols.connector import NOT_USED, Connector, ConnectorKind, is_fresh, resolution_of, shows_at_once
from perfusio.protocols.event_sink import EventSink
from perfusio.protocols.model import (
    Disturbed,
    Experienced,
    ForecastsTogether,
    Futures,
    JointFutures,
    JudgesMedium,
    MediumDoubt,
    Model,
    Refit,
    Saving,
    Taught,
)
from perfusio.protocols.policy import Checking, Policy, Recorded
from perfusio.protocols.writing import Ending, Holder, Leased, Reporting, WriteReport

__all__ = [
    "BEATS_EVERY_S",
    "NOT_USED",
    "Beating",
    "Checking",
    "Connector",
    "ConnectorKind",
    "Dated",
    "Described",
    "Disturbed",
    "Ending",
    "EventSink",
    "Experienced",
    "Following",
    "ForecastsTogether",
    "Futures",
    "Holder",
    "Holding",
    "JointFutures",
    "JudgesMedium",
    "Leased",
    "Looking",
    "MediumDoubt",
    "Model",
    "NamedByRows",
    "Policy",
    "Recorded",
    "Refit",
    "Reporting",
    "Resumable",
    "Saving",
    "Standing",
    "Taught",
    "UnitsTold",
    "WriteReport",
    "able",
    "is_fresh",
    "is_live",
    "resolution_of",
    "shows_at_once",
    "untold_units",
]
