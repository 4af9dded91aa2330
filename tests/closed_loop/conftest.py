"""A model and a policy that cost nothing, and a way to run a twin on them and read its record."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.decision import Decision, Reason
from perfusio.process.examples import HEALTHY
from perfusio.protocols import Refit
from perfusio.record.verification.verify import read_records, verify
from perfusio.state import Setpoints, State
from perfusio.testing import SteadyModel
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.operators import order_processor

SPACE = DEFAULT_AMBR250_DESIGN_SPACE
REASON = Reason(text="Because.", improvement=0.1, limiting="none", limiting_probability=1.0, feasible=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Persistence(SteadyModel):
    """Tomorrow is like today, and species that were never measured as in a healthy culture.

    `errors` are the (error, error before) of each refit to come.
    """

    errors: tuple[float, float] = (1.0, 1.0)

    @property
    def model_id(self):
        return f"persistence-{self.version}"

    def refit(self, trajectories, *, seed):
        return Refit(replace(self, version=self.version + 1), *self.errors)

    def rollout(self, trajectory, plans, **options):
        last = trajectory.states[-1]
        healthy = {name: value for name, value in HEALTHY.items() if name in last.panel.by_name}
        known = State.of_values(last.panel, last.time_h, healthy | last.measured())
        filled = replace(trajectory, states=(*trajectory.states[:-1], known))
        return SteadyModel().rollout(filled, plans, **options)


class Alternating:
    """Moves the bleed up and down; notes what it was asked."""

    def __init__(self):
        self.asked = []

    def decide(self, trajectories, in_force, model, design_space, config, *, day):
        self.asked.append((day, dict(trajectories), dict(in_force), model))
        return {r: self.decision(t, in_force[r], model, config, day) for r, t in trajectories.items()}

    def decision(self, trajectory, current, model, config, day):
        bleed = 0.15 + (0.05 if day % 2 == 0 else -0.02)
        chosen = replace(current, bleed_rate=bleed)
        plans = [[chosen] * config.forecast_days, [current] * config.forecast_days]
        forecasts = model.rollout(trajectory, plans, interval_hours=24.0, n_paths=config.n_paths, seed=0)
        return Decision(
            reactor_id=trajectory.reactor_id, setpoints=chosen, chosen=forecasts[0], hold=forecasts[1], reason=REASON,
            acquisition=config.acquisition, score=0.1, model_id=model.model_id,
        )  # fmt: skip


class Run:
    """A finished run: its result, its record as events, and what the twin knows."""

    def __init__(self, twin, result, path):
        self.twin, self.result, self.path = twin, result, path
        self.records = list(read_records(path))
        self.events = [r.to_event() for r in self.records]

    def of(self, *names, reactor=None, day=None):
        """Events by name, and if given of one vessel or day."""
        return [
            e
            for e in self.events
            if type(e).__name__ in names and reactor in (None, e.reactor) and day in (None, e.turn)
        ]

    @property
    def counts(self):
        return self.result.outcome.name, self.result.n_samples, self.result.n_decisions


@pytest.fixture
def orders_at_turns(monkeypatch):
    """Orders are looked for at the beginning of each turn only: when between is a matter of how busy the machine is."""
    monkeypatch.setattr(order_processor, "LOOKS_EVERY_S", 3600.0)


@pytest.fixture
def persistence():
    return Persistence()


@pytest.fixture
def alternating():
    return Alternating()


@pytest.fixture
def make_twin(tmp_path):
    """Build a twin on the cheap model and policy; `config` fields and other parts by name."""

    def make(
        connector, *, days=4, model=None, policy=None, audit=None, observers=(), patience=None, clock=None, **config
    ):
        settings = {"duration_days": days, "n_paths": 16, "forecast_days": 4, "run_dir": tmp_path} | config
        return DigitalTwin(
            connector=connector, design_space=SPACE, run_config=RunConfig(**settings), model=model or Persistence(),
            policy=policy or Alternating(), audit=audit, observers=observers, patience=patience, clock=clock,
        )  # fmt: skip

    return make


@pytest.fixture
def run_twin(make_twin, tmp_path):
    """Run one to its end; whatever happened, its record must verify."""

    async def run(connector, *, made=lambda twin: None, **settings):
        twin = make_twin(connector, **settings)
        made(twin)
        result = await twin.run()
        path = twin.config.run_dir / "audit.jsonl"
        report = verify(path)
        assert report.is_intact, report.problems
        assert report.outcome == result.outcome.name
        return Run(twin, result, path)

    return run


@pytest.fixture
def unknown_setpoints():
    return Setpoints()
