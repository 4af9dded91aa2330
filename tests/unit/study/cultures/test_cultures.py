"""Virtual cultures under a controller: the trouble is that which is asked for, and judged by the truth."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.objective import DEFAULT_CONSTRAINTS
from perfusio.plant.clones import CLONE_X
from perfusio.plant.families import clone_named
from perfusio.study.cultures.control_task import ControlTask
from perfusio.study.cultures.controllers import model_free_mpc, pi
from perfusio.study.cultures.culture import VirtualCulture, reached, steered
from perfusio.study.cultures.judged import figures
from perfusio.study.cultures.trouble import Trouble
from perfusio.study.cultures.under_twin import under_twin

DAYS = 6
WELL = VirtualCulture(clone=CLONE_X, seed=5, days=DAYS)


def hold_still(_history, in_force, _day):
    return in_force


@pytest.fixture(scope="module")
def courses():
    troubles = {
        "none": Trouble(), "death": Trouble(day=2, death=2.0), "lost": Trouble(day=2, lost_days=2),
        "pump": Trouble(day=2, pump=0.8), "medium": Trouble(day=2, medium=0.5),
        "mixed": Trouble(day=2, mixed_units=True), "step": Trouble(day=2, target=1.3),
    }  # fmt: skip
    cultures = [replace(WELL, trouble=t) for t in troubles.values()]
    cultures.append(replace(WELL, clone=clone_named("Y-GS46"), trouble=Trouble(day=2, death=2.0)))
    found = steered(cultures, [hold_still] * len(cultures))
    return dict(zip([*troubles, "foreign"], found, strict=True))


def vcd(course):
    return np.array([s.vcd for s in course.truth])


def test_trouble_changes_what_it_should_from_its_day_on_and_nothing_before(courses):
    well = vcd(courses["none"])
    for name, course in courses.items():
        if name != "foreign":
            assert vcd(course)[:3] == pytest.approx(well[:3], rel=1e-9), name
    assert vcd(courses["death"])[-1] < well[-1]
    assert courses["medium"].truth[-1].glutamine < 0.8 * courses["none"].truth[-1].glutamine
    assert courses["pump"].truth[-1].ammonium > 1.02 * courses["none"].truth[-1].ammonium
    assert courses["pump"].asked == courses["none"].asked  # nobody is told
    for same in ("lost", "mixed", "step"):  # trouble of the sheet or the aim is none of the cells
        assert vcd(courses[same]) == pytest.approx(well, rel=1e-9)


def test_samples_are_lost_and_mixed_up_on_their_days_only(courses):
    seen = [s.vcd for s in courses["lost"].trajectory.states]
    assert [day for day, v in enumerate(seen) if v != v][:2] == [2, 3]
    assert len(seen) == DAYS + 1
    usual, mixed = courses["none"].trajectory.states, courses["mixed"].trajectory.states
    assert mixed[2].vcd == pytest.approx(10.0 * usual[2].vcd)
    assert mixed[2].glucose == pytest.approx(5.55 * usual[2].glucose, rel=1e-3)
    assert [s.vcd for s in mixed[3:]] == [s.vcd for s in usual[3:]]


def test_a_culture_is_the_same_alone_and_beside_others(courses):
    (alone,) = steered([WELL], [hold_still])
    assert vcd(alone) == pytest.approx(vcd(courses["none"]), rel=1e-9)
    readings = ([s.lactate for s in c.trajectory.states] for c in (alone, courses["none"]))
    assert next(readings) == pytest.approx(next(readings), rel=1e-9, nan_ok=True)


def test_figures_are_of_the_truth(courses):
    found = figures(courses["none"], DEFAULT_CONSTRAINTS)
    assert found["error_pct"] == pytest.approx(100 * abs(vcd(courses["none"])[-1] / 30.0 - 1.0))
    assert (found["moves"], found["variation"], found["perfused"]) == (0.0, 0.0, 1.0)
    step = figures(courses["step"], DEFAULT_CONSTRAINTS)
    assert step["error_pct"] == pytest.approx(100 * abs(vcd(courses["step"])[-1] / 39.0 - 1.0))


def test_proposals_are_brought_back_into_reach_and_counted():
    wild = SPACE.nominal.with_values(perfusion_rate=9.0, bleed_rate=float("nan"))
    assert reached(wild, SPACE.nominal, SPACE) == SPACE.nominal.with_values(perfusion_rate=1.3)
    (course,) = steered([replace(WELL, days=2)], [lambda *_: wild])
    assert course.withheld == 2


def test_pi_goes_through_its_history_as_if_it_had_lived_it(courses):
    run = courses["none"].trajectory
    task = ControlTask(
        target=30.0, limits=(), design_space=SPACE, process=SPACE.process, day=DAYS, days=28
    )
    assert task.past_runs == ()
    for controller in (pi, model_free_mpc):
        assert SPACE.contains(controller(run, SPACE.nominal, task))


def test_the_twin_sees_the_same_culture_and_the_same_trouble():
    """Its first sample is that of the others, one day is lost, and the pump gives less than it says."""
    trouble = Trouble(day=1, lost_days=1, pump=0.8)
    course = under_twin(
        replace(WELL, days=2, trouble=trouble), limits=DEFAULT_CONSTRAINTS,
        settings={"n_paths": 16, "forecast_days": 3},
    )  # fmt: skip
    (other,) = steered([replace(WELL, days=2, trouble=trouble)], [hold_still])
    assert course.trajectory.states[0].vcd == pytest.approx(other.trajectory.states[0].vcd)
    assert len(course.truth) == 3
    assert len(course.trajectory.states) == 2
    assert len(course.asked) == 2


def test_a_sample_that_the_twin_refuses_is_no_gap_in_the_truth():
    """Units are mixed up on day 2: the twin keeps that sample out, and the course is judged on every day."""
    culture = replace(WELL, days=3, trouble=Trouble(day=2, mixed_units=True))
    course = under_twin(culture, limits=DEFAULT_CONSTRAINTS, settings={"n_paths": 16, "forecast_days": 3})
    assert [round(s.day) for s in course.trajectory.states] == [0, 1, 3]
    assert [round(s.day) for s in course.truth] == [0, 1, 2, 3]
    assert np.isfinite(figures(course, DEFAULT_CONSTRAINTS)["error_pct"])
