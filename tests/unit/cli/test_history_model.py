"""What a run starts from when there are past runs."""

from dataclasses import replace

import pytest

from perfusio.cli.history_model import learnt, starting_model
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.hybrid.model import HybridModel
from perfusio.plant.clones import CLONE_X, CLONE_Y
from perfusio.plant.experiment import simulate_runs


def runs_of(clone, n, seed):
    plans = {f"{clone.name}{i}": replace(SPACE.nominal, perfusion_rate=0.9 + 0.2 * i) for i in range(n)}
    return simulate_runs(clone, plans, days=6, seed=seed)


@pytest.fixture(scope="module")
def past():
    return runs_of(CLONE_X, 2, 1)


def test_without_history_there_is_no_model():
    assert starting_model(None, ["CloneX"], seed=0) is None


def test_history_of_the_same_clone_is_a_fit(past):
    model, told = learnt(past, "CloneX", seed=0)
    assert model.model_id == HybridModel().fit(past).model_id
    assert told == "all are of CloneX"


def test_history_of_others_makes_a_newcomer(past):
    model, told = learnt(past, "CloneY", seed=0)
    assert "none is of CloneY" in told
    assert model.courses == ()


def test_few_runs_among_others_are_told(past):
    _, told = learnt([*past, *runs_of(CLONE_Y, 1, 2)], "CloneY", seed=0)
    assert told.startswith(("1 of CloneY", "only the 1"))
