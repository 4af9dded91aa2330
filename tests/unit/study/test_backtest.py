"""Backtests: nobody sees the future, everybody gets the plan that was in force, and planted forecasters score right."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import NotEnoughData
from perfusio.forecast import Forecast
from perfusio.hybrid.rivals.forecasters import Persistence, baselines
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs
from perfusio.plant.sensors import PERFECT
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.species import Species
from perfusio.state import SPECIES, Setpoints, State
from perfusio.study.backtest import TRAJECTORY, backtest, feeds_given, leave_one_run_out, plan_in_force
from perfusio.trajectory import Feed, Trajectory

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
Q = len(SPECIES)


@pytest.fixture(scope="module")
def runs():
    return simulate_runs(CLONE_X, {"R1": NOMINAL, "R2": replace(NOMINAL, bleed_rate=0.25)}, days=9, seed=3)


class Oracle:
    """Knows the future of its runs, and remembers what it was asked."""

    def __init__(self, runs, error=0.0):
        self.runs, self.error, self.asked, self.told = {t.reactor_id: t for t in runs}, error, [], []

    def rollout(self, trajectory, plans, *, interval_hours, n_paths, seed, feeds=()):
        self.asked.append((trajectory, plans[0], seed))
        self.told.append((interval_hours, feeds))
        truth = self.runs[trajectory.reactor_id].values
        at = len(trajectory.states) + np.arange(len(plans[0]))
        rng = np.random.default_rng(seed)
        mean = np.nan_to_num(truth[at])
        samples = mean + self.error * (rng.standard_normal((n_paths, 1, 1)) + rng.standard_normal((1, 1, 1)))
        times = trajectory.states[-1].time_h + interval_hours * np.arange(1, len(at) + 1)
        return (Forecast.from_samples(times, np.broadcast_to(samples, (n_paths, *mean.shape))),)


def test_an_oracle_is_exact_against_the_truth_and_only_sees_the_past(runs):
    oracle = Oracle(runs)
    result = backtest({"oracle": oracle}, runs, truth=runs, horizons=(1, 3), every=2, n_paths=4)
    score = result.board.scores["oracle"]
    assert result.board.against == "truth"
    assert score.horizons == ("1", "3", TRAJECTORY)
    assert np.nanmax(score.rrmse) == pytest.approx(0.0, abs=1e-9)
    starts = [len(t.states) for t, _, _ in oracle.asked if t.reactor_id == "R1"]
    assert starts == [1, 3, 5, 7, 9]  # days 0, 2, 4, 6, 8
    assert [len(plan) for t, plan, _ in oracle.asked if t.reactor_id == "R1"] == [9, 3, 3, 3, 1]
    assert all(len(t.setpoints) == len(t.states) - 1 for t, _, _ in oracle.asked)
    assert len({seed for _, _, seed in oracle.asked}) == len(oracle.asked)


def test_readings_of_signals_alone_are_no_samples(runs):
    panel = CHO_PERFUSION.with_(Species("capacitance", unit="1e6 cells/mL", role="signal", measures="vcd"))

    def observed(run, *, hourly):
        states = []
        for state in run.states:
            states.append(State.of_values(panel, state.time_h, state.measured()))
            if hourly:
                states.append(State.of_values(panel, state.time_h + 6.0, {"capacitance": 20.0}))
        inputs = [Setpoints.of(NOMINAL.vector(), panel)] * (len(states) - 1)
        return Trajectory(reactor_id=run.reactor_id, states=tuple(states), setpoints=tuple(inputs))

    plain, beside = ([observed(run, hourly=hourly) for run in runs] for hourly in (False, True))
    scores = []
    for course in (plain, beside):
        for board in (
            backtest(baselines(course), course, horizons=(1, 3), n_paths=4).board,
            leave_one_run_out(course, baselines, horizons=(1, 3), n_paths=4).board,
        ):
            scores.append(board.scores["persistence"].rrmse)
    assert np.array_equal(scores[0], scores[2], equal_nan=True)
    assert np.array_equal(scores[1], scores[3], equal_nan=True)
    assert np.isfinite(scores[0]).any()


def test_counts_of_a_horizon_are_the_values_that_were_measured(runs):
    result = backtest({"persistence": Persistence()}, runs, horizons=(3,), every=1)
    measured = sum(np.isfinite(r.values[3:]).sum(axis=0) for r in runs)
    np.testing.assert_array_equal(result.board.scores["persistence"].n[0], measured)
    whole = sum(np.isfinite(r.values[1:]).sum(axis=0) for r in runs)
    np.testing.assert_array_equal(result.board.scores["persistence"].n[1], whole)


def test_against_measurements_intervals_count_the_noise_and_against_the_truth_they_do_not():
    clean = simulate_runs(CLONE_X, {f"R{i}": NOMINAL for i in range(4)}, days=9, seed=3, sensors=PERFECT)
    noisy = simulate_runs(CLONE_X, {f"R{i}": NOMINAL for i in range(4)}, days=9, seed=3)
    measured = backtest({"oracle": Oracle(clean)}, noisy, horizons=(1,), every=1).board.scores["oracle"]
    truth = backtest({"oracle": Oracle(clean)}, noisy, truth=clean, horizons=(1,), every=1).board.scores["oracle"]
    assert (measured.sharpness[0.8][0] > 0.0).all()
    assert truth.sharpness[0.8][0] == pytest.approx(0.0)
    assert abs(measured.coverage[0.9][0].mean() - 0.9) < 0.08


def test_a_sample_that_is_not_near_the_forecast_time_is_not_compared(runs):
    late = replace(runs[0], states=(*runs[0].states[:4], replace(runs[0].states[4], time_h=103.0), *runs[0].states[5:]))
    n = [backtest({"p": Persistence()}, [t], horizons=(1,), every=1).board.scores["p"].n[1, 0] for t in (runs[0], late)]
    assert n[0] - n[1] == np.isfinite(runs[0].states[4].vcd)


def test_the_plan_is_what_was_in_force_averaged_over_each_day():
    other = replace(NOMINAL, perfusion_rate=2.0)
    states = tuple(State(time_h=t, vcd=1.0) for t in (0.0, 24.0, 30.0, 48.0))
    run = Trajectory(reactor_id="R", states=states, setpoints=(NOMINAL, NOMINAL, other))
    plan = plan_in_force(run, 0.0, 4)
    assert [u.perfusion_rate for u in plan] == pytest.approx([1.0, 1.75, 2.0, 2.0])
    assert plan[0] == Setpoints.of(NOMINAL.vector())
    with pytest.raises(NotEnoughData, match="R has 1 sample"):
        plan_in_force(Trajectory(reactor_id="R", states=states[:1]), 0.0, 2)


def test_too_short_runs_are_refused(runs):
    stub = replace(runs[0], states=runs[0].states[:1], setpoints=())
    with pytest.raises(NotEnoughData, match="None of 1 runs is as long as 1 day"):
        backtest({"p": Persistence()}, [stub], horizons=(1,))


def test_progress_is_told_per_run_and_baselines_have_their_names(runs):
    done = []
    result = backtest(baselines(runs), runs, horizons=(1,), every=4, n_paths=8, on_run=done.append)
    assert done == [1, 2]
    assert list(result.cases) == ["step-GP", "plain GP", "persistence", "batch average"]
    assert result.cases["persistence"]["1"].samples is None
    assert result.cases["plain GP"]["1"].samples.shape[1:] == (8, Q)


def test_leaving_one_run_out_learns_from_the_others_and_scores_them_all(runs):
    third = replace(runs[0], reactor_id="R3")
    seen, oracles = [], []

    def learn(training):
        seen.append([t.reactor_id for t in training])
        oracles.append(Oracle([*runs, third]))
        return {"oracle": oracles[-1], "persistence": Persistence()}

    done = []
    result = leave_one_run_out([*runs, third], learn, horizons=(1,), every=3, n_paths=4, on_run=done.append)
    assert seen == [["R2", "R3"], ["R1", "R3"], ["R1", "R2"]]
    assert [{t.reactor_id for t, _, _ in o.asked} for o in oracles] == [{"R1"}, {"R2"}, {"R3"}]
    assert done == [1, 2, 3]
    pooled = backtest({"oracle": Oracle([*runs, third])}, [*runs, third], horizons=(1,), every=3, n_paths=4)
    assert (result.board.scores["oracle"].rrmse == pooled.board.scores["oracle"].rrmse).all()
    assert (result.board.scores["oracle"].n == pooled.board.scores["oracle"].n).all()
    with pytest.raises(NotEnoughData, match=r"1 run\(s\), expected two or more"):
        leave_one_run_out(runs[:1], learn)


FEEDS = [Feed(fraction=0.01 * (i + 1), glucose=70.0) for i in range(6)]


def fed(hours, feeds):
    """A run with samples at `hours`; `feeds[i]` right after sample i."""
    states = tuple(State(time_h=h, vcd=1.0 + h) for h in hours)
    n = len(hours) - 1
    return Trajectory(reactor_id="F", states=states, setpoints=(NOMINAL,) * n, feeds=tuple(feeds[:n]))


def test_feeds_are_given_in_the_interval_that_they_start():
    run = fed((0.0, 23.5, 48.5, 72.0, 96.0), [None, FEEDS[1], None, FEEDS[3]])
    assert feeds_given(run, 0.0, 4) == (None, FEEDS[1], None, FEEDS[3])
    assert feeds_given(run, 23.5, 2) == (FEEDS[1], None)  # that of the sample at the end came after it
    assert feeds_given(run, 48.5, 3) == (None, FEEDS[3], None)
    assert feeds_given(replace(run, feeds=()), 0.0, 4) == ()
    assert feeds_given(run, 48.5, 1) == ()


def test_feeds_between_starts_of_intervals_are_not_lost():
    run = fed((0.0, 8.0, 16.0, 24.0), FEEDS)
    (first, second) = feeds_given(run, 0.0, 2)
    assert first == Feed.together(FEEDS[:2])  # 8 h is nearer to 0 h, 16 h to 24 h
    assert second == FEEDS[2]
    assert feeds_given(run, 0.0, 1) == (Feed.together(FEEDS[:3]),)


def test_a_horizon_ends_on_the_sample_that_is_near():
    run = fed((0.0, 25.0, 39.0, 47.0, 71.0), FEEDS)
    oracle = Oracle([run])
    result = backtest({"oracle": oracle}, [run], horizons=(1, 2), every=1)
    assert [hours for hours, _ in oracle.told] == [24.0, 25.0, 23.5, 22.0, 23.0, 24.0]
    assert [len(feeds) for _, feeds in oracle.told] == [3, 1, 2, 1, 2, 1]
    assert oracle.told[1][1] == (FEEDS[0],)
    assert oracle.told[2][1] == (FEEDS[0], Feed.together(FEEDS[1:3]))
    assert result.board.scores["oracle"].n[0, 0] == 3


def test_the_state_after_a_feed_is_what_the_baselines_see():
    rich = [Feed(fraction=0.2, glucose=60.0)] * 5
    run = simulate_runs(CLONE_X, {"R": NOMINAL}, days=6, seed=3)[0]
    other = simulate_runs(CLONE_X, {"R": NOMINAL}, days=12, seed=4)
    past, plan = run.until(2), [NOMINAL] * 2
    for name, forecaster in baselines(other).items():
        ask = {"interval_hours": 24.0, "n_paths": 16, "seed": 0}
        (with_feeds,), (without,) = (forecaster.rollout(past, [plan], **ask, feeds=f) for f in (rich[:2], ()))
        assert (with_feeds.mean != without.mean).any() == (name in ("step-GP", "plain GP"))
