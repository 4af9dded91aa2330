"""A short run as events, for what tells and draws runs."""

from dataclasses import replace
from math import nan
from types import SimpleNamespace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import Mode, RunConfig
from perfusio.events import (
    AlarmRaised,
    Decided,
    Event,
    Forecasted,
    ModelConditioned,
    RunEnded,
    SampleMissing,
    SampleRead,
    SetpointsWritten,
    WriteIntended,
)
from perfusio.forecast import Forecast
from perfusio.state import SPECIES, State
from perfusio.testing import make_state
from perfusio.twin.loop import first_records

NEW = replace(SPACE.nominal, bleed_rate=0.2)


def started(**changes) -> Event:
    config = RunConfig(duration_days=3, **changes)
    return first_records.started(config, SPACE, {"R01": Mode.AUTOMATIC}, {"R01": {"kind": "simulated"}})


def forecast(from_day: float) -> dict:
    times = 24.0 * (from_day + np.arange(1, 29))
    samples = np.random.default_rng(1).lognormal(3.0, 0.1, size=(64, 28, len(SPECIES)))
    return Forecast.from_samples(times, samples).to_json()


def sample(day: int, **values) -> State:
    return make_state(day=day, **values)


def decided(day: int) -> list[Event]:
    at = {"reactor": "R01", "turn": day}
    why = "Bleed_rate 0.15 -> 0.2 1/day: expect vcd 20 1e6 cells/mL in 3 days instead of 25 (target 30); tightest."
    return [
        Decided(
            **at, key="k", setpoints=NEW, chosen=forecast(day), hold=forecast(day), why={}, acquisition="LogEI",
            score=1.0, model_id="m", reason=why,
        ),
    ]  # fmt: skip


def written(day: int) -> list[Event]:
    at = {"reactor": "R01", "turn": day, "key": "k"}
    return [WriteIntended(**at, old=SPACE.nominal, new=NEW), SetpointsWritten(**at, asked=NEW, acknowledged=NEW)]


def a_run() -> list[Event]:
    """Day 0 decided, day 1 with an alarm and a gap, day 2 without sample, day 3 the last."""
    at = {"reactor": "R01"}
    alarm = AlarmRaised(
        **at, turn=1, quantity="glucose", level="act", value=0.2, limit=0.3, lead_days=0.0,
        response="Feed.", reason="glucose measured 0.2 g/L.",
    )  # fmt: skip
    return [
        started(),
        SampleRead(**at, turn=0, state=sample(0), in_force=SPACE.nominal),
        ModelConditioned(turn=0, model_id="m"),
        *decided(0),
        *written(0),
        SampleRead(**at, turn=1, state=sample(1, titer=nan), in_force=NEW, reason="Not measured: titer."),
        *decided(1),
        alarm,
        *written(1),
        SampleMissing(
            **at, turn=2, expected_h=48.0,
            reason="No sample within 12 h of culture day 2: no decision for R01 in this turn.",
        ),
        Forecasted(**at, turn=2, hold=forecast(2), model_id="m"),
        SampleRead(**at, turn=3, state=sample(3), in_force=NEW),
        Forecasted(**at, turn=3, hold=forecast(3), model_id="m"),
        RunEnded(outcome="COMPLETED", n_samples=3, n_decisions=2, reason="The run reached its planned length."),
    ]


@pytest.fixture(scope="session")
def told():
    """The run, and the parts of which other runs can be made."""
    return SimpleNamespace(
        a_run=a_run, started=started, forecast=forecast, sample=sample, decided=decided, written=written, new=NEW
    )
