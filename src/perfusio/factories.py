"""Making parts of other packages: their settings are the keyword parameters of the class or function that makes them.

So a package declares nothing twice: ``def historian(*, url: str, poll_seconds: float = 5.0)`` has a required setting
`url` and an optional one, both checked against their types before it is called.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

from pydantic import PydanticUserError, create_model
from pydantic.errors import PydanticSchemaGenerationError

from perfusio.errors import PerfusioError
from perfusio.frozen import Frozen
from perfusio.registry import Extension, ExtensionError, Origin, Registry

GIVEN = ("process", "opening")
"""Parameters that are no settings: the process of the run (`Panel`), and of connectors the run itself (`Opening`)."""


def settings_of(registry: Registry, name: str) -> type[Frozen]:
    """Return the settings of a part as a frozen class; its first field is `kind`, the name of the part.

    Raises:
        ConfigError: no package brings it.
        ExtensionError: it cannot be loaded, or its parameters cannot be settings.
    """
    factory, extension = registry.find(name)
    fields: dict[str, Any] = {"kind": (Literal[name], name)}
    parameters, hints = _parameters(factory, extension), _hints(factory, extension)
    for parameter in parameters:
        if parameter.name not in GIVEN:
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[parameter.name] = (hints.get(parameter.name, Any), default)
    if "kind" in {p.name for p in parameters}:
        raise _unusable(extension, "a setting of it is called kind, which names the part itself; rename it")
    try:
        return create_model(name, __base__=Frozen, __doc__=_first_line(factory), **fields)
    except (PydanticSchemaGenerationError, PydanticUserError, NameError, TypeError) as error:
        raise _unusable(extension, f"its parameters cannot be settings: {error}") from error


def paths_of(settings: type[Frozen]) -> tuple[str, ...]:
    """Return the settings that are paths: in a file they count from the folder of that file."""
    return tuple(
        name for name, about in settings.model_fields.items() if Path in (about.annotation, *get_args(about.annotation))
    )


def make(registry: Registry, name: str, settings: Mapping[str, Any] | Frozen = {}, **given: Any) -> Any:  # noqa: B006
    """Make a part of another package, and remember how, so that a run can make it again.

    Args:
        registry: Of parts of its kind.
        name: Of the part.
        settings: Its settings.
        given: Those of GIVEN that are known; handed over if the factory has a parameter of that name.

    Raises:
        ConfigError: there is no such part, or a setting is unknown, missing or impossible.
        ExtensionError: it cannot be loaded or made; the message names the package.
    """
    factory, extension = registry.find(name)
    cls = settings_of(registry, name)
    checked = settings if isinstance(settings, Frozen) else cls(**settings)
    there = {p.name for p in _parameters(factory, extension)}
    values = {field: getattr(checked, field) for field in cls.model_fields if field != "kind"}
    try:
        part = factory(**values, **{k: v for k, v in given.items() if k in there})
    except PerfusioError:
        raise
    except Exception as error:
        raise ExtensionError(
            f"The {extension.kind} {name!r} of the package {extension.package} could not be made: "
            f"{type(error).__name__}: {error}. Check its settings ({', '.join(values) or 'it has none'}), or ask its "
            "author."
        ) from error
    plain = checked.model_dump(mode="json", exclude={"kind"})
    registry.note(part, Origin(extension=extension, settings=plain))
    return part


def _parameters(factory: Callable[..., Any], extension: Extension) -> list[inspect.Parameter]:
    if not callable(factory):
        raise _unusable(extension, f"it is {type(factory).__name__}, expected a class or function that makes the part")
    try:
        found = list(inspect.signature(factory).parameters.values())
    except (TypeError, ValueError) as error:
        raise _unusable(extension, f"its parameters are not known: {error}") from error
    for parameter in found:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise _unusable(extension, f"its parameter {parameter} cannot be given by name")
    return found


def _hints(factory: Callable[..., Any], extension: Extension) -> dict[str, Any]:
    try:
        return get_type_hints(factory.__init__ if inspect.isclass(factory) else factory, include_extras=True)
    except (NameError, TypeError, AttributeError) as error:
        raise _unusable(extension, f"the types of its parameters are not known: {error}") from error


def _first_line(factory: Callable[..., Any]) -> str:
    return (inspect.getdoc(factory) or "").partition("\n")[0]


def _unusable(extension: Extension, why: str) -> ExtensionError:
    return ExtensionError(
        f"The {extension.kind} {extension.name!r} of the package {extension.package} ({extension.target}) cannot be "
        f"used: {why}."
    )
