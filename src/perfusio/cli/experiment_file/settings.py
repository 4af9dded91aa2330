"""Settings in layers: flag > `PERFUSIO_*` > experiment.toml > default, each value with where it came from."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perfusio.errors import ConfigError
from perfusio.quantities import closest

DEFAULT = "default"
PREFIX = "PERFUSIO_"
Key = tuple[str, ...]
"""Section and name, e.g. ``("run", "seed")`` or ``("design_space", "bleed_rate", "high")``."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One value and its origin.

    Attributes:
        value: Plain data, as TOML holds it.
        origin: ``"--seed"``, ``"PERFUSIO_RUN_SEED"``, the name of a file, or DEFAULT.
    """

    value: Any
    origin: str


_FLAGS = {"duration_days": "--days (28, for instance)", "path": "--csv FILE"}


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises:
        ConfigError: it is not there, cannot be read, or is no TOML; the message names the line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        folder = path.expanduser().resolve().parent
        names = tuple(sorted(p.name for p in folder.glob("*.toml"))) if folder.is_dir() else ()
        raise ConfigError(f"{path} was not found.{closest(path.name, names)} Expected an experiment.toml.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}. Expected a text file in UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is no valid TOML: {error}. Mend that line; texts need quotes.") from error


def from_file(content: Mapping[str, Any], known: Mapping[str, Sequence[Key]], name: str) -> dict[Key, Setting]:
    """Return the settings of a file by key.

    Args:
        content: The file; arrays of tables (``[[vessel]]``) are taken out by the caller.
        known: Every key, by section.
        name: Of the file.

    Raises:
        ConfigError: sections or names that perfusio does not know; all of them, each with the nearest known one.
    """
    problems: list[str] = []
    found: dict[Key, Setting] = {}
    for section, values in content.items():
        if section not in known:
            every = (*known, "vessel", "history", "notify", "report")
            problems.append(_unknown(name, section, section, every, "section"))
        elif not isinstance(values, dict):
            problems.append(f"{name}: {section} = {values!r}, expected a section: write [{section}] above settings.")
        else:
            keys = {key[1:]: key for key in known[section]}
            _collect(values, (), section, keys, name, found, problems)
    if problems:
        raise ConfigError("\n".join(problems))
    return found


def _collect(
    values: Mapping[str, Any], above: Key, section: str, keys: Mapping[Key, Key], name: str, found: dict[Key, Setting],
    problems: list[str],
) -> None:  # fmt: skip
    for text, value in values.items():
        path = (*above, text)
        if path in keys:
            found[keys[path]] = Setting(value, name)
        elif any(k[: len(path)] == path for k in keys) and isinstance(value, dict):
            _collect(value, path, section, keys, name, found, problems)
        else:
            depth = len(above)
            siblings = tuple(dict.fromkeys(k[depth] for k in keys if k[:depth] == above and len(k) > depth))
            problems.append(_unknown(name, ".".join((section, *path)), text, siblings, "setting"))


def _unknown(name: str, where: str, text: str, known: tuple[str, ...], what: str) -> str:
    return f"{name}: {where} is no {what} perfusio knows.{closest(text, known)}\n  Known: {', '.join(known)}."


def from_environment(
    known: Mapping[str, Sequence[Key]], environ: Mapping[str, str] | None = None
) -> dict[Key, Setting]:
    """Return the settings of variables like ``PERFUSIO_RUN_SEED``; a value is read as TOML, else as a text.

    Raises:
        ConfigError: a variable that begins like a section but is no setting.
    """
    environ = os.environ if environ is None else environ
    names = {PREFIX + "_".join(key).upper(): key for keys in known.values() for key in keys}
    sections = tuple(f"{PREFIX}{section.upper()}_" for section in known)
    found: dict[Key, Setting] = {}
    problems: list[str] = []
    for variable in sorted(v for v in environ if v.startswith(sections)):
        if variable not in names:
            problems.append(f"{variable} is set, but is no setting perfusio knows.{closest(variable, tuple(names))}")
            continue
        text = environ[variable]
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        found[names[variable]] = Setting(value, variable)
    if problems:
        raise ConfigError("\n".join(f"{p} Mend its name, or take it out of the environment." for p in problems))
    return found


def built(cls: type[Any], section: str, settings: Mapping[Key, Setting], problems: list[str], **also: Any) -> Any:
    """Return one section as `cls`; None, with problems that name the origin of each value, if it cannot be.

    Args:
        cls: Class of the result.
        section: Its name.
        settings: By key.
        problems: Added to.
        also: Fields of `cls` that are no settings.
    """
    given = {k[1]: s for k, s in settings.items() if k[0] == section}
    absent = [f for f, about in cls.model_fields.items() if about.is_required() and f not in given]
    if absent:
        hints = {f: f", or give {_FLAGS[f]} on the command line" for f in absent if f in _FLAGS}
        problems.extend(f"{section}.{f} is not set. Write it into experiment.toml{hints.get(f, '')}." for f in absent)
        return None
    try:
        return cls(**{f: s.value for f, s in given.items()}, **also)
    except ConfigError as error:
        for line in str(error).split("\n"):
            field = line.removeprefix(f"{cls.__name__}.").partition(":")[0].partition(".")[0]
            origin = given[field].origin if field in given else ""
            said = line.replace(f"{cls.__name__}.", f"{section}.").replace(f"{cls.__name__}:", f"{section}:")
            where = origin or next((s.origin for s in given.values()), section)
            problems.append(f"{where}: {said}")
        return None
