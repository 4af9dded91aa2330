"""An experiment as a file: `[process]`, `[run]`, `[design_space]`, `[connector]`, `[policy]`, `[[vessel]]`.

The file, variables `PERFUSIO_*` and flags are the command line's way to write `RunConfig`, `DesignSpace` and
connectors; the Python API reads none of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from perfusio.cli.experiment_file import processes
from perfusio.cli.experiment_file.bounds import design_space, narrowed
from perfusio.cli.experiment_file.connections import kind_named, refuse_secret, without_secret
from perfusio.cli.experiment_file.kinds import Kinds, ModelSettings, stated_kinds
from perfusio.cli.experiment_file.notification import People, channels_of, daily_of, of_section
from perfusio.cli.experiment_file.past_runs import PastRuns, of_history
from perfusio.cli.experiment_file.policy import PolicySettings
from perfusio.cli.experiment_file.settings import DEFAULT, Key, Setting, built, from_environment, from_file, read_toml
from perfusio.config import Bounds, DesignSpace, Mode, Objective, RunConfig
from perfusio.connectors.opening import Opening
from perfusio.errors import ConfigError
from perfusio.frozen import Frozen
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.quantities import closest

if TYPE_CHECKING:
    from perfusio.protocols import Connector
    from perfusio.twin.vessels import Source, Vessel

SECTIONS = ("process", "run", "design_space", "connector", "model", "policy", "vessel", "history", "notify", "report")
OF_A_KIND = ("connector", "model", "policy")
"""Sections whose settings depend on their kind, which another package may bring."""
_PATHS_OF_RUN = ("run_dir",)


class VesselSettings(Frozen):
    """One vessel of the experiment; a setting left away is that of the experiment.

    Attributes:
        name: Name in the record.
        reactor: Name in the source; by default the same.
        clone: Cell line, if the source does not say.
        objective: Aim of its decisions.
        mode: Who may write to it.
        design_space: Allowed setpoints, by name; the rest is as in `[design_space]`.
    """

    name: str
    reactor: str = ""
    clone: str = ""
    objective: Objective | tuple[Objective, ...] | None = None
    mode: Mode | None = None
    design_space: dict[str, dict[str, float]] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Everything that was asked, checked.

    Attributes:
        run: Settings of the run.
        design_space: Allowed setpoints.
        connector: Settings of the source, of its kind.
        model: Settings of the model, of its kind.
        policy: How decisions are made, settings of its kind.
        vessels: Of the experiment; empty = the only one of the source.
        settings: Every value with its origin, by key.
        people: Whom to tell, as `notification.channels_of` takes it; None = nobody.
        history: Past runs to learn from before the first sample; None = none.
        daily: Local hour at which the morning's page is sent; None = never.
    """

    run: RunConfig
    design_space: DesignSpace
    connector: Frozen
    policy: Frozen
    vessels: tuple[VesselSettings, ...]
    settings: Mapping[Key, Setting]
    model: Frozen = dataclasses.field(default_factory=ModelSettings)
    people: People | None = None
    history: PastRuns | None = None
    daily: time | None = None


def load(
    path: Path | None,
    flags: Mapping[Key, Setting],
    *,
    environ: Mapping[str, str] | None = None,
    aim: Callable[[Panel], Setting] | None = None,
) -> Experiment:
    """Return the experiment that a file, the environment and flags describe; later ones win.

    Args:
        path: Of the file; None = there is none.
        flags: Typed options, by key.
        environ: Variables; None = those of the program.
        aim: Says the objective that was typed, once it is known whose quantities it names; None = none was.

    Raises:
        ConfigError: a setting is unknown, impossible or missing; all problems are listed.
    """
    if path is not None:
        _refuse_a_table(path)
    content = {} if path is None else read_toml(path)
    name = "" if path is None else path.name
    folder = Path() if path is None else path.resolve().parent
    process, source = processes.stated(content.pop("process", None), name, folder, flags, environ)
    flags = {key: setting for key, setting in flags.items() if key not in processes.FLAGS}
    if aim is not None:
        flags["run", "objective"] = aim(process)
    vessels = content.pop("vessel", [])
    people = None if "notify" not in content else of_section(content.pop("notify"), folder, name)
    past = of_history(content.pop("history", None), folder, name)
    daily = daily_of(content.pop("report", None), name)
    kinds = stated_kinds(content, name, flags, environ)
    environment = from_environment(_all_keys(kinds, process), environ)
    known = _keys(kinds, process)
    layers = [from_file(content, known, name), environment, flags]
    if path is not None:
        layers[0] = {key: _anchored(key, setting, folder, kinds) for key, setting in layers[0].items()}
    settings: dict[Key, Setting] = {}
    for layer in layers:
        settings |= layer
    _refuse_foreign(settings, known, kinds)
    for field in ("url", "endpoint"):
        given = settings.get(("connector", field))
        if given is not None and given.origin == name:
            refuse_secret(str(given.value), name, field)
    if people is not None:
        channels_of(*people)  # what cannot be read or is misspelt is refused now, not when an alarm is due
    asked = _checked(settings, kinds, vessels, name, process, source)
    return dataclasses.replace(asked, people=people, history=past, daily=daily)


