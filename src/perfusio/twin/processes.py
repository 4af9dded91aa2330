"""One process for a run: design space, settings, model, and every vessel must mean the same quantities by their names.

A connector or a model that is of one process says so in an attribute `panel`; one that says nothing is held against the
process of the run when its samples come.
"""

from __future__ import annotations

from collections.abc import Mapping

from perfusio.config import DesignSpace, RunConfig
from perfusio.errors import ConfigError, ConnectorError
from perfusio.process.panel import Panel
from perfusio.protocols import Model
from perfusio.state import Setpoints, State
from perfusio.twin.vessels import Vessel


def check_one_process(
    config: RunConfig, space: DesignSpace, vessels: Mapping[str, Vessel], model: Model | None = None
) -> None:
    """Refuse a run whose parts are of different processes.

    A model may have learnt with another medium: the inflow of a vessel is asked of the vessel.

    Raises:
        ConfigError: they are; the message names each part, the difference and the next step.
    """
    said = {"the design space": space.process}
    for reactor, vessel in vessels.items():
        if vessel.design_space is not None:
            said[f"the design space of {reactor}"] = vessel.design_space.process
        if (panel := said_by(vessel.connector)) is not None:
            said[f"the connector of {reactor}"] = panel
    wrong = [f"{what} is of {differing(config.process, of)}" for what, of in said.items() if of != config.process]
    of_model = said_by(model)
    if of_model is not None and arrays(of_model) != arrays(config.process):
        wrong.append(f"the model is of {differing(config.process, of_model)}")
    if wrong:
        raise ConfigError(
            f"This run is of the process {config.process.name!r}, but {'; '.join(wrong)}. Expected one process for all "
            "of them. Give the same process.toml, or the same Panel, to each: RunConfig(process=...), "
            "DesignSpace.of(process), the connector, and a model fitted on runs of it."
        )


def check_sample(found: State | Setpoints, process: Panel) -> None:
    """Refuse the words of a vessel of another process.

    Raises:
        ConnectorError: it is of another process than the run.
    """
    if found.panel is not process and found.panel != process:
        raise ConnectorError(
            f"Found {type(found).__name__} of {differing(process, found.panel)}, expected those of {process.name!r}. "
            "Give the connector the process of the run."
        )


def numbers(found: Setpoints, process: Panel) -> Setpoints:
    """Return the setpoints in force as plain numbers of this process, whatever a broken connector answers.

    Raises:
        ConnectorError: it is of another process than the run.
    """
    check_sample(found, process)
    return Setpoints.of(found.vector(), process)


def said_by(one: object) -> Panel | None:
    """Return the process that a connector or a model says to be of, None if it says none."""
    panel = getattr(one, "panel", None)
    return panel if isinstance(panel, Panel) else None


def arrays(panel: Panel) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the entries of a model's arrays."""
    return panel.species_names, panel.setpoint_names


def differing(expected: Panel, found: Panel) -> str:
    """Return a process in words, with its differences from the expected one."""
    names, others = {q.name for q in expected.quantities}, {q.name for q in found.quantities}
    more, less = sorted(others - names), sorted(names - others)
    said = [f"with {', '.join(more)}"] * bool(more) + [f"without {', '.join(less)}"] * bool(less)
    return f"{found.name!r} ({', '.join(said) or 'of the same names, but other facts, order, medium or vessel'})"
