"""`make bench-decisions` in its short form prints both tables, every promise and one JSON object; figures are right."""

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import maximize, track
from perfusio.plant.clones import CLONES
from perfusio.state import SETPOINT_INDEX, SPECIES_INDEX, State
from perfusio.trajectory import Trajectory

from ..programs import ran

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
EVERYBODY = {
    "oracle", "recipe of the 27, measured", "recipe of the 27, hindsight", "any recipe, hindsight", "PI, hand gains",
    "PI, robust-tuned", "random", "twin",
}  # fmt: skip


@pytest.fixture
def part(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return lambda name: importlib.import_module(f"decisions_{name}")


@pytest.fixture(scope="module")
def printed():
    done = ran(BENCHMARKS / "bench_decisions.py")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_everybody_steers_and_every_figure_is_printed(printed):
    figures = json.loads(printed[-1])
    assert figures["bench"] == "decisions"
    assert set(figures["holding"]) == EVERYBODY
    assert set(figures["harvesting"]) == EVERYBODY  # the other twins take too long here
    for one in (*figures["holding"].values(), *figures["harvesting"].values()):
        assert one["productivity"][0] > 0.0
        assert 0.0 <= one["all_violation_pct"] <= 100.0
    assert figures["holding"]["oracle"]["all_violation_pct"] == 0.0
    best = figures["harvesting"]["any recipe, hindsight"]["productivity"][0]
    assert best >= figures["harvesting"]["recipe of the 27, hindsight"]["productivity"][0]
    (campaign,) = figures["campaigns"]
    assert campaign["campaign"] >= campaign["design"]
    assert 0.0 <= campaign["random"] <= 1.5  # the optimum of so short a search need not be the best
    assert figures["costs"]["n_vessels"] == 2
    for spent in ("alone", "together"):
        assert all(cpu > 0.0 for cpu in figures["costs"][spent].values())
    assert any("2 vessels together" in line for line in printed)
    promises = [line for line in printed if line.startswith(("Must ", "Aim "))]
    assert len(promises) == len(figures["checks"])
    assert {c["rank"] for c in figures["checks"]} == {"Must", "Aim"}


def test_what_was_promised_of_campaigns_and_costs(part):
    report, costs = part("report"), part("costs")
    one = {"campaign": 0.9, "random": 0.8, "design": 0.7}
    assert [c.is_met for c in report.campaign_checks([one])] == [True, True, True, False]
    assert not report.campaign_checks([{**one, "design": 0.9}])[1].is_met  # no better is not better
    cheap = costs.Costs(n_vessels=24, alone={"a": 0.2, "b": 0.31}, together={"a": 2.9, "b": 3.0})
    assert [c.is_met for c in report.cost_checks(cheap)] == [False, True]


def lived(part, *, days=12, viability=96.0, vcd=40.0, perfusion=1.0):
    truth = tuple(State.of(24.0 * d, np.array([vcd, viability, 2, 2, 1, 5, 3, 1, 500.0])) for d in range(days + 1))
    inputs = np.tile(SPACE.nominal.vector(), (days, 1))
    inputs[:, SETPOINT_INDEX["perfusion_rate"]] = perfusion
    return part("arms").Lived(truth=truth, harvested=np.arange(days + 1.0) ** 2, inputs=inputs)


def test_days_that_count_are_9_to_the_last(part):
    one = lived(part, vcd=44.0, perfusion=1.5)
    assert one.error == pytest.approx(0.1)
    assert one.productivity == pytest.approx((12**2 - 8**2) / 4)
    assert one.medium == 1.5
    assert one.broken().shape == (4, 4)


@pytest.mark.parametrize(
    ("change", "limit"), [({"viability": 94.9}, "viability"), ({"vcd": 67.0}, "cspr"), ({"perfusion": 0.59}, "cspr")]
)
def test_a_violation_is_counted_on_its_days_and_by_its_limit(part, change, limit):
    arms = part("arms")
    bad = lived(part, **change)
    assert arms.by_limit([bad])[limit] == 100.0
    assert arms.pooled_violation([bad, lived(part)]) == 50.0
    assert bad.early == 8
    assert lived(part).early == 0


def test_an_old_run_is_chosen_by_its_readings(part):
    recipes = part("recipes")

    def run(name, titer, viability, vcd=30.0):
        values = np.tile([vcd, viability, 2, 2, 1, 5, 3, 1, titer], (13, 1)).astype(float)
        values[5, SPECIES_INDEX["viability"]] = np.nan
        values[7, SPECIES_INDEX["viability"]] -= 3.0  # one odd reading says little
        u = replace(SPACE.nominal, glucose_setpoint=3.0 + 0.001 * titer)
        states = tuple(State.of(24.0 * i, v) for i, v in enumerate(values))
        return Trajectory(reactor_id=name, states=states, setpoints=(u,) * 12)

    runs = [run("A", 500, 97.0, vcd=42.0), run("B", 700, 96.5), run("C", 900, 95.2)]
    assert recipes.from_measurements(runs, maximize("productivity")) == runs[1].setpoints[0]
    assert recipes.from_measurements(runs, track(vcd=40)) == runs[0].setpoints[0]
    assert recipes.from_measurements(runs[2:], maximize("productivity")) == runs[2].setpoints[0]


def test_vessels_to_be_held_differ_from_the_clone_that_is_known(part, monkeypatch):
    cases = part("cases")
    monkeypatch.setattr(cases, "clone_named", lambda _: CLONES["CloneX"])
    case = cases.tracking_case("any", 7, days=3, is_disturbed=True)
    ratio = case.plant.kinetics.growth_max / case.clone.kinetics.growth_max
    assert ratio != 1.0
    assert case.disturbances[0].day == 20.0
    assert cases.productivity_case("any", 7, days=3, n_vessels=2).plant is CLONES["CloneX"]
    assert len(cases.productivity_case("any", 7, days=3, n_vessels=2).rig().vessels()) == 2


def test_a_model_that_does_not_learn_has_nothing_of_the_vessels_own(part):
    arms, model = part("arms"), importlib.import_module("perfusio.hybrid.model").HybridModel()
    frozen = arms.not_learning(model)
    assert frozen.process.freedom == 0.0
    assert not frozen.process.rate_cov.any()


def test_foreign_plants_are_judged_by_the_truth_on_declared_cases(part):
    foreign = part("foreign")
    todo = foreign.jobs(foreign.REPORTED, foreign.SEEDS, days=28)
    assert {job.clone for job in todo} == set(foreign.REPORTED)
    assert [job.arm for job in todo[:2]] == [foreign.KNOWN] * 2  # the long ones first
    assert len(todo) == len(set(todo)) == 2 * (4 * len(foreign.REPORTED) + len(foreign.AFTER_OLD_RUNS))
    one = lived(part, days=28, vcd=33.0, viability=94.0, perfusion=2.0)
    told = foreign.outcome(todo[0], 95.0, one.truth, one.inputs, unheld=3)
    assert told.error_pct == pytest.approx(10.0)
    assert (told.last_vcd, told.least_viability, told.below_pct, told.unheld) == (33.0, 94.0, 100.0, 3)
    assert told.at_end == 28 - foreign.FROM_DAY  # perfusion stands at its upper end
    kept = foreign.outcome(todo[0], 92.0, one.truth, one.inputs, unheld=0)
    assert kept.below_pct == 0.0
    lines = foreign.table([told, replace(told, error_pct=20.0)])
    assert "10.0, 20.0" in lines[1]


def test_a_foreign_clone_chooses_the_foreign_tasks(part, monkeypatch, capsys, tmp_path):
    bench, foreign = importlib.import_module("bench_decisions"), part("foreign")
    asked = []

    def run(job):
        asked.append(job)
        one = lived(part, days=5)
        return foreign.outcome(job, 95.0, one.truth, one.inputs, unheld=0)

    monkeypatch.setattr(foreign, "run", run)
    arguments = ["--clones", "Y-GS46", "--seeds", "1", "--out", str(tmp_path / "printed.txt")]
    monkeypatch.setattr(sys, "argv", ["bench_decisions.py", *arguments])
    assert bench.main() == 0
    assert {job.clone for job in asked} == {"Y-GS46"}
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["foreign"][0]["clone"] == "Y-GS46"
