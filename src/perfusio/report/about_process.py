"""The process as told to a person at the start of a run: its medium, and the gaps of a model of it."""

from __future__ import annotations

from perfusio.kinetics.unknown import unsaid
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.medium import Medium
from perfusio.process.panel import Panel
from perfusio.report.lines import Line, Tone, note


def about(panel: Panel) -> list[Line]:
    """Return the lines on a process: none of its facts is assumed without a word."""
    if panel == CHO_PERFUSION:
        told = (
            f"{composition(panel, panel.medium)}, as assumed: no process was given. Yours: perfusio process new."
        )
        return note("Medium:", told)
    volume = panel.equipment.volume_ml
    vessel = "working volume not declared" if volume is None else f"{volume:g} mL"
    said = note("Process:", f"{panel.name}; {_flows_in(panel)}; {vessel}.")
    if unknown := unsaid(panel):
        said += note("Unknown:", " ".join(unknown), Tone.WARN)
    return said


def composition(panel: Panel, medium: Medium) -> str:
    """Return the content of a medium, a feed or a concentrate, e.g. ``"glucose 5 g/L, asparagine 2 mmol/L"``."""
    return ", ".join(f"{name} {medium[name]:g} {panel[name].unit}" for name in medium) or "none of the species"


def _flows_in(panel: Panel) -> str:
    if panel.balance == "perfusion":
        by_setpoint = [f"{s.of} as {s.name} says" for s in panel.setpoints if s.role == "inlet_concentration"]
        return f"medium: {', '.join([composition(panel, panel.medium), *by_setpoint])}"
    feeds = [s for s in panel.setpoints if s.role == "feed_rate"]
    return "; ".join(f"{s.name}: {composition(panel, s.composition)}" for s in feeds) or "nothing flows in"
