"""Five processes, each nothing but a TOML file: fit, score, forecast, decide, guard, record, resume, replay, figure.

No line of perfusio knows any of them. The cultures are `VirtualVessel`s, whose kinetics are not those of the model.
"""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from perfusio.bed.policy import BEDPolicy
from perfusio.config import DesignSpace, Mode, RunConfig, track
from perfusio.decision import Action, Decision
from perfusio.errors import ConfigError
from perfusio.events import AlarmRaised, Decided, RunStarted, SampleRead, SetpointsWritten
from perfusio.hybrid.model import HybridModel
from perfusio.process import CHO_PERFUSION, Medium
from perfusio.process.document import read_process
from perfusio.record.verification import verify_alone
from perfusio.record.verification.schema import record_schema
from perfusio.record.verification.verify import read_records, verify
from perfusio.report.forecast_plot import plot_record
from perfusio.state import Setpoints
from perfusio.study.backtest import backtest
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.testing.virtual_vessel import VirtualVessel
from perfusio.trajectory import Trajectory
from perfusio.twin.alarms.alarm_list import alarm_states
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.replay import Replay
from perfusio.twin.writes.guard import guard

PLACE = Path(__file__).parents[1] / "fixtures" / "processes"
NAMES = ("default", *sorted(p.stem for p in PLACE.glob("*.toml")))


def process(name):
    return CHO_PERFUSION if name == "default" else read_process(PLACE / f"{name}.toml")


@pytest.fixture(params=NAMES)
def panel(request):
    return process(request.param)


async def culture(panel, seed, days=8):
    """A recorded culture whose setpoints lie somewhere in the design space."""
    space, rng = DesignSpace.of(panel), np.random.default_rng(seed)
    nominal = space.nominal.vector()
    moved = nominal + 0.5 * space.max_step * rng.uniform(-1, 1, len(nominal))
    at = Setpoints.of(np.clip(moved, space.low, space.high), panel)
    vessel = VirtualVessel(panel, n_days=days, seed=seed, setpoints=at)
    run = Trajectory(reactor_id=f"H{seed}", run_id=f"H{seed}")
    for _ in range(days + 1):
        run = run.observe(await vessel.read_sample(), at)
    return run


_LEARNT = {}


def learnt(panel):
    """The model of a process, fitted on three cultures, and a fourth; once for all tests."""
    if panel not in _LEARNT:
        runs = [asyncio.run(culture(panel, seed)) for seed in range(4)]
        _LEARNT[panel] = HybridModel.of_runs(runs).fit(runs[:3], calibrate=False), runs
    return _LEARNT[panel]


def config(panel, run_dir, **settings):
    cells = panel.the("cells")
    aim = track(**{cells: 20.0}, horizon_days=1, process=panel)
    usual = {"duration_days": 2, "forecast_days": 2, "n_paths": 16, "objective": aim, "retrain_every": 9}
    return RunConfig(**(usual | settings), process=panel, run_dir=run_dir)


def test_it_is_fitted_and_forecasts_better_than_the_prior(panel):
    model, runs = learnt(panel)
    assert model.panel == panel
    asked = {"fitted": model, "prior": HybridModel.prior(panel)}
    board = backtest(asked, runs[3:], horizons=(1, 2), every=2, n_paths=16).board
    score, prior = board.scores["fitted"], board.scores["prior"]
    assert score.species == panel.species_names
    assert np.isfinite(score.rrmse[:, panel.index(panel.the("cells"))]).all()
    assert np.nanmean(score.rrmse) < np.nanmean(prior.rrmse)
    assert all(name in board.table() for name in panel.species_names)


def test_a_decision_is_made_and_judged_by_the_guard(panel):
    model, runs = learnt(panel)
    run, space = runs[3].until(5), DesignSpace.of(panel)
    settings = config(panel, Path())
    known = model.condition([run])
    found = BEDPolicy().decide({"H3": run}, {"H3": run.setpoints[-1]}, known, space, settings, day=5)["H3"]
    assert isinstance(found, Decision), found
    assert found.setpoints.panel == panel
    assert space.contains(found.setpoints)
    assert f"expect {panel.the('cells')} " in found.reason.text

    def judged(decision):
        return guard(
            decision, reactor="H3", trajectory=run, current=run.setpoints[-1], design_space=space, constraints=(),
            mode=Mode.AUTOMATIC,
        )  # fmt: skip

    assert judged(found).action is Action.WRITE
    name = panel.setpoint_names[0]
    beyond = found.setpoints.with_values(**{name: space.bounds[name].high + space.bounds[name].max_step})
    assert name in judged(replace(found, setpoints=beyond)).because[0]
    other = DesignSpace.of(CHO_PERFUSION.with_(name="another")).nominal
    assert "another" in judged(replace(found, setpoints=other)).because[0]


def killed_after(kind, n):
    """An observer that ends the program at the n-th event of a kind."""
    seen = []

    def observer(event):
        seen.append(isinstance(event, kind))
        if sum(seen) == n and seen[-1]:
            raise KeyboardInterrupt

    return observer


def whole_road(panel, run_dir, vessel, model, policy):
    """Run, die after the first write, go on to the end; return the records."""
    settings, space = config(panel, run_dir), DesignSpace.of(panel)
    twin = DigitalTwin(
        connector={"V1": vessel}, design_space=space, run_config=settings, model=model, policy=policy,
        observers=(killed_after(SetpointsWritten, 1),),
    )  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(twin.run())
    own = {} if isinstance(model, HybridModel) else {"model": model, "policy": policy}
    again = DigitalTwin.resume(run_dir, connector={"V1": vessel}, **own)
    assert again.config == settings
    assert again.design_space == space
    result = asyncio.run(again.run())
    assert result.n_samples == 3
    return list(read_records(run_dir / "audit.jsonl"))


