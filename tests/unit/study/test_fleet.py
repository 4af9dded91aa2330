"""How a fleet was held: each vessel's own error, from a day on."""

import pytest

from perfusio.study.fleet import fleet_errors, fleet_summary
from perfusio.testing import make_state

TRUTH = [
    {"R01": make_state(day=d, vcd=30.0 if d >= 7 else 1.0), "R02": make_state(day=d, vcd=33.0)} for d in range(10)
]


def test_only_late_days_count():
    assert fleet_errors(TRUTH, 30.0) == {"R01": pytest.approx(0.0), "R02": pytest.approx(0.1)}
    assert fleet_errors(TRUTH, 30.0, from_day=6.0)["R01"] > 0.4


def test_median_and_worst_are_said():
    assert fleet_summary({"R01": 0.02, "R02": 0.10, "R03": 0.03}, 30.0) == (
        "True viable cell density against 30e6 cells/mL from day 7 on, RMS error: median 3.0 %, worst 10.0 % (R02)."
    )
    assert "ended before day 7" in fleet_summary(fleet_errors(TRUTH[:3], 30.0), 30.0)
