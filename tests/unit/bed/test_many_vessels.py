"""Searches in step: what they wish to know is played in one go, and no vessel's answer depends on another's."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from perfusio.bed.many_vessels import few, forecasts, guarded, in_step
from perfusio.bed.problem import Problem
from perfusio.bed.search import alone, refining
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import RunConfig, track
from perfusio.errors import ModelError, OutOfRange
from perfusio.state import SETPOINT_INDEX, SPECIES_INDEX
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory

HOLD = SPACE.nominal.vector()
CONFIG = RunConfig(duration_days=9, objective=track(vcd=20.0))
TOGETHER: list[int] = []


@dataclass
class Cells:
    """Grow by a rate and leave by the bleed; can be played beside others."""

    growth: np.ndarray
    alone: list = field(default_factory=list)

    def play(self, plans):
        self.alone.append(len(plans))
        return self._paths(plans)

    def _paths(self, plans):
        net = self.growth[None, :, None] - plans[:, None, :, SETPOINT_INDEX["bleed_rate"]]
        paths = np.tile(make_state().vector(), (*net.shape, 1))
        paths[..., SPECIES_INDEX["vcd"]] = 30.0 * np.exp(np.cumsum(net, axis=2))
        return paths

    def rough(self, n_paths):
        return Cells(self.growth[:n_paths])

    @staticmethod
    def play_together(asked):
        TOGETHER.append(len(asked))
        return [futures._paths(plans) for futures, plans in asked]


def search(growth, seed=0, config=CONFIG):
    drawn = Cells(growth + 0.01 * np.tile([1.0, -1.0], 16))

    def problem(n):
        return Problem(
            futures=drawn.rough(n), current=HOLD, hours=24.0, space=SPACE, config=config, n_paths=n, seed=seed
        )

    return refining(problem(4), problem(8), problem(32), SPACE.low, SPACE.high, np.random.default_rng(seed))


def test_vessels_in_step_find_what_each_finds_alone():
    TOGETHER.clear()
    found = in_step({"R01": search(0.2), "R02": search(0.1, seed=1), "R03": search(0.3, seed=2)})
    assert set(TOGETHER) == {3}
    for reactor, (growth, seed) in {"R01": (0.2, 0), "R02": (0.1, 1), "R03": (0.3, 2)}.items():
        best, merit = alone(search(growth, seed))
        assert (found[reactor][0] == best).all()
        assert found[reactor][1] == merit


def test_a_search_that_fails_drops_out_and_the_others_go_on():
    def failing():
        yield from ()
        raise ModelError("The paths are lost.")

    def dividing():
        yield from ()
        return np.linalg.inv(np.zeros((2, 2)))

    found = in_step({"R01": failing(), "R02": search(0.2), "R03": dividing()})
    assert str(found["R01"]) == "The paths are lost."
    assert isinstance(found["R03"], ModelError)
    assert str(found["R03"]).startswith("No decision for") or "Singular" in str(found["R03"])
    assert (found["R02"][0] == alone(search(0.2))[0]).all()


def test_a_problem_that_cannot_be_judged_costs_the_others_nothing():
    """Beside others its paths are played, and what it is asked for cannot be had from them."""
    volume = CONFIG.model_copy(update={"objective": track(vcv=6.0)})
    found = in_step({"R01": search(0.2), "R02": search(0.1, config=volume), "R03": search(0.3, seed=2)})
    assert isinstance(found["R02"], OutOfRange)
    assert (found["R01"][0] == alone(search(0.2))[0]).all()
    assert (found["R03"][0] == alone(search(0.3, seed=2))[0]).all()


def test_a_mistake_in_our_own_code_is_not_hidden():
    def wrong():
        yield from ()
        raise KeyError("no such thing")

    with pytest.raises(KeyError):
        in_step({"R01": wrong()})
    with pytest.raises(KeyError):
        guarded("R01", lambda: {}["x"])


def test_paths_that_cannot_be_parted_are_drawn_again():
    class Whole:
        def play(self, plans):
            raise NotImplementedError

    cells = Cells(np.arange(8.0))
    assert few(cells, 4, lambda _n: pytest.fail("drawn again")).growth.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert few(Whole(), 4, lambda n: f"{n} drawn again") == "4 drawn again"


class Forecaster:
    """Forecasts by name; together only if no vessel is sick."""

    def rollout(self, trajectory, plans, **_):
        if trajectory.reactor_id == "sick":
            raise ModelError("A sick vessel.")
        return tuple(f"{trajectory.reactor_id} {plan}" for plan in plans)

    def rollout_vessels(self, trajectories, plans, **_):
        return tuple(f for t, plan in zip(trajectories, plans, strict=True) for f in self.rollout(t, [plan]))


def test_forecasts_of_many_vessels_and_plans_go_to_whom_they_are_of():
    vessels = {name: Trajectory(reactor_id=name, states=(make_state(),)) for name in ("a", "b", "sick")}
    ask = {"hours": 24.0, "n_paths": 8, "seed": 0}
    asked = {name: (vessels[name], ["up", "down"]) for name in ("a", "b")}
    assert forecasts(Forecaster(), asked, **ask) == {"a": ("a up", "a down"), "b": ("b up", "b down")}
    found = forecasts(Forecaster(), asked | {"sick": (vessels["sick"], ["up"])}, **ask)
    assert found["a"] == ("a up", "a down")
    assert str(found["sick"]) == "A sick vessel."
