"""Which roles a process must have for each quantity that follows from its species and setpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

NEEDS: Mapping[str, tuple[str, ...]] = {
    "productivity": ("product", "perfusion"),
    "cspr": ("cells", "perfusion"),
    "vcv": ("cells", "size"),
    "harvest_titer": ("product", "perfusion"),
    "medium": ("perfusion",),
}
"""By derived quantity: the roles without which a process does not have it."""


def derivable(roles: Iterable[str]) -> tuple[str, ...]:
    """Return the derived quantities of a process with these roles."""
    there = set(roles)
    return tuple(name for name, needed in NEEDS.items() if there.issuperset(needed))
