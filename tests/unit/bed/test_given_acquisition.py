"""Acquisition functions of other packages: they decide like any other, and their faults are errors in words."""

import numpy as np
import pytest

from perfusio.bed.policy import BEDPolicy
from perfusio.config import ACQUISITIONS, DEFAULT_AMBR250_DESIGN_SPACE, RunConfig, maximize, minimize
from perfusio.decision import Decision
from perfusio.errors import ConfigError, ModelError
from perfusio.registry import ACQUISITIONS as REGISTRY
from perfusio.testing import GrowingModel, make_state
from perfusio.trajectory import Trajectory

SPACE = DEFAULT_AMBR250_DESIGN_SPACE
TWO = (maximize("productivity"), minimize("medium", horizon_days=3))


def cautious(improvement):
    """The 20 % quantile over the paths, of the sum of objectives."""
    return np.quantile(improvement.sum(axis=2), 0.2, axis=1)


@pytest.fixture(autouse=True)
def registered():
    REGISTRY.register("cautious", cautious)
    yield
    for name in ("cautious", "once"):
        REGISTRY.forget(name)


def decide(**config):
    config = RunConfig(duration_days=14, forecast_days=5, n_paths=32, **config)
    trajectories = {"R01": Trajectory(reactor_id="R01", states=(make_state(),))}
    return BEDPolicy().decide(trajectories, {"R01": SPACE.nominal}, GrowingModel(), SPACE, config, day=0)["R01"]


def test_it_decides_and_is_named_in_the_decision():
    found = decide(acquisition="cautious", objective=maximize("productivity"))
    assert isinstance(found, Decision)
    assert found.acquisition == "cautious"
    assert found.setpoints.perfusion_rate > SPACE.nominal.perfusion_rate


def test_one_for_several_objectives_sees_each_of_them():
    seen = set()

    def each(improvement):
        seen.add(improvement.shape[2])
        return improvement.mean(axis=1).min(axis=1)

    each.is_multi = True
    REGISTRY.register("once", each)
    assert isinstance(decide(acquisition="once", objective=TWO), Decision)
    assert isinstance(decide(acquisition="cautious", objective=TWO), Decision)
    assert seen == {2}
    with pytest.raises(ConfigError, match="weighs several objectives"):
        RunConfig(duration_days=3, acquisition="once")


@pytest.mark.parametrize(
    ("function", "words"),
    [(lambda improvement: improvement, "shape"), (lambda improvement: {}["x"], "KeyError")],
)
def test_one_that_fails_is_an_error_in_words(function, words):
    REGISTRY.register("once", function)
    answer = decide(acquisition="once")
    assert isinstance(answer, ModelError)
    assert words in str(answer)


def test_names_are_those_of_the_configuration_and_of_others():
    assert REGISTRY.names == (*ACQUISITIONS, "cautious")
    with pytest.raises(ConfigError, match=r"'cautius' is not an acquisition function\. Did you mean 'cautious'"):
        RunConfig(duration_days=3, acquisition="cautius")
    REGISTRY.register("once", 3)
    with pytest.raises(ConfigError, match="int: expected a function"):
        RunConfig(duration_days=3, acquisition="once")
