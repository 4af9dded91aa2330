"""The task of a run: design space, objective, constraints, run settings.

Configuration is frozen and refuses unknown fields: a misspelt option must never vanish. Objectives and constraints are
declared in `objective.py`, and can be had from here with the rest; default numbers of quantities stand in the panel.
"""

from perfusio.config.acquisitions import ACQUISITIONS, MULTI_OBJECTIVE, SEARCHES, SINGLE_OBJECTIVE
from perfusio.config.alarm_limits import DEFAULT_ALARMS, AlarmLimits, alarms_of
from perfusio.config.design_space import DEFAULT_AMBR250_DESIGN_SPACE, Bounds, DesignSpace
from perfusio.config.mode import Mode
from perfusio.config.run_config import RunConfig
from perfusio.objective import DEFAULT_CONSTRAINTS, Constraint, Objective, in_words, maximize, minimize, track
from perfusio.process.derived import DERIVED, DERIVED_UNITS, forecast_unit

__all__ = [
    "ACQUISITIONS",
    "DEFAULT_ALARMS",
    "DEFAULT_AMBR250_DESIGN_SPACE",
    "DEFAULT_CONSTRAINTS",
    "DERIVED",
    "DERIVED_UNITS",
    "MULTI_OBJECTIVE",
    "SEARCHES",
    "SINGLE_OBJECTIVE",
    "AlarmLimits",
    "Bounds",
    "Constraint",
    "DesignSpace",
    "Mode",
    "Objective",
    "RunConfig",
    "alarms_of",
    "forecast_unit",
    "in_words",
    "maximize",
    "minimize",
    "track",
]
