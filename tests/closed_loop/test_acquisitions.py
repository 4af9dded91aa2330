"""Each acquisition function and each search by name through five days of the whole twin, forecasts cut short."""

import asyncio

import numpy as np
import pytest

from perfusio.config import ACQUISITIONS, DEFAULT_AMBR250_DESIGN_SPACE, RunConfig, minimize, track
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.plant.sensors import SensorSettings
from perfusio.record.verification.verify import read_records, verify
from perfusio.twin.digital_twin import DigitalTwin

SPACE = DEFAULT_AMBR250_DESIGN_SPACE
TWO = (track(vcd=15, horizon_days=1), minimize("medium", horizon_days=1))


def five_days(folder, **config):
    settings = RunConfig(
        duration_days=5, objective=TWO, retrain_every=9, n_paths=16, forecast_days=2, run_dir=folder, **config
    )
    rig = SimulatedAmbr250(days=5, seed=1, sensors=SensorSettings(missing=0.0))
    twin = DigitalTwin(connector=rig, design_space=SPACE, run_config=settings)
    result = asyncio.run(twin.run())
    assert verify(result.audit_path).is_intact
    assert (result.outcome.name, result.n_decisions) == ("COMPLETED", 5)
    events = [r.to_event() for r in read_records(result.audit_path)]
    assert "Withheld" not in {type(e).__name__ for e in events}
    return [e for e in events if type(e).__name__ == "Decided"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return {name: five_days(tmp_path_factory.mktemp("acq"), acquisition=name) for name in ACQUISITIONS}


@pytest.mark.parametrize("name", ACQUISITIONS)
def test_every_acquisition_function_completes_a_loop(runs, name):
    assert {e.acquisition for e in runs[name]} == {name}
    for e in runs[name]:
        assert np.isfinite(e.score)
        assert SPACE.contains(e.setpoints)
        assert len(e.why["front"]) >= 1


def test_each_is_the_one_that_is_used(runs):
    """From the same first day on they value the best candidate differently; qEI is EI where every path gains."""
    scores = {name: round(decisions[0].score, 6) for name, decisions in runs.items()}
    assert len(set(scores.values())) >= len(ACQUISITIONS) - 3, scores


@pytest.mark.parametrize("settings", [{"search": "gradient"}, {"plan_pieces": 2}])
def test_gradients_and_plans_in_pieces_complete_a_loop(runs, tmp_path, settings):
    decided = five_days(tmp_path, **settings)
    assert all(SPACE.contains(e.setpoints) for e in decided)
    assert decided[0].score > runs["LogEI"][0].score - 0.5  # no worse than the default by what it looks for
