"""The medium check: a wrong inlet is named with a number that is near, and nothing else is blamed."""

from dataclasses import replace
from math import nan

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.hybrid import medium_check
from perfusio.hybrid.medium_check import medium_doubts
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs
from perfusio.plant.medium import Medium as Inflow
from perfusio.process import CHO_PERFUSION, Medium, Species
from perfusio.state import State
from perfusio.trajectory import Trajectory

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal


def cultures(n, days=4, seed=0, **inflow):
    clone = replace(CLONE_X, medium=Inflow(**inflow))
    return simulate_runs(clone, {f"R{i}": NOMINAL for i in range(n)}, days=days, seed=seed)


@pytest.mark.parametrize(
    ("species", "value"), [("glutamine", 2.0), ("glutamine", 10.0), ("glucose", 3.0), ("glucose", 10.0)]
)
def test_a_wrong_inlet_is_named_within_five_samples_and_about_right(species, value):
    found = [medium_doubts(run) for run in cultures(5, **{species: value})]
    right = [d for d in found if [doubt.species for doubt in d] == [species]]
    assert len(right) >= 4  # a first reading may be missing
    for (doubt,) in right:
        assert doubt.likely == pytest.approx(value, rel=0.25)
        assert doubt.declared == CHO_PERFUSION.medium[species]
        assert f"declared are {doubt.declared:.3g} {doubt.unit}" in doubt.words


def test_of_a_right_medium_nothing_is_claimed():
    assert [medium_doubts(run) for run in cultures(6, seed=7)] == [()] * 6


def test_what_is_declared_counts_and_not_what_is_usual():
    (run,) = cultures(1, glutamine=2.0)
    assert medium_doubts(replace(run, medium=Medium(glucose=5.0, glutamine=2.0))) == ()
    assert [d.species for d in medium_doubts(run)] == ["glutamine"]
    (usual,) = cultures(1)
    assert [d.species for d in medium_doubts(replace(usual, medium=Medium(glucose=5.0, glutamine=2.0)))] == [
        "glutamine"
    ]


def test_two_that_are_wrong_are_both_named():
    (run,) = cultures(1, glutamine=2.0, glucose=10.0)
    assert {d.species for d in medium_doubts(run)} == {"glutamine", "glucose"}


def test_a_species_that_nobody_declared_and_cells_cannot_make_is_found():
    (run,) = cultures(1)
    (doubt,) = medium_doubts(replace(run, medium=Medium(glucose=5.0)))
    assert (doubt.species, doubt.declared) == ("glutamine", 0.0)
    assert doubt.likely == pytest.approx(6.0, rel=0.35)


def test_a_first_sample_that_fits_keeps_the_medium_from_being_blamed():
    """Cells that make glutamine raise it above what flows in, from day 1 on."""
    (run,) = cultures(1, glutamine=10.0)
    made = replace(run, states=(replace(run.states[0], glutamine=6.0), *run.states[1:]))
    assert medium_doubts(made) == ()
    unread = replace(run, states=(replace(run.states[0], glutamine=nan), *run.states[1:]))
    assert [d.species for d in medium_doubts(unread)] == ["glutamine"]


def test_a_sample_from_the_middle_of_a_run_is_no_first_sample():
    (run,) = cultures(1, days=10, glucose=3.0)
    late = Trajectory(reactor_id="R1", states=run.states[4:], setpoints=run.setpoints[4:])
    assert medium_doubts(late) == ()  # the concentrate holds glucose: only the beginning could tell


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_samples_say_nothing(n):
    (run,) = cultures(1, glutamine=2.0)
    assert medium_doubts(run.until(n)) == ()


def test_a_setpoint_says_its_species_itself():
    """Pyruvate flows in as its setpoint says: whatever is measured, the medium is not to blame."""
    (run,) = cultures(1)
    much = replace(run, states=tuple(replace(s, pyruvate=8.0) for s in run.states))
    assert medium_doubts(much) == ()


def test_only_the_first_days_are_looked_at(monkeypatch):
    (run,) = cultures(1, days=14)
    seen = []
    monkeypatch.setattr(
        medium_check, "filter_runs", lambda _, runs, __: (None, seen.append(runs[0]) or [[]] * len(runs))
    )
    monkeypatch.setattr(medium_check, "log_density", lambda *_: 0.0)
    medium_doubts(run)
    assert seen[0].states[-1].day <= 8.5


def test_a_solute_of_any_process_is_judged():
    asparagine = Species("asparagine", unit="mmol/L", role="solute", molar_mass=132.12)
    panel = CHO_PERFUSION.with_(asparagine, medium=Medium(glucose=5.0, glutamine=6.0, asparagine=12.0))
    rng, (run,) = np.random.default_rng(0), cultures(1)

    def with_asparagine(value):
        states = [
            State.of_values(
                panel, s.time_h, s.measured() | {"asparagine": value * np.exp(0.05 * rng.standard_normal())}
            )
            for s in run.states
        ]
        setpoints = [type(u).of_values(panel, u.by_name()) for u in run.setpoints]
        return Trajectory(reactor_id="R1", states=states, setpoints=setpoints)

    assert medium_doubts(with_asparagine(11.5)) == ()
    assert [d.species for d in medium_doubts(with_asparagine(3.0))] == ["asparagine"]