def _refuse_a_table(path: Path) -> None:
    """Refuse samples where settings are expected: people type the file that they have.

    Raises:
        ConfigError: it is a folder, or a file that is not called ``.toml``.
    """
    if path.is_dir() or (path.suffix.lower() not in ("", ".toml") and path.exists()):
        raise ConfigError(
            f"{path} is {'a folder' if path.is_dir() else 'not a .toml file'}, expected an experiment.toml. A table of "
            f"samples, or a folder of them, follows --csv: perfusio run --csv {path} --days 28."
        )


def _keys(kinds: Kinds, process: Panel) -> dict[str, list[Key]]:
    return {
        "process": [processes.FILE],
        "run": [("run", f) for f in RunConfig.model_fields if f != "process"],
        "design_space": [("design_space", s, f) for s in process.setpoint_names for f in Bounds.model_fields],
        **{section: kinds.keys(section) for section in OF_A_KIND},
    }


def _all_keys(kinds: Kinds, process: Panel) -> dict[str, list[Key]]:
    return {**_keys(kinds, process), **{section: kinds.keys_of_any(section) for section in OF_A_KIND}}


def _refuse_foreign(settings: Mapping[Key, Setting], known: Mapping[str, list[Key]], kinds: Kinds) -> None:
    """A flag or variable of another kind of connector, model or policy must not vanish."""
    for key, setting in settings.items():
        if key not in known[section := key[0]]:
            fields = ", ".join(k[-1] for k in known[section])
            raise ConfigError(
                f"{setting.origin} sets {section}.{key[-1]}, but the {section} is of kind {kinds.names[section]!r}, "
                f"which has no such setting. Known: {fields}."
            )


def _anchored(key: Key, setting: Setting, folder: Path, kinds: Kinds) -> Setting:
    """Paths in a file count from the folder of that file."""
    is_path = (key[0] == "run" and key[1] in _PATHS_OF_RUN) or kinds.is_path(key)
    is_path |= key == ("connector", "url") and "://" not in str(setting.value)  # an SQLite file
    if is_path and isinstance(setting.value, str):
        return Setting(str(folder / Path(setting.value).expanduser()), setting.origin)
    return setting


def _checked(
    settings: dict[Key, Setting], kinds: Kinds, vessels: object, name: str, process: Panel, source: Setting
) -> Experiment:
    problems: list[str] = []
    own = {} if process == CHO_PERFUSION else {"process": process}
    run = built(RunConfig, "run", settings, problems, **own)
    space = design_space(settings, process, name, problems)
    connector = built(kinds.connector.settings, "connector", settings, problems)
    policy = built(kinds.policy, "policy", settings, problems, **(own if kinds.policy is PolicySettings else {}))
    model = built(kinds.model, "model", settings, problems)
    named = () if space is None else _vessels(vessels, name, space, problems)
    if problems or run is None or space is None or connector is None or policy is None or model is None:
        raise ConfigError("\n".join(problems))
    settings.setdefault(("connector", "kind"), Setting(kinds.names["connector"], DEFAULT))
    return Experiment(
        run=run, design_space=space, connector=connector, model=model, policy=policy, vessels=named,
        settings=processes.told(process, source) | _with_defaults(settings, run, space, connector, model, policy),
    )  # fmt: skip


