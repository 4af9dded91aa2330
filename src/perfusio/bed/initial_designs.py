"""Old name of `perfusio.bed.campaigns.initial_designs`; it stays."""

from perfusio.bed.campaigns.initial_designs import (
    DesignKind,
    InitialDesign,
    PlannedRun,
    box_behnken,
    central_composite,
    latin_hypercube,
    plan,
    sobol,
    usable,
)

__all__ = [
    "DesignKind",
    "InitialDesign",
    "PlannedRun",
    "box_behnken",
    "central_composite",
    "latin_hypercube",
    "plan",
    "sobol",
    "usable",
]
