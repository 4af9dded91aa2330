"""Quantities of a process as the page needs them: labels, units, and which a tile shows."""

from __future__ import annotations

from perfusio.dashboard.runs.followed import FollowedRun
from perfusio.dashboard.views.numbers import tidy
from perfusio.events import Json
from perfusio.report.columns import shown
from perfusio.state import Setpoints


def described(run: FollowedRun) -> Json:
    """Return the quantities of a run, in order, with those that tiles show."""
    panel = run.panel
    return {
        "species": [{"name": s.name, "label": s.label, "unit": s.unit} for s in panel.species],
        "setpoints": [{"name": s.name, "label": s.label, "unit": s.unit} for s in panel.setpoints],
        "on_tiles": [*shown(panel)], "cells": panel.the("cells"), "process": panel.name,
    }  # fmt: skip


def setpoints_as_data(setpoints: Setpoints) -> dict[str, float | None]:
    """Return setpoints by name."""
    return {name: tidy(value) for name, value in setpoints.by_name().items()}
