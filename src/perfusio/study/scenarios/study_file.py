"""StudyPlan: the factors of a study and their values, read from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field

from perfusio.config import Bounds, DesignSpace, RunConfig
from perfusio.errors import ConfigError
from perfusio.frozen import Frozen
from perfusio.objective import DEFAULT_CONSTRAINTS, Constraint, Objective, limits_of
from perfusio.plant.families import clone_named
from perfusio.plant.medium import Medium
from perfusio.plant.of_process import check_known
from perfusio.plant.parameters import names_in
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.document import panel_of
from perfusio.process.panel import Panel
from perfusio.quantities import closest
from perfusio.study.cultures.controllers import TWIN, controller_named, is_whole_loop, source_of
from perfusio.study.cultures.trouble import Trouble
from perfusio.study.running.task import Task

FACTORS = ("clone", "process", "medium", "design", "objective", "fault", "policy")
"""Factors of a study, in the order of the columns of its tables."""
USUAL: Mapping[str, str] = {
    "clone": "CloneX", "process": "usual", "medium": "usual", "design": "usual", "objective": "usual", "fault": "none",
    "policy": "model-free-mpc",
}  # fmt: skip
"""Value of a factor that is not varied."""
RUNS = "perfusio.study.scenarios.runs:run_rows"
TWIN_BLOCK = 1
_Made = TypeVar("_Made")


class StudySettings(Frozen):
    """Settings of a study.

    Attributes:
        name: For people.
        replicates: Runs of each scenario, on seeds from `first_seed` on; all scenarios have the same seeds.
        first_seed: Of inoculum, noise and gaps.
        block: Runs of a scenario that share a task, and are stepped together; of whole twins always one.
        days: Length of the runs.
    """

    name: str = "study"
    replicates: int = Field(default=10, ge=1, le=1_000_000)
    first_seed: int = Field(default=1, ge=0)
    block: int = Field(default=10, ge=1, le=1000)
    days: int = Field(default=28, ge=1, le=365)


class StudyPlan(Frozen):
    """A study.

    Attributes:
        study: Its settings.
        factors: Values of each factor by name; their product is run.
        named: Settings of the values that the file names, by factor and name.
    """

    study: StudySettings = StudySettings()
    factors: Mapping[str, tuple[str, ...]] = {}
    named: Mapping[str, Mapping[str, Mapping[str, Any]]] = {}

    def scenarios(self) -> list[dict[str, str]]:
        """Return all combinations, a name for each factor."""
        values = [self.factors.get(f, (USUAL[f],)) for f in FACTORS]
        return [dict(zip(FACTORS, one, strict=True)) for one in product(*values)]

    def tasks(self) -> list[Task]:
        """Return the tasks: each scenario in blocks of seeds.

        Raises:
            ConfigError: a value is not known or not used, or its settings are impossible.
        """
        seeds = list(range(self.study.first_seed, self.study.first_seed + self.study.replicates))
        found = []
        for scenario in self.scenarios():
            told = self.settings_of(scenario)
            block = TWIN_BLOCK if is_whole_loop(told["policy"]["kind"]) else self.study.block
            for i in range(0, len(seeds), block):
                some = seeds[i : i + block]
                arguments = {"scenario": scenario, "settings": told, "seeds": some, "days": self.study.days}
                words = [value for f, value in scenario.items() if len(self.factors.get(f, ())) > 1]
                label = ", ".join([*words, f"seeds {some[0]} to {some[-1]}"])
                found.append(Task(function=RUNS, arguments=arguments, label=label))
        self._check_used()
        return found

    def _check_used(self) -> None:
        for factor, each in self.named.items():
            used = self.factors.get(factor, ())
            if idle := [name for name in each if name not in used]:
                raise ConfigError(
                    f"[{factor}.{idle[0]}] is not used: vary.{factor} does not name it. Write {factor} = "
                    f"{[*used, idle[0]]} in [vary], or take it out."
                )

    def settings_of(self, scenario: Mapping[str, str]) -> dict[str, Any]:
        """Return the settings of a scenario as plain data, each checked.

        Raises:
            ConfigError: a value is not known, or its settings are impossible.
        """
        told = {f: self._settings(f, name) for f, name in scenario.items() if f != "clone"}
        told["policy"] = {"kind": scenario["policy"], **told["policy"]}
        told["policy"]["source"] = source_of(told["policy"]["kind"])
        clone_named(scenario["clone"])
        ScenarioParts.of(told)
        return told

    def _settings(self, factor: str, name: str) -> dict[str, Any]:
        given = self.named.get(factor, {})
        if name in given:
            return dict(given[name])
        if name == USUAL[factor] or factor == "policy":
            return {}
        known = (USUAL[factor], *given)
        raise ConfigError(
            f"{factor} = {name!r} is not said.{closest(name, known)} Write [{factor}.{name}] with its settings. Known: "
            f"{', '.join(known)}."
        )


class ScenarioParts:
    """The parts of a scenario, made of its settings.

    Attributes:
        process: Whose quantities.
        space: Design space.
        medium: None = that of the clone or the process.
        objective: Aim.
        limits: That are judged, and told to controllers.
        trouble: Its troubles.
    """

    def __init__(
        self, process: Panel, space: DesignSpace, medium: Medium | None, objective: Objective, trouble: Trouble
    ) -> None:
        self.process, self.space, self.medium = process, space, medium
        self.objective, self.trouble = objective, trouble
        self.limits: tuple[Constraint, ...] = DEFAULT_CONSTRAINTS if process is CHO_PERFUSION else limits_of(process)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> ScenarioParts:
        """Make them.

        Raises:
            ConfigError: settings are impossible, or the policy cannot have this aim.
        """
        process = panel_of(told["process"] or None)
        check_known(process)
        usual = DesignSpace.of(process)
        bounds = dict(usual.bounds)
        for name, changes in told["design"].items():
            if name not in bounds:
                raise ConfigError(f"design: {name!r} is no setpoint.{closest(name, tuple(bounds))}")
            if not isinstance(changes, dict):
                raise ConfigError(f"design: {name} = {changes!r:.60}, expected a table: low, high, nominal, max_step.")
            bounds[name] = _made("design", Bounds, {**bounds[name].model_dump(), **changes})
        aim = told["objective"] or {"kind": "track", "quantity": process.the("cells"), "target": 30.0}
        parts = cls(
            process,
            DesignSpace(bounds=bounds, process=process),
            _medium(told["medium"]),
            _made("objective", Objective, {**aim, "process": process}),
            _made("fault", Trouble, told["fault"]),
        )
        parts.check(told["policy"])
        return parts

    def check(self, policy: Mapping[str, Any]) -> None:
        """Refuse a policy that cannot have this aim.

        Raises:
            ConfigError: it has no such settings, or it holds a density, and the aim is another.
        """
        own = {k: v for k, v in policy.items() if k not in ("kind", "source")}
        if is_whole_loop(policy["kind"]):
            _made("policy", RunConfig, {"duration_days": 1, "process": self.process, **own})
            return
        controller_named(policy["kind"], own)
        if self.objective.quantity != self.process.the("cells") or self.objective.target is None:
            raise ConfigError(
                f"The policy {policy['kind']!r} holds a density, and the aim is to {self.objective}. Give it an "
                f"objective that tracks {self.process.the('cells')}, or take the policy {TWIN!r}."
            )


def read_study(path: Path) -> StudyPlan:
    """Read a study from its file.

    Raises:
        ConfigError: it cannot be read, or says something impossible.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}. Give a study.toml.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML: {error}.") from error
    for section in content:
        known = ("study", "vary", *FACTORS[1:])
        if section not in known:
            hint = closest(section, known)
            raise ConfigError(f"{path.name}: [{section}] is no section.{hint} Known: {', '.join(known)}.")
    factors = content.get("vary", {})
    for factor, values in factors.items():
        if factor not in FACTORS:
            hint = closest(factor, FACTORS)
            raise ConfigError(f"{path.name}: vary.{factor} is nothing to vary.{hint} Known: {', '.join(FACTORS)}.")
        if not (isinstance(values, list) and values and all(isinstance(v, str) for v in values)):
            raise ConfigError(f"{path.name}: vary.{factor} = {values!r:.80}, expected a list of names.")
        if len(set(values)) < len(values):
            raise ConfigError(f"{path.name}: vary.{factor} names a value twice: {', '.join(values)}.")
    named = {f: content[f] for f in FACTORS if f in content}
    for factor, each in named.items():
        for settings in each.values() if isinstance(each, dict) else [each]:
            if not isinstance(settings, dict):
                raise ConfigError(f"{path.name}: {factor} = {settings!r:.80}, expected tables [{factor}.NAME].")
    documents = {name: _document(path, told) for name, told in named.get("process", {}).items()}
    settings = _made("study", StudySettings, content.get("study", {}))
    return StudyPlan(study=settings, factors=factors, named={**named, "process": documents})


def _document(path: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a process.toml that is named by `file`, or the table itself."""
    if set(told) != {"file"}:
        return dict(told)
    file = path.parent / str(told["file"])
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name}: the process file {file} cannot be read: {error}.") from error


def _made(section: str, kind: type[_Made], told: Mapping[str, Any]) -> _Made:
    """Make a part of its settings; what is wrong with them is said of the section of the file."""
    try:
        return kind(**told)
    except ConfigError as error:
        raise ConfigError(str(error).replace(kind.__name__, f"[{section}]")) from error


def _medium(told: Mapping[str, Any]) -> Medium | None:
    known = names_in(Medium)
    for name, value in told.items():
        if name not in known:
            raise ConfigError(f"medium: {name!r} is nothing in it.{closest(name, known)} Known: {', '.join(known)}.")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(f"medium: {name} = {value!r:.60}, expected a number.")
    return Medium(**told) if told else None
