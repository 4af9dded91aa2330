"""CountsModel: forecasts from counts alone, sound whatever was measured."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.bed.model_free.counts_model import CountsModel
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.errors import ModelError
from perfusio.process import CHO_PERFUSION
from perfusio.state import State
from perfusio.trajectory import Trajectory

MODEL = CountsModel(panel=CHO_PERFUSION)
NOMINAL = SPACE.nominal


def culture(*counts, **others):
    """A culture whose bleed is at its nominal value, with a count a day."""
    known = Trajectory(reactor_id="R01")
    for day, vcd in enumerate(counts):
        known = known.observe(State(time_h=24.0 * day, vcd=vcd, **others), NOMINAL)
    return known


def ahead(known, *plans, n=28):
    return MODEL.rollout(known, [[plan] * n for plan in plans], interval_hours=24.0, n_paths=64, seed=1)


def test_cells_grow_as_they_did_and_a_larger_bleed_takes_them_out():
    growth = 0.25
    known = culture(*(10.0 * np.exp((growth - NOMINAL.bleed_rate) * d) for d in range(8)))
    as_it_is, more = ahead(known, NOMINAL, replace(NOMINAL, bleed_rate=0.35), n=3)
    factor = as_it_is["vcd"].median / known.states[-1].vcd
    assert np.log(factor) == pytest.approx((growth - NOMINAL.bleed_rate) * np.arange(1, 4), abs=0.1)
    assert np.log(as_it_is["vcd"].median / more["vcd"].median) == pytest.approx(0.2 * np.arange(1, 4), rel=1e-6)


def test_other_species_go_on_from_their_last_reading_as_far_as_they_wandered():
    known = culture(20, 20, 20, glucose=4.0, viability=98.0)
    glucose = ahead(known, NOMINAL, n=4)[0]["glucose"]
    assert glucose.median == pytest.approx(4.0, abs=0.3)
    assert (np.diff(glucose.sd) > 0.0).all()
    jumping = Trajectory(reactor_id="R01")
    for day, value in enumerate((2.0, 6.0, 2.0, 6.0)):
        jumping = jumping.observe(State(time_h=24.0 * day, vcd=20.0, glucose=value), NOMINAL)
    assert ahead(jumping, NOMINAL, n=4)[0]["glucose"].sd[0] > 3.0 * glucose.sd[0]


@pytest.mark.parametrize("counts", [(1e-4,), (0.5, 60.0), (399.0, 399.0)])
def test_whatever_was_counted_every_value_is_possible(counts):
    (forecast,) = ahead(culture(*counts), NOMINAL)
    low, high = (np.array([getattr(s, end) for s in CHO_PERFUSION.modelled]) for end in ("low", "high"))
    assert forecast.is_finite()
    assert (forecast.samples >= low).all()
    assert (forecast.samples <= high).all()


def test_cells_that_were_never_counted_are_not_forecast_and_nothing_is_fitted():
    with pytest.raises(ModelError, match="R01 were never counted"):
        ahead(culture(np.nan, glucose=4.0), NOMINAL)
    with pytest.raises(ModelError, match="no parameters"):
        MODEL.refit([], seed=0)