def test_a_run_is_recorded_killed_resumed_verified_and_drawn(panel, tmp_path):
    records = whole_road(panel, tmp_path, VirtualVessel(panel, n_days=5, seed=9), SteadyModel(), SteppingPolicy())
    assert verify(tmp_path / "audit.jsonl").is_intact
    assert verify_alone.problems((tmp_path / "audit.jsonl").read_bytes()) == []
    lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert not [error for line in lines for error in Draft202012Validator(record_schema()).iter_errors(line)]
    started = records[0].to_event()
    assert isinstance(started, RunStarted)
    assert ("process" in started.config["run"]) == (panel != CHO_PERFUSION)
    samples = [r.to_event() for r in records if r.event == SampleRead.__name__]
    assert [s.state.panel for s in samples] == [panel] * 3
    assert set(records[0].payload) >= {"config"}
    read = next(r for r in records if r.event == SampleRead.__name__)
    assert set(read.payload["state"]) == {"time_h", "quality", *(s.name for s in panel.species)}
    assert set(read.payload["in_force"]) == set(panel.setpoint_names)
    compared = list(Replay(tmp_path, SteppingPolicy(), SteadyModel()).compared())
    assert [c.difference for c in compared] == [""] * sum(r.event == Decided.__name__ for r in records)
    assert plot_record(tmp_path / "audit.jsonl", tmp_path / "forecast.png")


def test_the_hybrid_model_runs_a_vessel_and_its_decisions_are_made_again(panel, tmp_path):
    model, _ = learnt(panel)
    records = whole_road(panel, tmp_path, VirtualVessel(panel, n_days=5, seed=9), model, BEDPolicy())
    decided = [r.to_event() for r in records if r.event == Decided.__name__]
    assert len(decided) == 2
    assert set(decided[0].chosen["mean"]) == set(panel.species_names)
    assert [c.difference for c in Replay(tmp_path).compared()] == ["", ""]


@pytest.mark.parametrize("name", [n for n in NAMES if n != "default"])
def test_a_record_that_names_what_its_process_does_not_have_is_found_by_both_verifiers(name, tmp_path):
    panel = process(name)
    whole_road(panel, tmp_path, VirtualVessel(panel, n_days=5, seed=9), SteadyModel(), SteppingPolicy())
    data = (tmp_path / "audit.jsonl").read_bytes()
    lines, changed, prev = data.splitlines(), [], "0" * 64
    for line in lines:
        record = json.loads(line)
        if record["event"] == "SampleRead":
            record["payload"]["in_force"]["nitrogen_flow"] = 1.0
        record["prev"] = prev
        del record["hash"]
        prev = verify_alone.sha256(verify_alone._canonical(record)).hexdigest()
        changed.append(verify_alone._canonical({**record, "hash": prev}) + b"\n")
    (tmp_path / "forged.jsonl").write_bytes(b"".join(changed))
    found = verify(tmp_path / "forged.jsonl").problems
    assert {p.what for p in found} == {"names nitrogen_flow, which the process of its run does not have"}
    assert len(verify_alone.problems(b"".join(changed))) == len(found) == 3


def test_parts_of_different_processes_are_refused_at_the_start(tmp_path):
    one, other = process("asparagine"), process("fed_batch")

    def refused(words, **parts):
        usual = {"connector": VirtualVessel(one), "design_space": DesignSpace.of(one), "model": HybridModel.prior(one)}
        with pytest.raises(ConfigError, match=words):
            DigitalTwin(**(usual | parts), run_config=config(one, tmp_path))

    refused(r"the connector of R01 is of 'CHO fed-batch.*Expected one process", connector=VirtualVessel(other))
    usual = DesignSpace.of(CHO_PERFUSION)
    refused(r"the design space is of 'CHO cells in perf.*Give the same process.toml", design_space=usual)
    refused(r"the model is of 'CHO fed-batch", model=HybridModel.prior(other))
    refused(r"other facts", connector=VirtualVessel(one.with_(working_volume="300 mL")))


def test_what_cannot_be_steered_without_a_bleed_is_said(tmp_path):
    panel = process("no_bleed")
    records = whole_road(panel, tmp_path, VirtualVessel(panel, n_days=5, seed=9), SteadyModel(), SteppingPolicy())
    (doubted,) = (r for r in records if r.event == "AimDoubted")
    assert "has no bleed" in doubted.reason


@pytest.mark.parametrize("name", ["asparagine", "no_bleed"])
def test_a_medium_that_is_not_the_declared_one_is_alarmed_once(name, tmp_path):
    panel = process(name)
    really = Medium(**{n: amount * (0.3 if n == "glutamine" else 1.0) for n, amount in panel.medium.as_dict().items()})
    vessel = VirtualVessel(panel, n_days=5, seed=9, medium=really)
    settings = config(panel, tmp_path, duration_days=4, mode=Mode.MANUAL)
    twin = DigitalTwin(connector=vessel, design_space=DesignSpace.of(panel), run_config=settings)
    asyncio.run(twin.run())
    events = [r.to_event() for r in read_records(tmp_path / "audit.jsonl")]
    raised = [e for e in events if isinstance(e, AlarmRaised) and e.quantity.startswith("medium")]
    assert [e.quantity for e in raised] == ["medium glutamine"]
    assert raised[0].limit == panel.medium["glutamine"]
    assert raised[0].value < 0.7 * raised[0].limit
    (state,) = (s for s in alarm_states(events) if s.id == "medium glutamine:doubt")
    assert state.consequence == "Forecasts and decisions count on what does not flow in."
