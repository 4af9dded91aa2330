"""What State, Setpoints and Feed share: numbers by quantity name, as attributes or beside them.

The quantities of the default panel are typed attributes. Those that another panel declares stand in `more`, and are
read the same way: ``state.asparagine``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from math import nan
from typing import TYPE_CHECKING, Any

from perfusio.errors import UnknownQuantity
from perfusio.process.panel import Panel
from perfusio.quantities import closest


class Declared:
    """Numbers of the quantities that a panel declares beside the typed ones."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Show all numbers alike, whether they are attributes or declared; the process is known from its names."""
        own: Any = self
        typed = {f.name: getattr(self, f.name) for f in fields(own) if f.name not in ("panel", "more")}
        known = typed | dict(self.more)
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in known.items())})"

    if TYPE_CHECKING:
        panel: Panel
        more: Mapping[str, float]
    else:

        def __getattr__(self, name: str) -> float:
            """Return the number of a quantity that has no attribute; NaN if its panel knows it and nobody gave it."""
            if name.startswith("_") or name in ("panel", "more"):
                raise AttributeError(name)
            if name in self.more:
                return self.more[name]
            if name in self.panel.by_name:
                return nan
            raise AttributeError(f"{type(self).__name__} of {self.panel.name} has no {name!r}.")


def divided(
    values: Mapping[str, float], known: Iterable[str], typed: frozenset[str], panel: Panel
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the values that have a typed attribute, and the others.

    Args:
        values: By quantity name.
        known: Names that may be there.
        typed: Names with an attribute.
        panel: For the answer.

    Raises:
        UnknownQuantity: a name is not known; the message names the nearest one.
    """
    names = tuple(known)
    for name in values:
        if name not in names:
            raise UnknownQuantity(
                f"{name!r} is no quantity of {panel.name}.{closest(name, names)}\n  Known: {', '.join(names)}."
            )
    return {n: v for n, v in values.items() if n in typed}, {n: v for n, v in values.items() if n not in typed}
