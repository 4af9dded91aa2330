"""Frozen: the base of all configuration. It cannot be changed, and refuses fields that it does not know."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from perfusio.errors import ConfigError
from perfusio.quantities import closest


class Frozen(BaseModel):
    """Base of configuration types; a misspelt option must never vanish."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    def __init__(self, **values: Any) -> None:
        """Validate, turning pydantic's report into one readable ConfigError."""
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigError(_sentences(type(self), error)) from None


T = TypeVar("T")


def changed(value: T, **changes: Any) -> T:
    """Return a frozen value with other fields, as `dataclasses.replace` does, many times as fast.

    For dataclasses without slots that check nothing when they are made: the state of a run is folded from a hundred
    thousand events, and a `__dict__` is copied at once, slots one by one.

    Raises:
        TypeError: there is no field of that name.
    """
    before = value.__dict__
    kept = {**before, **changes}
    if len(kept) != len(before):
        unknown = next(name for name in changes if name not in before)
        raise TypeError(f"{type(value).__name__} has no field {unknown!r}.")
    new: T = object.__new__(type(value))
    object.__setattr__(new, "__dict__", kept)
    return new


def _sentences(cls: type[BaseModel], error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"] if not _is_of_pydantic(part))
        if problem["type"] == "extra_forbidden":
            known = tuple(cls.model_fields)
            hint = closest(where.rsplit(".", 1)[-1], known)
            lines.append(f"{cls.__name__} has no option {where!r}.{hint}\n  Known: {', '.join(known)}.")
        else:
            found = "" if problem["type"] in ("missing", "value_error") else f" (found {problem['input']!r:.80})"
            lines.append(f"{cls.__name__}{'.' if where else ''}{where}: {_in_words(cls, problem)}{found}")
    return "\n".join(dict.fromkeys(lines))


def _is_of_pydantic(part: object) -> bool:
    """Whether a part of a place is none of ours: the name of a function, of a type, or of a branch of a union."""
    return isinstance(part, str) and (any(c in part for c in "-[](),") or part in _TYPES or part[:1].isupper())


def _in_words(cls: type[BaseModel], problem: Any) -> str:
    """Return the expectation, in words; a number with its whole range."""
    kind = str(problem["type"])
    if kind in _RANGES:
        name = str(problem["loc"][0]) if problem["loc"] else ""
        field = cls.model_fields.get(name)
        parts = field.metadata if field else ()
        ends = {k: getattr(part, k, None) for part in parts for k in _SIGNS if getattr(part, k, None) is not None}
        range_ = " ".join(f"{sign} {ends[k]:g}" for k, sign in _SIGNS.items() if k in ends)
        sort = "whole " if kind.startswith("int") else "finite " if kind == "finite_number" else ""
        return f"expected a {sort}number{' ' if range_ else ''}{range_}"
    said = next((words for start, words in _WORDS.items() if kind.startswith(start)), "")
    if kind == "literal_error":
        return f"expected {problem['ctx']['expected']}"
    return said or str(problem["msg"]).removeprefix("Value error, ")


_SIGNS = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}
_RANGES = ("greater_than_equal", "less_than_equal", "greater_than", "less_than", "finite_number", "int_from_float",
           "int_parsing", "int_type", "float_parsing", "float_type")  # fmt: skip
_WORDS = {
    "tuple": "expected a list", "list": "expected a list", "dict": "expected a table",
    "string": "expected a text in quotes", "path": "expected a path in quotes",
    "bool": "expected true or false", "missing": "is missing",
    "model": "expected a table", "mapping": "expected a table", "enum": "expected one of the known words",
}  # fmt: skip
_TYPES = ("tuple", "list", "dict", "str", "int", "float", "bool")
