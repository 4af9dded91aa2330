"""Common base of State, Setpoints and Feed: numbers by quantity name, as attributes or beside them.

The quantities of the default panel are typed attributes. Those that another panel declares stand in `more`, and are
read the same way: ``state.asparagine``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from math import nan
from typing import TYPE_CHECKING, Any

from perfusio.process.panel import Panel


class Declared:
    """Numbers of the quantities that a panel declares beside the typed ones."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Show all numbers alike, whether they are attributes or declared; the process is known from its names."""
        own: Any = self
        typed = {f.name: getattr(self, f.name) for f in fields(own) if f.name not in ("panel", "more")}
        known = typed | dict(self.more)
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in known.items())})"

    def _joined(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return changed fields with the declared numbers that do not change."""
        more = {"more": {**self.more, **changes["more"]}} if "more" in changes else {}
        return {**changes, **more}

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


def as_fields(values: Mapping[str, float], known: Iterable[str], typed: frozenset[str], panel: Panel) -> dict[str, Any]:
    """Return values as fields of a State, Setpoints or Feed: those with a typed attribute, the others as `more`.

    Args:
        values: By quantity name.
        known: Names that may be there.
        typed: Names with an attribute.
        panel: Of the process.

    Raises:
        UnknownQuantity: a name is not known; the message names the nearest one.
    """
    names = tuple(known)
    if (stranger := next((name for name in values if name not in names), None)) is not None:
        raise panel.unknown(stranger, names)
    more = {name: value for name, value in values.items() if name not in typed}
    return {n: v for n, v in values.items() if n in typed} | ({"more": more} if more else {})
