"""Kinds of the connector, the model and the policy of an experiment; on them depends which settings there are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from perfusio import factories
from perfusio.cli.experiment_file.connections import KINDS, Kind, kind_named
from perfusio.cli.experiment_file.policy import PolicySettings
from perfusio.cli.experiment_file.settings import PREFIX, Key, Setting
from perfusio.errors import ConfigError
from perfusio.frozen import Frozen
from perfusio.quantities import closest
from perfusio.registry import CONNECTORS, MODELS, POLICIES, Registry

_USUAL = {"connector": "file", "model": "hybrid", "policy": "bed"}
_REGISTRIES: Mapping[str, Registry] = {"connector": CONNECTORS, "model": MODELS, "policy": POLICIES}


class ModelSettings(Frozen):
    """Perfusio's own model, which has no settings in the file; its training runs are given by ``--history``."""

    kind: str = "hybrid"


_OWN: Mapping[str, type[Frozen]] = {"model": ModelSettings, "policy": PolicySettings}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """The kinds of an experiment.

    Attributes:
        names: By section.
        connector: Of the source.
        model: Settings of the model.
        policy: Settings of the policy.
    """

    names: Mapping[str, str]
    connector: Kind
    model: type[Frozen]
    policy: type[Frozen]

    def settings(self, section: str) -> type[Frozen]:
        """Return the settings of ``"connector"``, ``"model"`` or ``"policy"``."""
        found: type[Frozen] = self.connector.settings if section == "connector" else getattr(self, section)
        return found

    def keys(self, section: str) -> list[Key]:
        """Return the settings of such a section; the process is said elsewhere."""
        return [(section, field) for field in self.settings(section).model_fields if field != "process"]

    def keys_of_any(self, section: str) -> list[Key]:
        """Return the settings of perfusio's kinds, and of the chosen one: variables are known by name."""
        own = [k.settings for k in KINDS.values()] if section == "connector" else [_OWN[section]]
        fields = (f for settings in (*own, self.settings(section)) for f in settings.model_fields if f != "process")
        return [(section, field) for field in dict.fromkeys(fields)]

    def is_path(self, key: Key) -> bool:
        """Whether a setting is a path."""
        section, field = key[0], key[-1]
        if section == "connector":
            return field in self.connector.paths
        return section in _OWN and field in factories.paths_of(self.settings(section))


def stated_kinds(
    content: Mapping[str, object], name: str, flags: Mapping[Key, Setting], environ: Mapping[str, str] | None
) -> Kinds:
    """Return the kinds that a flag, a variable or the file states, or the usual ones.

    Args:
        content: Of the file.
        name: Of the file.
        flags: Typed ones.
        environ: Variables; None = those of the program.

    Raises:
        ConfigError: there is no such kind, or the package that brings it cannot be loaded.
    """
    names = {section: _stated(section, content, name, flags, environ) for section in _USUAL}
    others = {
        section: _OWN[section] if names[section] in _REGISTRIES[section].own
        else factories.settings_of(_REGISTRIES[section], names[section])
        for section in _OWN
    }  # fmt: skip
    return Kinds(names=names, connector=kind_named(names["connector"]), **others)


def _stated(
    section: str,
    content: Mapping[str, object],
    name: str,
    flags: Mapping[Key, Setting],
    environ: Mapping[str, str] | None,
) -> str:
    variable = f"{PREFIX}{section.upper()}_KIND"
    said = (os.environ if environ is None else environ).get(variable)
    table = content.get(section)
    in_file = table.get("kind") if isinstance(table, dict) else None
    found = (
        flags.get((section, "kind"))
        or (Setting(said.strip().strip("\"'"), variable) if said is not None else None)
        or (Setting(in_file, name) if in_file is not None else None)
    )
    if found is None:
        return _USUAL[section]
    registry = _REGISTRIES[section]
    if not isinstance(found.value, str) or not (found.value in registry.own or registry.has(found.value)):
        known, hint = ", ".join(registry.names), closest(str(found.value), registry.names)
        raise ConfigError(
            f"{found.origin}: {section}.kind = {found.value!r} is none perfusio knows.{hint} Known: {known}."
        )
    return found.value
