"""The twin as it ships, HybridModel and BEDPolicy, on virtual vessels: short, so that it runs with every change."""

import asyncio

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.connectors.simulated import Faults, SimulatedAmbr250
from perfusio.plant.sensors import SensorSettings
from perfusio.record.verification.verify import read_records, verify
from perfusio.state import SPECIES
from perfusio.twin.digital_twin import DigitalTwin

SPACE = DEFAULT_AMBR250_DESIGN_SPACE


def run(folder, connector, days, **config):
    settings = RunConfig(duration_days=days, n_paths=32, forecast_days=7, run_dir=folder, **config)
    result = asyncio.run(DigitalTwin(connector=connector, design_space=SPACE, run_config=settings).run())
    assert verify(result.audit_path).is_intact
    return result, [r.to_event() for r in read_records(result.audit_path)]


def decisions(events, reactor):
    return [
        (e.turn, e.setpoints, e.score, e.chosen, e.hold, e.why)
        for e in events
        if type(e).__name__ == "Decided" and e.reactor == reactor
    ]


@pytest.fixture(scope="module")
def five_days(tmp_path_factory):
    rig = SimulatedAmbr250(days=5, seed=1, sensors=SensorSettings(missing=0.0))
    result, events = run(tmp_path_factory.mktemp("five"), rig, 5)
    return rig, result, events


def test_five_days_from_a_cold_start(five_days):
    _, result, events = five_days
    assert (result.outcome.name, result.n_samples, result.n_decisions) == ("COMPLETED", 6, 5)
    names = [type(e).__name__ for e in events]
    assert names.count("SetpointsWritten") == 5
    assert "Withheld" not in names
    assert names.count("ModelFitted") + names.count("ModelRejected") == 1
    assert "ModelFitted" in names


def test_setpoints_in_the_vessel_are_the_decided_ones_and_in_bounds(five_days):
    rig, result, events = five_days
    decided = [d[1] for d in decisions(events, "R01")]
    assert result.trajectories["R01"].setpoints == tuple(decided)
    assert asyncio.run(rig.read_setpoints()) == decided[-1]
    before = SPACE.nominal.vector()
    for u in decided:
        assert SPACE.contains(u)
        assert (np.abs(u.vector() - before) <= SPACE.max_step + 1e-9).all()
        before = u.vector()


def test_both_forecasts_are_on_record_with_intervals(five_days):
    _, _, events = five_days
    for e in events:
        for forecast in (f for f in (getattr(e, "chosen", None), getattr(e, "hold", None)) if f):
            assert forecast["times_h"] == [24.0 * (e.turn + k) for k in range(1, 8)]
            for s in SPECIES:
                q = [forecast[k][s] for k in ("q05", "q10", "mean", "q90", "q95")]
                assert np.isfinite(q).all()
                q05, q10, _, q90, q95 = np.array(q)
                assert (q05 <= q10).all()
                assert (q10 <= q90).all()
                assert (q90 <= q95).all()
                assert (q05 >= 0).all()


def test_each_decision_names_a_model_that_was_in_use(five_days):
    _, _, events = five_days
    conditioned = {e.turn: e.model_id for e in events if type(e).__name__ == "ModelConditioned"}
    assert len(set(conditioned.values())) == 6
    decided = [(e.turn, e.model_id) for e in events if type(e).__name__ == "Decided"]
    assert decided == [(d, conditioned[d]) for d in range(5)]


def test_a_vessel_decides_alike_alone_again_and_beside_a_troubled_neighbour(tmp_path):
    """Bit for bit: streams, steps and arrays of a vessel are its own (before a refit makes all learn from all)."""

    def vessel(name, lost=()):
        rig = SimulatedAmbr250(n_vessels=2, days=3, seed=3, faults={"R01": Faults(lost_samples=frozenset(lost))})
        return rig.vessels()[name]

    settings = {"days": 3, "retrain_every": 9, "seed": 5}
    alone, again = (decisions(run(tmp_path / n, {"R02": vessel("R02")}, **settings)[1], "R02") for n in "ab")
    assert len(alone) == 3
    assert alone == again
    pair = {"R01": vessel("R01", lost=[1]), "R02": vessel("R02")}
    result, events = run(tmp_path / "c", pair, **settings)
    assert len(result.trajectories["R01"].states) == 3
    assert decisions(events, "R02") == alone
    assert len(decisions(events, "R01")) == 2
