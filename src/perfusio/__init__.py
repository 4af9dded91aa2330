"""perfusio: a closed-loop digital twin that runs a perfusion bioreactor experiment by itself.

The public names load on first use (PEP 562): `import perfusio` itself loads neither torch nor pandas.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    from perfusio.errors import PerfusioError
    from perfusio.forecast import Forecast
    from perfusio.state import Setpoints, State
    from perfusio.trajectory import Trajectory

__version__ = version("perfusio-twin")

_HOME = {
    "Bounds": "config",
    "Constraint": "config",
    "DEFAULT_AMBR250_DESIGN_SPACE": "config",
    "DesignSpace": "config",
    "Forecast": "forecast",
    "Objective": "config",
    "PerfusioError": "errors",
    "RunConfig": "config",
    "Setpoints": "state",
    "State": "state",
    "Trajectory": "trajectory",
    "maximize": "config",
    "minimize": "config",
    "track": "config",
}

__all__ = [
    "DEFAULT_AMBR250_DESIGN_SPACE",
    "Bounds",
    "Constraint",
    "DesignSpace",
    "Forecast",
    "Objective",
    "PerfusioError",
    "RunConfig",
    "Setpoints",
    "State",
    "Trajectory",
    "maximize",
    "minimize",
    "track",
]


def __getattr__(name: str) -> object:
    """Load a public name from its module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'perfusio' has no attribute {name!r}; public names: {', '.join(__all__)}")
    return getattr(import_module(f"perfusio.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted([*__all__, "__version__"])
