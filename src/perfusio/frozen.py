"""Frozen: what all configuration is made of. It cannot be changed, and refuses fields that it does not know."""

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

    For dataclasses without slots that check nothing when they are made: what is known of a run is folded from a hundred
    thousand events, and a `__dict__` is copied at once, slots one by one.

    Raises:
        TypeError: there is no field of that name.
    """
    new: T = object.__new__(type(value))
    kept = new.__dict__
    kept.update(value.__dict__)
    n = len(kept)
    kept.update(changes)
    if len(kept) != n:
        unknown = next(name for name in changes if name not in value.__dict__)
        raise TypeError(f"{type(value).__name__} has no field {unknown!r}.")
    return new


def _sentences(cls: type[BaseModel], error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            known = tuple(cls.model_fields)
            hint = closest(where.rsplit(".", 1)[-1], known)
            lines.append(f"{cls.__name__} has no option {where!r}.{hint}\n  Known: {', '.join(known)}.")
        else:
            reason = problem["msg"].removeprefix("Value error, ")
            found = "" if problem["type"] in ("missing", "value_error") else f" (found {problem['input']!r})"
            lines.append(f"{cls.__name__}{'.' if where else ''}{where}: {reason}{found}")
    return "\n".join(lines)
