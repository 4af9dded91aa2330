"""Data frames out: of trajectories, forecasts, campaigns and runs; what is missing without pandas is said."""

import sys

import numpy as np
import pandas as pd
import pytest

from perfusio import Campaign, Forecast, HybridModel, Process, Setpoints, State, Trajectory, maximize, read_runs
from perfusio.errors import ConfigError
from perfusio.frames import data_frame, one_frame
from perfusio.plant.clones import CLONE_Y
from perfusio.plant.experiment import simulate_runs
from perfusio.process import CHO_PERFUSION, Medium, Setpoint, Species
from perfusio.trajectory import Feed
from perfusio.twin.outcome import Outcome, RunResult

HELD = Setpoints(perfusion_rate=1.0, bleed_rate=0.1, glucose_setpoint=4.0, temperature=36.5, agitation=850.0,
                 pyruvate_feed=1.0)  # fmt: skip


@pytest.fixture(scope="module")
def runs():
    return simulate_runs(CLONE_Y, {"R01": HELD, "R02": HELD.with_values(bleed_rate=0.2)}, days=6, seed=0)


def same(a, b):
    """Whether two trajectories say the same of the same run."""
    assert (a.reactor_id, a.clone, a.panel, a.medium) == (b.reactor_id, b.clone, b.panel, b.medium)
    np.testing.assert_array_equal(a.values, b.values)
    np.testing.assert_array_equal(a.inputs, b.inputs)
    np.testing.assert_allclose(a.times_h, b.times_h, rtol=1e-15)
    assert a.feeds == b.feeds
    return True


def test_a_trajectory_becomes_a_frame_and_comes_back(runs):
    for run in runs:
        frame = run.to_frame()
        assert len(frame) == len(run.states)
        assert frame.attrs["units"]["titer"] == "mg/L"
        assert frame["bleed_rate"].isna().tolist() == [False] * (len(run.states) - 1) + [True]
        (back,) = read_runs(frame)
        assert same(run, back)


def test_several_runs_stand_in_one_frame(runs):
    frame = one_frame([run.to_frame() for run in runs])
    assert frame.index.tolist() == list(range(len(frame)))
    assert frame.attrs["units"]["vcd"] == "1e6 cells/mL"
    assert all(same(a, b) for a, b in zip(runs, read_runs(frame), strict=True))
    assert one_frame([]).empty


def test_a_frame_of_another_process_with_feed_and_medium_comes_back():
    panel = CHO_PERFUSION.without("pyruvate", "pyruvate_feed").with_(
        Species("asparagine", unit="mmol/L", role="solute", molar_mass=132.12),
        Setpoint("ph", unit="pH", role="condition"),
        medium=Medium(glucose=5.0), media={"rich": Medium(glucose=9.0, asparagine=12.0)},
    )  # fmt: skip
    given = {"vcd": 3.0, "viability": 98.0, "glucose": 5.0, "asparagine": 2.5}
    held = Setpoints.of_values(panel, HELD.by_name() | {"ph": 7.0} if "ph" in HELD.by_name() else {
        **{n: v for n, v in HELD.by_name().items() if n != "pyruvate_feed"}, "ph": 7.0})  # fmt: skip
    feed = Feed(fraction=0.1, glucose=100.0, panel=panel, more={"asparagine": 50.0})
    run = Trajectory(reactor_id="B1", medium=panel.medium_named("rich"))
    for day, fed in enumerate((None, feed, None)):
        run = run.observe(State.of_values(panel, 24.0 * day, given), held, fed)
    frame = run.to_frame()
    assert frame["medium"].tolist() == ["rich"] * 3
    assert frame["feed_asparagine"].tolist()[:1] == [50.0]
    (back,) = read_runs(frame, panel=panel)
    assert same(run, back)


def test_an_unnamed_medium_is_refused_in_words():
    run = Trajectory(reactor_id="B1", states=(State(time_h=0.0, vcd=3.0),), medium=Medium(glucose=7.0))
    with pytest.raises(ConfigError, match="media of the process"):
        run.to_frame()


def test_a_forecast_becomes_a_tidy_frame():
    samples = np.random.default_rng(0).normal(size=(50, 3, 9)) + 10.0
    forecast = Forecast.from_samples(np.array([24.0, 48.0, 72.0]), samples, support=np.array([1.0, 0.5, 0.1]))
    frame = forecast.to_frame()
    assert len(frame) == 27
    titer = frame[frame.quantity == "titer"]
    np.testing.assert_array_equal(titer["mean"], forecast["titer"].mean)
    np.testing.assert_array_equal(titer["q10"], forecast["titer"].interval(0.8)[0])
    np.testing.assert_array_equal(titer["q95"], forecast["titer"].interval(0.9)[1])
    assert titer["day"].tolist() == [1.0, 2.0, 3.0]
    assert titer["support"].tolist() == [1.0, 0.5, 0.1]
    assert set(titer["unit"]) == {"mg/L"}


def test_a_campaign_becomes_a_frame_of_its_recipes(runs):
    campaign = Campaign(HybridModel(), objective=maximize("productivity"), days=6, from_day=4)
    campaign.add_pending({"R02": runs[1].setpoints[0], "R07": HELD.with_values(bleed_rate=0.3)})
    campaign.add_measurements(one_frame([runs[0].to_frame(), runs[1].until(4).to_frame()]))
    frame = campaign.to_frame()
    assert frame[["run", "status"]].to_numpy().tolist() == [["R01", "done"], ["R02", "goes on"], ["R07", "waits"]]
    assert frame["last_day"].tolist()[:2] == [6.0, 3.0]
    counted = [runs[0].states[day].titer * (1.0 - 0.1) for day in (4, 5, 6)]
    assert frame["measured"][0] == pytest.approx(np.mean(counted), rel=1e-12)
    assert frame["measured"].isna().tolist() == [False, True, True]
    assert frame["bleed_rate"].tolist() == [0.1, 0.2, 0.3]
    assert frame.attrs["units"]["measured"] == "mg/L/day"


def test_a_result_holds_the_samples_of_all_vessels(runs):
    result = RunResult(outcome=Outcome.COMPLETED, trajectories={r.reactor_id: r for r in runs}, audit_path=None,
                       n_samples=14, n_decisions=12)  # fmt: skip
    assert result.to_frame()["run"].tolist() == ["R01"] * 7 + ["R02"] * 7


def test_without_pandas_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigError, match=r"install 'perfusio-twin\[frames\]'"):
        data_frame({"a": [1.0]})
    with pytest.raises(ConfigError, match="needs pandas"):
        Trajectory(reactor_id="R01").to_frame()


def test_an_empty_trajectory_is_an_empty_frame():
    frame = Trajectory(reactor_id="R01").to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert len(frame) == 0
    assert "vcd" in frame.columns
    assert Process is type(CHO_PERFUSION)
