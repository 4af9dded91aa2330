"""`[design_space]` of an experiment: allowed setpoints, where they differ from those of the process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from perfusio.cli.experiment_file.settings import Key, Setting
from perfusio.config import Bounds, DesignSpace
from perfusio.errors import ConfigError
from perfusio.process.panel import Panel
from perfusio.quantities import closest

NEEDED = tuple(Bounds.model_fields)


def design_space(
    settings: Mapping[Key, Setting], process: Panel, name: str, problems: list[str]
) -> DesignSpace | None:
    """Return the design space of an experiment; None, with problems that name the origin, if it cannot be.

    Args:
        settings: Those of `[design_space]` among others.
        process: Its setpoints need bounds, from here or from itself.
        name: Of the file; empty = there is none.
        problems: Added to.
    """
    bounds = dict[str, Bounds]()
    for setpoint in process.setpoints:
        given = {k[2]: s for k, s in settings.items() if k[:2] == ("design_space", setpoint.name)}
        values = {} if setpoint.allowed is None else asdict(setpoint.allowed)
        values |= {field: s.value for field, s in given.items()}
        where = ", ".join(dict.fromkeys(s.origin for s in given.values())) or name or "design_space"
        if absent := [field for field in NEEDED if field not in values]:
            problems.append(
                f"{where}: design_space.{setpoint.name} has no {', '.join(absent)}: {process.name} does not say what "
                f"may be written to it. Give {', '.join(NEEDED)} in {setpoint.unit} under "
                f"[design_space.{setpoint.name}], or under [setpoints.{setpoint.name}.allowed] in process.toml."
            )
            continue
        try:
            bounds[setpoint.name] = Bounds(**values)
        except ConfigError as error:
            problems.append(f"{where}: design_space.{setpoint.name}: {str(error).removeprefix('Bounds: ')}")
    if len(bounds) < len(process.setpoints):
        return None
    try:
        return DesignSpace(bounds=bounds, process=process)
    except ConfigError as error:
        problems.append(f"{name or 'design_space'}: {error}")
        return None


def narrowed(common: DesignSpace, own: Mapping[str, Mapping[str, float]]) -> DesignSpace | None:
    """Return the design space of one vessel, None if it is the common one.

    Args:
        common: Of the experiment.
        own: Bounds that differ, by setpoint.

    Raises:
        ConfigError: a setpoint or a bound that is unknown or impossible.
    """
    if not own:
        return None
    bounds = dict(common.bounds)
    for setpoint, given in own.items():
        if setpoint not in bounds:
            known = tuple(bounds)
            raise ConfigError(
                f"design_space.{setpoint} is no setpoint.{closest(setpoint, known)} Known: {', '.join(known)}."
            )
        bounds[setpoint] = Bounds(**{**bounds[setpoint].model_dump(), **given})
    return DesignSpace(bounds=bounds, process=common.process)
