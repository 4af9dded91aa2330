"""One volume balance: design space, guard, search, designs and virtual vessels judge alike."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Bounds, DesignSpace
from perfusio.errors import EmptyDesignSpace, OutOfRange
from perfusio.plant.batch_checks import check_setpoints
from perfusio.process import CHO_PERFUSION, Setpoint
from perfusio.process.document import read_process
from perfusio.process.rules import (
    SAMPLING_FLOW,
    are_balanced,
    flows,
    imbalance,
    imbalance_of,
    is_balanced,
    largest_bleed,
)
from perfusio.state import SETPOINT_INDEX, Setpoints
from perfusio.twin.writes.guard import breaches

WIDE = DesignSpace(
    bounds={**DEFAULT_AMBR250_DESIGN_SPACE.bounds, "bleed_rate": Bounds(low=0.0, high=2.5, nominal=0.15, max_step=2.5)}
)
FLOWS = st.floats(0.5, 2.0), st.floats(0.0, 2.5)


def setpoints(perfusion, bleed):
    u = WIDE.nominal.vector()
    u[SETPOINT_INDEX["perfusion_rate"]], u[SETPOINT_INDEX["bleed_rate"]] = perfusion, bleed
    return u


def vessel_takes(u):
    try:
        check_setpoints(Setpoints.of(u))
    except OutOfRange:
        return False
    return True


@given(*FLOWS)
def test_everybody_judges_alike(perfusion, bleed):
    u = setpoints(perfusion, bleed)
    right = bleed + SAMPLING_FLOW <= perfusion + 1e-9
    assert bool(is_balanced(perfusion, bleed)) == right
    assert WIDE.contains(Setpoints.of(u)) == right
    assert vessel_takes(u) == right
    assert breaches(u, u, WIDE.low, WIDE.high, WIDE.max_step)[2] == (not right)


@pytest.mark.parametrize("perfusion", np.linspace(0.5, 2.0, 16))
def test_the_edge_itself_is_allowed_everywhere(perfusion):
    u = setpoints(perfusion, float(largest_bleed(perfusion)))
    assert are_balanced(u)
    assert vessel_takes(u)
    assert WIDE.contains(Setpoints.of(u))


def test_a_rig_that_takes_no_samples_may_be_bled_further():
    assert not is_balanced(0.5, 0.495)
    assert is_balanced(0.5, 0.495, 0.0)
    assert largest_bleed(0.5, 0.1) == pytest.approx(0.4)
    assert "sampling 0.1 1/day" in imbalance(0.5, 0.45, 0.1)


def test_what_is_no_number_is_not_balanced():
    assert not is_balanced(np.nan, 0.1)
    assert not is_balanced(1.0, np.nan)
    assert are_balanced(np.stack([setpoints(1.0, 0.2), setpoints(1.0, np.nan)])).tolist() == [True, False]


def test_the_words_name_both_flows_and_the_way_out():
    words = imbalance(1.0, 0.99)
    assert "bleed_rate 0.99 and sampling 0.015 1/day exceed perfusion_rate 1 1/day" in words
    assert "Lower the bleed or raise the perfusion" in words


def test_a_space_in_which_every_vessel_runs_empty_is_refused():
    bounds = {**WIDE.bounds, "perfusion_rate": Bounds(low=0.2, high=0.5, nominal=0.4, max_step=0.1),
              "bleed_rate": Bounds(low=0.49, high=1.0, nominal=0.5, max_step=0.1)}  # fmt: skip
    with pytest.raises(EmptyDesignSpace, match=r"bleed_rate 0\.49 and sampling 0\.015"):
        DesignSpace(bounds=bounds)


FED_BATCH = read_process(Path(__file__).parents[2] / "fixtures" / "processes" / "fed_batch.toml")


def of_a_panel(panel, **values):
    return np.array([values.get(name, 0.0) for name in panel.setpoint_names])


def test_without_perfusion_the_volume_may_fall_by_what_is_sampled():
    feeds = FED_BATCH.of_role("feed_rate")
    none = of_a_panel(FED_BATCH)
    assert FED_BATCH.balance != "perfusion"
    assert are_balanced(none, FED_BATCH)
    inflow, bleed = flows(of_a_panel(FED_BATCH, **dict.fromkeys(feeds, 0.25)), FED_BATCH)
    assert (inflow, bleed) == (pytest.approx(0.25 * len(feeds)), 0.0)


def test_perfusion_and_every_feed_flow_in():
    panel = CHO_PERFUSION.with_(Setpoint("feed_rate", unit="1/day", role="feed_rate"))
    u = of_a_panel(panel, perfusion_rate=1.0, feed_rate=0.25, bleed_rate=1.2)
    assert flows(u, panel) == (1.25, 1.2)
    assert are_balanced(u, panel)
    assert not are_balanced(of_a_panel(panel, perfusion_rate=1.0, feed_rate=0.125, bleed_rate=1.2), panel)
    many = np.stack([u, of_a_panel(panel, bleed_rate=0.5)])
    assert are_balanced(many, panel).tolist() == [True, False]
    assert [flow.shape for flow in flows(many, panel)] == [(2,), (2,)]
    words = imbalance_of(Setpoints.of(of_a_panel(panel, perfusion_rate=1.0, feed_rate=0.125, bleed_rate=1.2), panel))
    assert "bleed_rate 1.2 and sampling 0.015 1/day exceed perfusion_rate + feed_rate 1.125 1/day" in words


def test_nothing_flows_in_or_out_where_the_panel_has_no_such_setpoint():
    batch = FED_BATCH.without(*FED_BATCH.of_role("feed_rate"))
    inflow, bleed = flows(np.zeros((3, len(batch.setpoint_names))), batch)
    assert (inflow.tolist(), bleed.tolist()) == ([0.0] * 3, [0.0] * 3)


def test_the_words_of_a_process_without_perfusion_say_no_sampling():
    words = imbalance_of(Setpoints.of(of_a_panel(FED_BATCH), FED_BATCH))
    assert "bleed 0 and sampling 0 1/day exceed" in words


def test_only_rounding_is_forgiven():
    edge = float(largest_bleed(1.0))
    assert is_balanced(1.0, edge + 0.5e-9)
    assert not is_balanced(1.0, edge + 2e-9)