def _vessels(
    given: object, name: str, space: DesignSpace, problems: list[str]
) -> tuple[VesselSettings, ...]:
    if not isinstance(given, list) or not all(isinstance(v, dict) for v in given):
        problems.append(f"{name}: vessel = {given!r}, expected tables: write [[vessel]] above each vessel.")
        return ()
    found: list[VesselSettings] = []
    for i, values in enumerate(given, start=1):
        known = tuple(VesselSettings.model_fields)
        for text in values:
            if text not in known:
                shared = text in ("run", "connector", "policy")
                also = " All vessels of an experiment share it." if shared else closest(text, known)
                problems.append(
                    f"{name}: [[vessel]] {i}: {text} is no setting of a vessel.{also}\n  Known: {', '.join(known)}."
                )
        try:
            mine = {k: v for k, v in values.items() if k in known}
            found.append(vessel_settings(mine, space.process))
            narrowed(space, found[-1].design_space)
        except ConfigError as error:
            problems.append(f"{name}: [[vessel]] {i}: {str(error).replace('VesselSettings.', '')}")
    names = [v.name for v in found]
    if len(set(names)) < len(names):
        problems.append(f"{name}: two vessels have the same name, found {', '.join(names)}. Give each its own.")
    return tuple(found)


def _with_defaults(
    settings: dict[Key, Setting], run: RunConfig, space: DesignSpace, *others: Frozen
) -> dict[Key, Setting]:
    """Return every setting in order, those that nobody set with their default."""
    values: dict[Key, Any] = {("run", f): v for f, v in run.model_dump(mode="json").items() if f != "process"}
    values |= {("design_space", s, f): v for s, b in space.bounds.items() for f, v in b.model_dump().items()}
    for section, model in zip(OF_A_KIND, others, strict=True):
        values |= {(section, f): v for f, v in model.model_dump(mode="json").items()}
    for field in {"url", "endpoint"} & type(others[0]).model_fields.keys():
        values["connector", field] = without_secret(values["connector", field])
    return {key: Setting(value, settings[key].origin if key in settings else DEFAULT) for key, value in values.items()}


def vessel_settings(values: Mapping[str, Any], process: Panel) -> VesselSettings:
    """Return the settings of one vessel from plain data; its objective is of the quantities of the process.

    Raises:
        ConfigError: a setting is impossible.
    """
    aims = values.get("objective")
    if isinstance(aims, str):  # an objective function by name
        aims = {"quantity": aims}
    if isinstance(aims, Mapping):
        values = {**values, "objective": {**aims, "process": process}}
    elif isinstance(aims, list | tuple):
        named = [{**aim, "process": process} if isinstance(aim, Mapping) else aim for aim in aims]
        values = {**values, "objective": named}
    return VesselSettings(**values)


def opened(experiment: Experiment) -> Source:
    """Open the source of an experiment, with all of its vessels.

    Raises:
        PerfusioError: the source cannot be opened.
    """
    out = experiment.settings["run", "run_dir"]
    opening = Opening(
        days=experiment.run.duration_days,
        interval_hours=experiment.run.sampling_interval_hours,
        process=experiment.run.process,
        run_dir=None if out.origin == DEFAULT else experiment.run.run_dir,
    )
    source: Source = kind_named(_kind_of(experiment)).open(experiment.connector, opening)
    return source


def chosen(experiment: Experiment, source: Source) -> Source:
    """Return the vessels of a source that the experiment names, or the source if it names none.

    Raises:
        ConfigError: the source does not have such a vessel.
    """
    from perfusio.twin.vessels import Rig, Vessel

    if not experiment.vessels:
        return source
    if not isinstance(source, Rig):
        kind = _kind_of(experiment)
        raise ConfigError(f"[[vessel]]: a connector of kind {kind!r} has no vessels to choose from. Leave them away.")
    there = source.vessels()
    found = dict[str, "Connector | Vessel"]()
    for vessel in experiment.vessels:
        reactor = vessel.reactor or vessel.name
        if reactor not in there:
            hint = closest(reactor, tuple(there))
            raise ConfigError(
                f"[[vessel]] {vessel.name}: the source has no reactor {reactor!r}.{hint} It has {', '.join(there)}."
            )
        found[vessel.name] = Vessel(
            connector=there[reactor], clone=vessel.clone, objective=vessel.objective, mode=vessel.mode,
            design_space=narrowed(experiment.design_space, vessel.design_space),
        )  # fmt: skip
    return found


def connectors(experiment: Experiment) -> Source:
    """Open the source of an experiment, with the vessels that are named, or with all of them.

    Raises:
        PerfusioError: the source cannot be opened, or does not have such a vessel.
    """
    return chosen(experiment, opened(experiment))


def _kind_of(experiment: Experiment) -> str:
    return str(experiment.settings["connector", "kind"].value)
