"""Targets that can be held, and those that cannot and why, on cells whose growth is known."""

from dataclasses import dataclass

import numpy as np
import pytest

from perfusio.bed.target_feasibility import doubt
from perfusio.config import (
    DEFAULT_AMBR250_DESIGN_SPACE,
    Bounds,
    Constraint,
    DesignSpace,
    RunConfig,
    maximize,
    minimize,
    track,
)
from perfusio.hybrid.model import HybridModel
from perfusio.state import SETPOINT_INDEX, SPECIES_INDEX

SPACE = DEFAULT_AMBR250_DESIGN_SPACE


@dataclass(frozen=True)
class Cells:
    """Grow by `cold` at 35 °C and `warm` at 37.5 °C, less by `crowding` per 1e6/mL; viability falls with them."""

    cold: float = 0.1
    warm: float = 0.3
    crowding: float = 0.0

    def futures(self, trajectory, *, interval_hours, n_paths, n_intervals, seed):
        return _Futures(self, trajectory.states[-1].vector(), n_paths, interval_hours / 24.0)


@dataclass(frozen=True)
class _Futures:
    cells: Cells
    start: np.ndarray
    n_paths: int
    days: float

    def play(self, plans):
        bleed, warmth = (plans[..., SETPOINT_INDEX[n]] for n in ("bleed_rate", "temperature"))
        c, n = self.cells, plans.shape[1]
        paths = np.tile(self.start, (len(plans), self.n_paths, n, 1))
        vcd = np.full(len(plans), self.start[SPECIES_INDEX["vcd"]])
        for h in range(n):
            growth = c.cold + (c.warm - c.cold) * (warmth[:, h] - 35.0) / 2.5 - c.crowding * vcd
            vcd = vcd * np.exp((growth - bleed[:, h]) * self.days)
            paths[:, :, h, SPECIES_INDEX["vcd"]] = vcd[:, None]
            paths[:, :, h, SPECIES_INDEX["viability"]] = (100.0 - 0.1 * vcd)[:, None]
        return paths


def found(cells, objective=None, space=SPACE, **config):
    settings = {"duration_days": 14, "objective": objective or track(vcd=30)} | config
    return doubt(cells, space, RunConfig(**settings))


@pytest.mark.parametrize("hours", [24.0, 12.0])
def test_growth_that_a_bleed_can_take_away_raises_no_doubt(hours):
    assert found(Cells(), sampling_interval_hours=hours) is None
    assert found(Cells(cold=0.26, warm=0.3)) is not None
    assert found(Cells(cold=0.254, warm=0.3)) is None
    assert found(Cells(cold=0.0, warm=0.069)) is not None
    assert found(Cells(cold=0.0, warm=0.071)) is None


def test_too_much_growth_is_bound_by_the_highest_bleed():
    what = found(Cells(cold=0.4, warm=0.6))
    assert what.binding == "bleed_rate <= 0.3 1/day"
    assert what.growth == pytest.approx((0.4, 0.6), abs=1e-3)
    assert what.window == pytest.approx((0.07, 0.255))
    assert "Holding vcd at 30 1e6 cells/mL may not be possible: the cells grow by at least 0.4 1/day" in what.text
    assert "raise the highest bleed (0.3 1/day)" in what.text
    assert "or to aim at more cells" in what.text


def test_what_is_said_to_help_helps():
    wide = SPACE.bounds | {"bleed_rate": Bounds(low=0.05, high=0.6, nominal=0.15, max_step=0.1)}
    assert found(Cells(cold=0.4, warm=0.6), space=DesignSpace(bounds=wide)) is None
    crowded = Cells(cold=0.4, warm=0.6, crowding=0.005)
    assert found(crowded, track(vcd=10)).binding == "bleed_rate <= 0.3 1/day"
    assert found(crowded, track(vcd=40)) is None


def test_too_little_growth_is_bound_by_the_lowest_bleed():
    what = found(Cells(cold=-0.1, warm=0.02))
    assert what.binding == "bleed_rate >= 0.05 1/day"
    assert "aim at fewer cells" in what.remedies


def test_a_limit_can_stand_in_the_way():
    """Viability is 100 - 0.1 VCD: 95 % at 50; perfusion of 2 feeds 133e6 cells/mL at 15 pL/cell/day."""
    assert found(Cells(), track(vcd=49)) is None
    what = found(Cells(), track(vcd=60))
    assert what.binding == "viability >= 95"
    assert "viability >= 95 is not kept at any perfusion and temperature" in what.text
    starved = found(Cells(), track(vcd=140), constraints=(Constraint(quantity="cspr", low=15.0),))
    assert starved.binding == "cspr >= 15"
    assert found(Cells(), track(vcd=130), constraints=(Constraint(quantity="cspr", low=15.0),)) is None


@pytest.mark.parametrize("objective", [track(glucose=4), maximize("titer"), (maximize("titer"), minimize("medium"))])
def test_only_densities_are_asked_about(objective):
    assert found(Cells(cold=3.0, warm=4.0), objective) is None


def test_a_density_among_several_objectives_is_asked_about():
    assert found(Cells(cold=3.0, warm=4.0), (minimize("medium"), track(vcd=30))) is not None


def test_the_prior_sees_a_way_to_hold_the_default_target_and_none_for_the_extremes():
    assert found(HybridModel()) is None
    assert found(HybridModel(), track(vcd=2)).binding == "bleed_rate <= 0.3 1/day"
    assert found(HybridModel(), track(vcd=120)).binding == "viability >= 95"
