"""Parts of other packages that take part in decisions: named on record, compared when a run goes on, made again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from hashlib import sha256
from inspect import isroutine
from pathlib import Path
from typing import Any

from perfusio import factories
from perfusio.config import ACQUISITIONS, Objective, RunConfig
from perfusio.errors import ConfigError, ModelError
from perfusio.process.expressions.objective_function import ObjectiveFunction
from perfusio.process.panel import Panel
from perfusio.registry import ACQUISITIONS as OF_ACQUISITIONS
from perfusio.registry import CONNECTORS, HERE, MODELS, OBJECTIVES, POLICIES, Extension, Origin, Registry

_REGISTRIES: Mapping[str, Registry] = {"policy": POLICIES, "model": MODELS}


def origin_of(part: object) -> Origin | None:
    """Return how a policy, model or connector was made, None where it was not made by name."""
    return POLICIES.origin(part) or MODELS.origin(part) or CONNECTORS.origin(part)


def named(origin: Origin) -> dict[str, Any]:
    """Return the name of a part on record: kind, package with version, settings."""
    extension = origin.extension
    return {
        "kind": extension.name, "package": extension.package, "package_version": extension.version,
        "settings": dict(origin.settings),
    }  # fmt: skip


def made_again(recorded: Mapping[str, Any], role: str, process: Panel) -> Any | None:
    """Return the policy or model on record if another package brings it; None where it is perfusio's own or nameless.

    Args:
        recorded: Who decides, as on record.
        role: ``"policy"`` or ``"model"``.
        process: Of the run.

    Raises:
        ConfigError: the package is not installed.
        ExtensionError: it cannot be loaded or made.
    """
    before, registry = recorded.get(role, {}), _REGISTRIES[role]
    if "kind" not in before:
        return None
    if not registry.has(before["kind"]):
        place = "by a program that is not running" if before["package"] == HERE else f"by {_package(before)}"
        raise ConfigError(
            f"The {role} of this run, {before['kind']!r}, was brought {place}, and is not installed here. Install it "
            f"to go on, or give the {role} in Python."
        )
    return factories.make(registry, before["kind"], before["settings"], process=process)


def functions_of(config: RunConfig, objectives: Iterable[Objective] = ()) -> dict[str, dict[str, Any]]:
    """Return the acquisition function and the objective functions of a run that other packages bring, by name.

    Args:
        config: Of the run.
        objectives: Of single vessels.
    """
    found = {}
    if config.acquisition not in ACQUISITIONS:
        found[config.acquisition] = _identity(OF_ACQUISITIONS, config.acquisition)
    for objective in (*config.objectives, *objectives):
        if OBJECTIVES.has(objective.quantity):
            found[objective.quantity] = _identity(OBJECTIVES, objective.quantity)
    return found


def function_difference(recorded: Mapping[str, Any], now: Mapping[str, Mapping[str, Any]]) -> str:
    """Return in words which function is another than on record; nothing if all are the same."""
    for name, before in recorded.get("functions", {}).items():
        found = now.get(name, {})
        hashes = before.get("source_sha256", ""), found.get("source_sha256", "")
        if found and all(hashes) and hashes[0] != hashes[1]:
            return (
                f"{name!r} of {_package(before)} has the source {hashes[0][:12]}... on record, and now {hashes[1][:12]}"
                f"... ({_package(found)})"
            )
    return ""


def refuse_absent(recorded: Mapping[str, Any]) -> None:
    """Refuse to decide in a run of which a function cannot be loaded here.

    Args:
        recorded: Who decides, as on record.

    Raises:
        ConfigError: a package is not installed, or cannot be loaded; the message names it.
    """
    for name, about in recorded.get("functions", {}).items():
        registry = _of_role(about)
        if not registry.can_decide(name):
            raise ConfigError(
                f"The {registry.kind} {name!r} of this run is of {_package(about)}, which is not installed here, or "
                "cannot be loaded. Install it; the record can be read without it."
            )
        registry.find(name)


def stand_in(recorded: Mapping[str, Any]) -> None:
    """Let a record be read, and a run be held or stopped, where a function that decides in it cannot be loaded.

    It is there by name, and fails when it is called.

    Args:
        recorded: Who decides, as on record.
    """
    for name, about in recorded.get("functions", {}).items():
        registry = _of_role(about)
        try:
            registry.find(name)
        except ConfigError:
            absent = partial(_absent, name, _package(about))
            if registry is OBJECTIVES:
                facts = {key: about[key] for key in ("unit", "direction")}
                registry.stand_in(name, ObjectiveFunction(function=absent, needs=tuple(about["needs"]), **facts))
            else:
                registry.stand_in(name, absent)


def _absent(name: str, package: str, *_: Any, **__: Any) -> Any:
    raise ModelError(f"{name!r} of {package} is not installed here.")


def _of_role(about: Mapping[str, Any]) -> Registry:
    return OBJECTIVES if about["role"] == OBJECTIVES.kind else OF_ACQUISITIONS


def _identity(registry: Registry, name: str) -> dict[str, Any]:
    part, extension = registry.find(name)
    facts = {} if not isinstance(part, ObjectiveFunction) else {
        "unit": part.unit, "direction": part.direction, "needs": list(part.needs),
    }  # fmt: skip
    return {
        "role": registry.kind, "target": extension.target, "package": extension.package,
        "package_version": extension.version, "source_sha256": _source_sha256(part, extension), **facts,
    }  # fmt: skip


def _source_sha256(part: Any, extension: Extension) -> str:
    """Return the SHA-256 of the file of a function; of its code where there is no file, as in a notebook."""
    function = getattr(part, "function", part)
    code = getattr(function if isroutine(function) else type(function).__call__, "__code__", None)
    if code is None:
        return ""
    try:
        return sha256(Path(code.co_filename).read_bytes()).hexdigest()
    except OSError:
        return sha256(extension.target.encode() + code.co_code).hexdigest()


def _package(identity: Mapping[str, Any]) -> str:
    return f"{identity.get('package', '')} {identity.get('package_version', '')}".strip()
