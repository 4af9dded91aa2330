"""Frozen: what all configuration is made of. It cannot be changed, and refuses fields that it does not know."""

from __future__ import annotations

from typing import Any

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
