"""Of many runs a search sees some, the processes see all, and what was smoothed before is not smoothed again."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import NotEnoughData
from perfusio.hybrid import learning, model, relearning
from perfusio.hybrid.checkpoints import load, save
from perfusio.hybrid.gaussian_processes import sparse
from perfusio.hybrid.gaussian_processes.sparse import InducingProcess
from perfusio.hybrid.learning import Course
from perfusio.hybrid.model import HybridModel
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
N, DAYS = 12, 6


@pytest.fixture(scope="module")
def runs():
    recipes = {f"R{i:02d}": replace(NOMINAL, bleed_rate=0.1 + 0.01 * i, temperature=37.0 - 0.1 * i) for i in range(N)}
    return simulate_runs(CLONE_X, recipes, days=DAYS, seed=3)


@pytest.fixture
def many(monkeypatch):
    """What is many in earnest would take long to learn from."""
    monkeypatch.setattr(learning, "MANY_TRANSITIONS", 40)
    monkeypatch.setattr(learning, "SEARCHED_AGAIN", 20)
    monkeypatch.setattr(model, "N_FOLLOWED", 3)
    monkeypatch.setattr(sparse, "EXACT_ROWS", 50)


def earlier(runs):
    """The last two runs had two samples less so far."""
    return [*runs[:-2], *(t.until(DAYS - 1) for t in runs[-2:])]


@pytest.fixture
def learnt(many, runs):
    return HybridModel().fit(earlier(runs), calibrate=False)


def test_processes_see_all_rows_through_their_points(learnt, runs):
    processes = learnt.process.residual.processes
    assert all(isinstance(p, InducingProcess) for p in processes)
    assert [c.trajectory.reactor_id for c in learnt.courses] == [t.reactor_id for t in runs]
    assert [len(c.species) for c in learnt.courses] == [len(t.states) for t in earlier(runs)]
    assert (learnt.process.residual.support(processes[0].some_rows(50)) > 0.5).all()


def test_vessels_given_last_are_followed(learnt, runs):
    assert list(learnt.beliefs) == [t.reactor_id for t in runs[-3:]]


def test_a_refit_goes_on_from_all_that_was_learnt_though_only_live_vessels_are_given(learnt, runs):
    after = learnt.refit(runs[-2:], seed=0).model
    assert {c.trajectory.reactor_id: len(c.trajectory.states) for c in after.courses} == {
        t.reactor_id: len(t.states) for t in runs
    }
    assert list(after.beliefs) == [t.reactor_id for t in runs[-2:]]


def test_so_it_does_where_runs_are_few(runs):
    few = HybridModel().fit(runs[:4], calibrate=False)
    after = few.refit([runs[4]], seed=0).model
    assert [c.trajectory for c in after.courses] == list(runs[:5])
    afresh = HybridModel().refit([runs[4]], seed=0).model
    rows = [max(len(p.x) for p in m.process.residual.processes if p is not None) for m in (few, after)]
    assert rows[1] == rows[0] + DAYS
    assert after.process.log_factors != pytest.approx(afresh.process.log_factors)


def test_only_runs_with_new_samples_and_those_of_the_search_are_smoothed_again(learnt, runs):
    def kept(seed):
        after = {id(c) for c in learnt.refit(runs[-2:], seed=seed).model.courses}
        return [id(c) in after for c in learnt.courses]

    one = kept(0)
    assert not any(one[-2:])
    assert 5 <= sum(one) <= N - 3
    assert one != kept(1)


def test_where_new_samples_are_a_surprise_everything_is_learnt_anew(learnt, runs, monkeypatch):
    monkeypatch.setattr(relearning, "SURPRISED", 0.0)
    after = learnt.refit(runs[-2:], seed=0).model
    assert not {id(c) for c in learnt.courses} & {id(c) for c in after.courses}
    assert len(after.courses) == N


def test_a_refit_of_many_is_judged_and_repeatable(learnt, runs):
    one, two = (learnt.refit(runs[-2:], seed=4) for _ in range(2))
    assert one.model.model_id == two.model.model_id != learnt.model_id
    assert one.error < 1.3 * one.previous_error


def test_samples_that_were_learnt_from_do_not_judge(learnt, runs):
    alone = learnt.refit(runs[-2:], seed=0)
    beside = learnt.refit(runs[-4:], seed=0)  # two of them have nothing new
    assert beside.previous_error == pytest.approx(alone.previous_error)
    with pytest.raises(NotEnoughData, match="nothing to learn"):
        learnt.refit(runs[:2], seed=0)


def test_what_it_foresees_is_near_what_all_runs_together_say(learnt, runs, monkeypatch):
    monkeypatch.undo()
    exact = HybridModel().fit(earlier(runs), calibrate=False)
    plan = [runs[3].setpoints[-1]] * 3
    a, b = (m.rollout(runs[3].until(3), [plan], interval_hours=24.0, n_paths=64, seed=0)[0] for m in (learnt, exact))
    assert (np.abs(a.mean - b.mean) < 1.5 * b.sd + 0.02 * b.mean).all()


def test_runs_of_the_same_name_are_not_taken_for_one_another(runs):
    course = Course(trajectory=runs[0].until(3), species=runs[0].values[:3])
    assert course.goes_on_as(runs[0])
    assert course.goes_on_as(replace(runs[0], states=tuple(replace(s) for s in runs[0].states)))
    assert not course.goes_on_as(runs[1])
    assert not course.goes_on_as(replace(runs[1], reactor_id=runs[0].reactor_id, run_id=runs[0].run_id))
    assert not course.goes_on_as(replace(runs[0], run_id="another"))


def test_it_can_be_saved_and_learns_on_as_it_would_have(learnt, runs, tmp_path):
    save(learnt, tmp_path, trajectories=earlier(runs))
    again = load(tmp_path)
    assert again.model_id == learnt.model_id
    for ours, theirs in zip(again.process.residual.processes, learnt.process.residual.processes, strict=True):
        for name in ("x", "alpha", "factor", "precision", "pull", "root", "rows"):
            assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name
    assert again.refit(runs[-2:], seed=0).model.model_id == learnt.refit(runs[-2:], seed=0).model.model_id


def test_nothing_to_learn_from_is_said():
    with pytest.raises(NotEnoughData, match="too few"):
        HybridModel().fit([])
