"""Registries: one for each kind of part that other packages may add, by entry point or by a call in Python.

A package names its parts in its pyproject.toml, e.g. ``[project.entry-points."perfusio.policies"]``. Only the names of
installed packages are read until a part is asked for by name; then its module is loaded. Perfusio's own parts win:
nobody can put another behind a name that is taken.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from typing import Any

from perfusio.errors import ConfigError
from perfusio.installed import entries
from perfusio.quantities import closest

OURS = "perfusio"
HERE = "this program"
"""Package of a part that was registered by a call."""


class ExtensionError(ConfigError):
    """An installed part of another package cannot be used; the message names the package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """A part by name, and where it comes from.

    Attributes:
        kind: Kind of part, e.g. ``"policy"``.
        name: By which it is asked for.
        package: Distribution that brings it; HERE for one registered by a call.
        version: Of the package; empty where it has none.
        target: Module and attribute, ``"module:attribute"``.
    """

    kind: str
    name: str
    package: str
    version: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """How a part was made, so that it can be made again.

    Attributes:
        extension: Which one.
        settings: The settings that it was made with, plain data.
    """

    extension: Extension
    settings: Mapping[str, Any] = field(default_factory=dict)


class Registry:
    """The parts of one kind.

    Args:
        kind: In the singular, for messages, e.g. ``"policy"``.
        group: Group of entry points.
        own: Names of perfusio's own parts.
    """

    def __init__(self, kind: str, group: str, own: Iterable[str] = ()) -> None:
        self.kind, self.group, self.own = kind, group, tuple(own)
        self._called: dict[str, object] = {}
        self._stood_in = set[str]()
        self._made: dict[int, tuple[object, Origin]] = {}

    def register(self, name: str, part: object) -> None:
        """Add a part for this program; the same name again replaces it, as a cell of a notebook that runs again.

        Raises:
            ConfigError: perfusio has a part of that name, or an installed package does.
        """
        if name in self.own:
            raise ConfigError(f"{name!r} is a {self.kind} of perfusio's own. Give yours another name.")
        if installed := self._entries(name):
            package = _of(self.kind, installed[0]).package
            raise ConfigError(f"{name!r} is a {self.kind} of the package {package}. Give yours another name.")
        self._called[name] = part
        self._stood_in.discard(name)

    def stand_in(self, name: str, part: object) -> None:
        """Put a part in the place of one that cannot be loaded, so that a record can be read that names it."""
        self._called[name] = part
        self._stood_in.add(name)

    def forget(self, name: str) -> None:
        """Take out a part that was registered by a call."""
        self._called.pop(name, None)
        self._stood_in.discard(name)

    def extensions(self) -> tuple[Extension, ...]:
        """Return the parts of other packages, and those registered by a call, by name; nothing is loaded."""
        called = [
            Extension(kind=self.kind, name=name, package=HERE, target=_target(part))
            for name, part in self._called.items()
        ]
        return tuple(sorted([*called, *(_of(self.kind, e) for e in self._entries())], key=lambda e: e.name))

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that can be asked for, perfusio's own first; nothing is loaded."""
        return tuple(dict.fromkeys((*self.own, *(e.name for e in self.extensions()))))

    def has(self, name: str) -> bool:
        """Whether another package or a call brings a part of this name; nothing is loaded."""
        return name not in self.own and (name in self._called or bool(self._entries(name)))

    def can_decide(self, name: str) -> bool:
        """Whether it has a part of this name that is more than a stand-in for one that cannot be loaded."""
        return self.has(name) and name not in self._stood_in

    def unknown(self, name: object) -> str:
        """Return in words that no part has this name, with the nearest known one."""
        article = "an" if self.kind[0] in "aeiou" else "a"
        hint = closest(str(name), self.names)
        return f"{name!r} is not {article} {self.kind}.{hint} Known: {', '.join(self.names)}."

    def find(self, name: str) -> tuple[Any, Extension]:
        """Load a part of another package.

        Raises:
            ConfigError: there is none of that name.
            ExtensionError: it cannot be loaded, or its name is taken twice.
        """
        if name in self._called:
            part = self._called[name]
            return part, Extension(kind=self.kind, name=name, package=HERE, target=_target(part))
        entries = self._entries(name)
        if not entries:
            raise ConfigError(self.unknown(name))
        extension = _of(self.kind, entries[0])
        if name in self.own or len(entries) > 1:
            rivals = [OURS] * (name in self.own) + [_of(self.kind, e).package for e in entries]
            raise ExtensionError(
                f"The {self.kind} {name!r} comes from {' and from '.join(rivals)}: it is not clear which is meant. "
                f"Uninstall all of these packages but one, or have its author choose another name."
            )
        try:
            return entries[0].load(), extension
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            raise ExtensionError(
                f"The {self.kind} {name!r} of the package {extension.package} {extension.version} cannot be loaded "
                f"from {extension.target}: {type(error).__name__}: {error}. Nothing else of perfusio depends on it. "
                f"Mend or update {extension.package}, or leave this {self.kind} away."
            ) from error

    def note(self, part: object, origin: Origin) -> None:
        """Remember how a part was made."""
        self._made[id(part)] = part, origin  # the part is kept, so that nothing else can get its number

    def origin(self, part: object) -> Origin | None:
        """Return how a part was made; None for one that was not made by name."""
        found = self._made.get(id(part))
        return None if found is None else found[1]

    def _entries(self, name: str | None = None) -> list[EntryPoint]:
        found = [e for e in entries(self.group) if name in (None, e.name)]
        # an editable installation may stand on the path twice
        different = {(e.name, _package(e), e.value): e for e in found}
        return [different[key] for key in sorted(different)]


def _package(entry: EntryPoint) -> str:
    return "" if entry.dist is None else str(entry.dist.metadata["Name"])


def _of(kind: str, entry: EntryPoint) -> Extension:
    version = "" if entry.dist is None else entry.dist.version
    return Extension(kind=kind, name=entry.name, package=_package(entry), version=version, target=entry.value)


def _target(part: object) -> str:
    named = part if hasattr(part, "__qualname__") else type(part)
    return f"{getattr(named, '__module__', '')}:{getattr(named, '__qualname__', '')}"


def version_of(module: str) -> str:
    """Return the version that a package says of itself; empty where it says none."""
    return str(getattr(sys.modules.get(module.partition(".")[0]), "__version__", ""))


CONNECTORS = Registry("connector", "perfusio.connectors", ("file", "simulated", "opcua", "sql"))
CONTROLLERS = Registry(
    "controller", "perfusio.controllers", ("nominal", "pi", "model-free-mpc", "twin", "twin-with-history")
)
"""Of studies and benchmarks on virtual cultures."""
MODELS = Registry("model", "perfusio.models", ("hybrid",))
POLICIES = Registry("policy", "perfusio.policies", ("bed", "model-free-mpc"))
ACQUISITIONS = Registry("acquisition function", "perfusio.acquisitions")  # config.acquisitions names the own ones
OBJECTIVES = Registry("objective", "perfusio.objectives")
NOTIFIERS = Registry("notifier", "perfusio.notifiers", ("log", "email", "webhook"))
INSTRUMENTS = Registry("instrument reader", "perfusio.instruments")
ALL: tuple[Registry, ...] = (
    CONNECTORS, MODELS, POLICIES, OBJECTIVES, ACQUISITIONS, NOTIFIERS, INSTRUMENTS, CONTROLLERS,
)  # fmt: skip
"""Every kind of part that another package may bring."""
