"""The names of quantities that have a role of their own in the process: ask for these, not for ``"vcd"``."""

from __future__ import annotations

from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel

CELLS = CHO_PERFUSION.the("cells")
VIABILITY = CHO_PERFUSION.the("viability")
PRODUCT = CHO_PERFUSION.the("product")
SIZE = CHO_PERFUSION.the("size")
PERFUSION = CHO_PERFUSION.the("perfusion")
BLEED = CHO_PERFUSION.the("bleed")


def share_alive(panel: Panel) -> str | None:
    """Return the name of the share of living cells in a process, None if it has none."""
    return panel.one_or_none("viability")


def temperatures(panel: Panel) -> tuple[str, ...]:
    """Return the conditions of a process that are temperatures, by their unit."""
    unit = CHO_PERFUSION["temperature"].unit
    return tuple(s.name for s in panel.setpoints if s.role == "condition" and s.unit == unit)
