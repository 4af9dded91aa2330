"""State, Setpoints and Feed of panels that are not the default one."""

import copy
import math
import pickle

import numpy as np
import pytest

from perfusio.errors import ConfigError, UnknownQuantity
from perfusio.process import CHO_PERFUSION, Medium, Setpoint, Species
from perfusio.process.facts import Allowed, Noise, Prior, Unexplained
from perfusio.process.feed import Feed
from perfusio.process.soundness import TAKEN
from perfusio.state import Setpoints, State
from perfusio.trajectory import Trajectory

ASPARAGINE = Species(
    "asparagine", unit="mmol/L", role="solute", molar_mass=132.12,
    noise=Noise(relative=0.06, absolute=0.02, floor=0.1), prior=Prior(mean=3.0, sd=1.0),
    unexplained=Unexplained(drift_sd=0.1, drift_walk=0.04, white_sd=0.05, usual=0.2, limit=0.6, clear_change=0.5),
)  # fmt: skip
PH = Setpoint("ph", unit="-", role="condition", allowed=Allowed(low=6.8, high=7.2, nominal=7.0, max_step=0.1),
              clear_change=0.1)  # fmt: skip
PANEL = CHO_PERFUSION.without("pyruvate", "pyruvate_feed").with_(ASPARAGINE, PH, medium=Medium(asparagine=12.0))


def test_arrays_follow_the_panel():
    assert PANEL.species_names[-1] == "asparagine"
    assert PANEL.index("asparagine") == len(PANEL.species_names) - 1
    assert "pyruvate" not in PANEL.species_names
    state = State.of_values(PANEL, 24.0, {"asparagine": 2.0, "vcd": 3.0})
    assert state.asparagine == 2.0
    assert math.isnan(state.glucose)
    assert state.vector()[PANEL.index("asparagine")] == 2.0
    assert State.of(24.0, state.vector(), PANEL).measured() == {"vcd": 3.0, "asparagine": 2.0}
    assert "asparagine" not in state.missing()


def test_numbers_show_alike_whether_declared_or_not():
    assert repr(Feed(fraction=0.1)).endswith("pyruvate=0.0)")
    assert "asparagine=2.0" in repr(State.of_values(PANEL, 24.0, {"asparagine": 2.0}))
    assert "more" not in repr(Setpoints.of_values(PANEL, {"ph": 7.1}))


def test_what_the_panel_does_not_know_is_refused():
    with pytest.raises(UnknownQuantity, match="'asparagine'"):
        State.of_values(PANEL, 0.0, {"asparagin": 1.0})
    with pytest.raises(UnknownQuantity):
        State.of_values(PANEL, 0.0, {"pyruvate": 1.0})
    with pytest.raises(UnknownQuantity):
        State(time_h=0.0).with_values(asparagine=1.0)
    with pytest.raises(AttributeError):
        State(time_h=0.0).asparagine  # noqa: B018
    with pytest.raises(UnknownQuantity, match="no place"):
        PANEL.index("diameter")


def test_setpoints_are_keys_and_fill_each_other():
    asked = Setpoints.of_values(PANEL, {"ph": 7.1})
    full, filled = asked.filled_from(Setpoints.of(np.arange(6.0), PANEL))
    assert full.ph == 7.1
    assert "ph" not in filled
    assert full.perfusion_rate == 0.0
    assert {asked: 1}[Setpoints.of_values(PANEL, {"ph": 7.1})] == 1
    assert asked != Setpoints.of_values(PANEL, {"ph": 7.0})


def test_feeds_hold_what_the_panel_knows():
    feed = Feed.of_values(PANEL, 0.1, {"asparagine": 100.0, "glucose": 50.0})
    assert feed.vector()[PANEL.index("asparagine")] == 100.0
    twice = Feed.together([feed, feed])
    assert twice.fraction == pytest.approx(0.2)
    assert twice.asparagine == pytest.approx(100.0)
    with pytest.raises(ConfigError, match="asparagine"):
        Feed.of_values(PANEL, 0.1, {"asparagine": -1.0})


def test_one_process_for_a_vessel():
    run = Trajectory(reactor_id="R01").observe(State.of_values(PANEL, 0.0, {}), Setpoints())
    assert run.panel is PANEL
    assert run.flows_in["asparagine"] == 12.0
    with pytest.raises(ConfigError, match="one process"):
        Trajectory(reactor_id="R01", states=(run.states[0], State(time_h=24.0)), setpoints=(Setpoints(),))
    with pytest.raises(ConfigError, match="one process"):
        run.observe(State(time_h=24.0), Setpoints())


def test_states_travel_between_processes():
    state = State.of_values(PANEL, 24.0, {"asparagine": 2.0})
    again = pickle.loads(pickle.dumps(state))  # noqa: S301
    assert again.panel == PANEL
    assert again.asparagine == 2.0
    assert copy.deepcopy(state).asparagine == 2.0
    assert pickle.loads(pickle.dumps(State(time_h=0.0))).panel is CHO_PERFUSION  # noqa: S301


@pytest.mark.parametrize("kind", [State, Setpoints, Feed])
def test_no_quantity_can_hide_behind_an_attribute(kind):
    """A quantity called as a method or property would never be read."""
    others = {name for name in dir(kind) if not name.startswith("_")} - set(CHO_PERFUSION.by_name)
    assert others <= TAKEN
