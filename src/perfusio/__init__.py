"""perfusio: a closed-loop digital twin that runs a perfusion bioreactor experiment by itself.

The public names load on first use (PEP 562): `import perfusio` itself loads neither torch nor pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfusio.bed.campaigns.campaign import Campaign
    from perfusio.bed.model_free.policy import ModelFreeMPC
    from perfusio.bed.policy import BEDPolicy
    from perfusio.config import (
        DEFAULT_AMBR250_DESIGN_SPACE,
        Bounds,
        Constraint,
        DesignSpace,
        Objective,
        RunConfig,
        maximize,
        minimize,
        track,
    )
    from perfusio.connectors.filesystem import FilesystemStore
    from perfusio.errors import PerfusioError
    from perfusio.forecast import Forecast
    from perfusio.hybrid.model import HybridModel
    from perfusio.installed import __version__ as __version__
    from perfusio.process.panel import Panel as Process
    from perfusio.record.verification.verify import verify
    from perfusio.state import Setpoints, State
    from perfusio.study.backtest import backtest
    from perfusio.tables.runs_from_files import read_runs
    from perfusio.trajectory import Trajectory
    from perfusio.twin.digital_twin import DigitalTwin

_HOME = {
    "BEDPolicy": "bed.policy",
    "Bounds": "config",
    "Campaign": "bed.campaigns.campaign",
    "Constraint": "config",
    "DEFAULT_AMBR250_DESIGN_SPACE": "config",
    "DesignSpace": "config",
    "DigitalTwin": "twin.digital_twin",
    "FilesystemStore": "connectors.filesystem",
    "Forecast": "forecast",
    "HybridModel": "hybrid.model",
    "ModelFreeMPC": "bed.model_free.policy",
    "Objective": "config",
    "PerfusioError": "errors",
    "Process": "process.panel:Panel",
    "RunConfig": "config",
    "Setpoints": "state",
    "State": "state",
    "Trajectory": "trajectory",
    "backtest": "study.backtest",
    "maximize": "config",
    "minimize": "config",
    "read_runs": "tables.runs_from_files",
    "track": "config",
    "verify": "record.verification.verify",
}
"""Module of each public name, and its name there where that is another one."""

__all__ = [
    "DEFAULT_AMBR250_DESIGN_SPACE",
    "BEDPolicy",
    "Bounds",
    "Campaign",
    "Constraint",
    "DesignSpace",
    "DigitalTwin",
    "FilesystemStore",
    "Forecast",
    "HybridModel",
    "ModelFreeMPC",
    "Objective",
    "PerfusioError",
    "Process",
    "RunConfig",
    "Setpoints",
    "State",
    "Trajectory",
    "backtest",
    "maximize",
    "minimize",
    "read_runs",
    "track",
    "verify",
]


def __getattr__(name: str) -> object:
    """Load a public name from its module on first use."""
    if name == "__version__":  # no name of its own: whoever asks pays for the metadata of packages
        return import_module("perfusio.installed").__version__
    if name not in _HOME:
        raise AttributeError(f"module 'perfusio' has no attribute {name!r}; public names: {', '.join(__all__)}")
    module, _, there = _HOME[name].partition(":")
    return getattr(import_module(f"perfusio.{module}"), there or name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted([*__all__, "__version__"])
