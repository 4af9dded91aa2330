"""The names of quantities that have a role of their own in the process: ask for these, not for ``"vcd"``."""

from __future__ import annotations

from perfusio.process.cho_perfusion import CHO_PERFUSION

CELLS = CHO_PERFUSION.the("cells")
VIABILITY = CHO_PERFUSION.the("viability")
PRODUCT = CHO_PERFUSION.the("product")
SIZE = CHO_PERFUSION.the("size")
PERFUSION = CHO_PERFUSION.the("perfusion")
BLEED = CHO_PERFUSION.the("bleed")
