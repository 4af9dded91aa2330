"""The process: its quantities as data, derived quantities, and the rules that every setpoint must keep."""

from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.medium import Equipment, Medium
from perfusio.process.panel import Panel
from perfusio.process.species import Setpoint, Species

__all__ = ["CHO_PERFUSION", "Equipment", "Medium", "Panel", "Setpoint", "Species"]
