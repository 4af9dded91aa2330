"""A panel as plain data, and back: the content of `process.toml`, and the process in a record.

A document may start from the default panel (``base``), leave quantities out (``without``) and declare further ones;
unsaid facts of a quantity of the base stay as they are there. Tables are keyed by name, or lists of named entries.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass, replace
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

from pydantic import PlainSerializer, PlainValidator

from perfusio.errors import ConfigError, UnknownQuantity
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.declared import misdeclared_limit
from perfusio.process.facts import Limit
from perfusio.process.medium import Medium
from perfusio.process.panel import Panel, interned
from perfusio.process.sound_numbers import refuse_outside
from perfusio.process.species import Setpoint, Species
from perfusio.quantities import closest

Plain = dict[str, Any]
Kind = TypeVar("Kind")
BASES: Mapping[str, Panel | None] = {CHO_PERFUSION.name: CHO_PERFUSION, "none": None}
"""Processes that a document may start from."""
ENTRIES = ("name", "base", "without", "species", "setpoints", "medium", "media", "working_volume", "sampling_flow",
           "clear_days", "critical", "alarmed", "limits")  # fmt: skip
CLEAR_DAYS = CHO_PERFUSION.clear_days


def read_process(path: Path) -> Panel:
    """Read a process from a TOML file.

    Raises:
        ConfigError: the file cannot be read, or does not describe a process.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        there = tuple(sorted(p.name for p in path.absolute().parent.glob("*.toml")))
        raise ConfigError(
            f"{path} was not found.{closest(path.name, there)} Expected the TOML file of a process; perfusio process "
            "new writes one."
        ) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}. Give the TOML file of a process.") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is no TOML file in UTF-8: {error}. Correct it there.") from error
    try:
        return panel_of(data)
    except (ConfigError, UnknownQuantity) as error:
        raise ConfigError(f"{path}: {error}") from error


def panel_of(given: Panel | Mapping[str, Any] | None) -> Panel:
    """Return the panel that a document describes; a panel is returned as it is, None is the default one.

    Raises:
        ConfigError: an entry is unknown or of the wrong kind, or the quantities make no process.
    """
    if given is None:
        return CHO_PERFUSION
    if isinstance(given, Panel):
        return interned(given)
    if not isinstance(given, Mapping):
        raise ConfigError(f"A process is a table, found {given!r:.80}. Give the content of a process.toml.")
    _only(given, ENTRIES, "a process")
    base = _base(given.get("base", CHO_PERFUSION.name))
    start = base.without(*_texts(given, "without")) if base is not None else None
    if base is None and "without" in given:
        raise ConfigError("without leaves out quantities of a base, found base = 'none'. Take one of the two away.")
    species = _quantities(given, "species", Species, start)
    setpoints = _quantities(given, "setpoints", Setpoint, start)
    changes: Plain = {key: given[key] for key in ("clear_days",) if key in given}
    changes |= {key: _texts(given, key) for key in ("critical", "alarmed") if key in given}
    if "limits" in given:
        changes["limits"] = tuple(_built(Limit, one, "a limit") for one in _tables(given, "limits"))
    medium = _medium(given["medium"], "medium") if "medium" in given else None
    media = {name: _medium(one, f"media.{name}") for name, one in _table(given, "media").items()}
    vessel = {key: given[key] for key in ("working_volume", "sampling_flow") if key in given}
    if start is None:
        empty = Panel(name="process", species=species, setpoints=setpoints, clear_days=CLEAR_DAYS)
        start, species, setpoints = empty, (), ()
        medium = medium or Medium()
    if not isinstance(name := given.get("name", start.name), str) or not name.strip():
        raise ConfigError(f"name = {name!r}, expected a few words that name the process.")
    panel = start.with_(*species, *setpoints, medium=medium, media=media, name=name, **vessel)
    panel = replace(panel, **changes) if changes else panel
    for limit in panel.limits:
        if wrong := misdeclared_limit(limit.quantity, limit.low, limit.high, panel):
            raise ConfigError(f"limits: {wrong}")
        refuse_outside(f"limits: probability of {limit.quantity}", limit.probability, 0.5, 1.0, above=True)
    return interned(panel)


def plain_of(panel: Panel) -> Plain | None:
    """Return the document of a panel from which `panel_of` makes it again; None for the default panel."""
    if panel == CHO_PERFUSION:
        return None
    return {
        "name": panel.name,
        "base": "none",
        "species": [_plain(s) for s in panel.species],
        "setpoints": [_plain(s) for s in panel.setpoints],
        "medium": panel.medium.as_dict(),
        "media": {name: medium.as_dict() for name, medium in panel.media},
        **({} if panel.equipment.volume_ml is None else {"working_volume": panel.equipment.volume_ml}),
        "sampling_flow": panel.equipment.sampling,
        "clear_days": panel.clear_days,
        "critical": list(panel.critical),
        "alarmed": list(panel.alarmed),
        "limits": [_plain(limit) for limit in panel.limits],
    }


