"""Numbers of good cultures of the default process, by quantity: where tests and trials begin."""

from __future__ import annotations

from collections.abc import Mapping

HEALTHY: Mapping[str, float] = {
    "vcd": 20.0, "viability": 97.0, "glucose": 3.5, "glutamine": 1.5, "glutamate": 1.2, "lactate": 8.0,
    "ammonium": 3.0, "pyruvate": 0.6, "titer": 350.0, "diameter": 16.5,
}  # fmt: skip
"""A perfusion culture on day 3."""
QUIET: Mapping[str, float] = {
    "vcd": 20.0, "viability": 98.0, "glucose": 4.0, "glutamine": 1.0, "glutamate": 1.0, "lactate": 5.0,
    "ammonium": 1.0, "pyruvate": 0.5, "titer": 100.0, "diameter": 16.0,
}  # fmt: skip
"""One that hardly changes."""
QUIET_CHANGE: Mapping[str, float] = {
    "vcd": 0.31, "viability": -0.013, "glucose": 0.017, "glutamine": 0.0031, "glutamate": 0.0029, "lactate": 0.011,
    "ammonium": 0.0037, "pyruvate": 0.0013, "titer": 1.3, "diameter": 0.0017,
}  # fmt: skip
"""Its change each day, so that no two samples are alike."""
GUARDED: Mapping[str, float] = {
    "vcd": 20.0, "viability": 95.0, "glucose": 4.0, "glutamine": 2.0, "glutamate": 1.0, "lactate": 10.0,
    "ammonium": 3.0, "pyruvate": 0.5, "titer": 500.0,
}  # fmt: skip
"""One about which a guard has nothing to say."""
SPARSE: Mapping[str, float] = {"vcd": 10.0, "viability": 97.5, "glucose": 4.0, "lactate": 1.5}
"""A sample of which little was measured."""
WRONG: tuple[Mapping[str, float | str], ...] = (
    {"vcd": -5.0}, {"viability": 0.97}, {"glucose": 42.2}, {"vcd": 399.0}, {"time_h": float("nan")},
    {"titer": float("inf")}, {"lactate": "a text"}, {"vcd": float("nan")},
)  # fmt: skip
"""Values that no sample may have, or that must not be believed at once."""
UNMEASURED, UNCONFIRMED, BY_HAND = "glutamine", "agitation", {"temperature": 36.0}
"""A species that many do not measure, a setpoint that many do not show, and one that a person moves by hand."""