Process = Annotated[Panel, PlainValidator(panel_of), PlainSerializer(plain_of)]
"""A field of a configuration that holds a panel; it takes one, the content of a process.toml, or nothing."""


def _base(name: object) -> Panel | None:
    if name not in BASES:
        raise ConfigError(f"base = {name!r} is no process that perfusio comes with. Known: {', '.join(BASES)}.")
    return BASES[str(name)]


def _only(given: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    for name in given:
        if name not in known:
            raise ConfigError(
                f"{name!r} is no entry of {what}.{closest(str(name), tuple(known))}\n  Known: {', '.join(known)}."
            )


def _texts(given: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = given.get(key, ())
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
        raise ConfigError(f'{key} = {value!r:.80}, expected a list of names such as ["glucose"].')
    return tuple(value)


def _table(given: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = given.get(key, {})
    if not isinstance(value, Mapping):
        raise ConfigError(f"{key} = {value!r:.80}, expected a table.")
    return value


def _tables(given: Mapping[str, Any], key: str) -> list[Plain]:
    """Return the tables of a section, keyed by name or listed."""
    value = given.get(key, ())
    tables = [{"name": n, **_table(value, n)} for n in value] if isinstance(value, Mapping) else list(value)
    if not all(isinstance(one, Mapping) for one in tables):
        raise ConfigError(f"{key} = {value!r:.80}, expected tables such as [{key}.glucose].")
    return [dict(one) for one in tables]


def _medium(given: object, where: str) -> Medium:
    if not isinstance(given, Mapping):
        raise ConfigError(f'{where} = {given!r:.80}, expected a table such as {{glucose = "5 g/L"}}.')
    return Medium(**given)


def _quantities(given: Mapping[str, Any], section: str, kind: type[Kind], start: Panel | None) -> tuple[Kind, ...]:
    """Return the quantities of a section; one of the base keeps facts that are not said anew."""
    found = list[Kind]()
    for table in _tables(given, section):
        if "name" not in table or not isinstance(table["name"], str):
            raise ConfigError(f"An entry of {section} has no name: {table!r:.120}. Give each its name.")
        known = start.by_name.get(table["name"]) if start is not None else None
        found.append(_built(kind, table, f"{section}.{table['name']}", known if isinstance(known, kind) else None))
    return tuple(found)


def _built(kind: type[Kind], given: Mapping[str, Any], where: str, known: Kind | None = None) -> Kind:
    """Build a frozen value from a table; fields that hold such values or media are built from theirs."""
    assert is_dataclass(kind)
    needed = {f.name: f.default is MISSING and f.default_factory is MISSING for f in fields(kind)}
    _only(given, tuple(needed), where)
    if known is None and (lacking := [n for n, must in needed.items() if must and n not in given]):
        raise ConfigError(f"{where}: {', '.join(lacking)} missing. Give {'them' if len(lacking) > 1 else 'it'}.")
    hints = _hints(kind)
    values = {name: _value(hints[name], value, f"{where}.{name}") for name, value in given.items()}
    made: Any = kind(**values) if known is None else replace(known, **values)  # type: ignore[type-var]
    return made  # type: ignore[no-any-return]


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _value(hint: Any, value: Any, where: str) -> Any:
    if hint is Medium:
        return _medium(value, where)
    inner = next((t for t in (hint, *get_args(hint)) if isinstance(t, type) and is_dataclass(t)), None)
    if inner is not None:
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where} = {value!r:.80}, expected a table.")
        return _built(inner, value, where)
    if isinstance(value, list):
        return tuple(tuple(v) if isinstance(v, list) else v for v in value)
    kinds = _plain_kinds(hint)
    choices = tuple(v for t in (hint, *get_args(hint)) for v in get_args(t) if isinstance(v, str))
    if choices and value not in choices:
        raise ConfigError(f"{where} = {value!r}, expected one of {', '.join(choices)}.{closest(str(value), choices)}")
    if kinds and (isinstance(value, bool) or not isinstance(value, kinds)):
        raise ConfigError(f"{where} = {value!r:.80}, expected {' or '.join(k.__name__ for k in kinds)}.")
    if isinstance(value, int | float) and not isfinite(value):
        raise ConfigError(f"{where} = {value}, expected a finite number; leave it out where there is no limit.")
    return float(value) if float in kinds and not isinstance(value, str) else value


def _plain_kinds(hint: Any) -> tuple[type, ...]:
    found = tuple(t for t in (hint, *get_args(hint)) if t in (float, str))
    return (*found, int) if float in found else found


def _plain(value: Any) -> Any:
    """Return a frozen value as a table, without usual values; media as tables of amounts."""
    if isinstance(value, Medium):
        return value.as_dict()
    if not is_dataclass(value):
        return [_plain(v) for v in value] if isinstance(value, tuple) else value
    return {
        f.name: _plain(held)
        for f in fields(value)
        if f.init and (held := getattr(value, f.name)) is not None and (f.default is MISSING or held != f.default)
    }

