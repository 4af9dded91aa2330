"""CloneX, CloneY and the random clones stay what every recorded figure was measured on.

`python tests/unit/plant/test_own_clones_unchanged.py` prints the SHA-256 of each case at full precision, for comparing
two commits on one machine (bits differ between processors); with `--write` it stores the values that are tested here.
"""

import asyncio
import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.plant.clones import CLONE_X, CLONE_Y, draw_clone, perturbed
from perfusio.plant.conditions import Disturbance, Inoculum
from perfusio.plant.experiment import simulate_runs
from perfusio.plant.oracle import hold_density, random_clone
from perfusio.plant.sensors import SensorSettings
from perfusio.plant.vessel import Vessel, VesselBatch
from perfusio.state import Setpoints

GOLDEN = Path(__file__).parent / "golden" / "own_clones.json"
DAYS = 28
TRUE = [
    "viable", "dead", "glucose", "glutamine", "glutamate", "lactate", "ammonium", "pyruvate", "titer", "byproduct",
    "arrest", "switch", "sieving", "diameter", "harvested",
]  # fmt: skip


def moving(n_vessels, *, seed):
    """Setpoints anywhere in the design space, new every fourth day, (7, n, 6)."""
    return SPACE.from_unit(np.random.default_rng(seed).random((7, n_vessels, 6)))


def batch():
    """Named, drawn and perturbed clones side by side, with events on the way: (days, states, vessels)."""
    clones = [CLONE_X, CLONE_Y, draw_clone(3), draw_clone(4), perturbed(CLONE_X, 0.2, seed=5), random_clone(1)]
    plans = moving(len(clones), seed=1)
    events = [
        Disturbance(day=9.5, parameter="death_rate", factor=2.0),
        Disturbance(day=20.25, parameter="growth_max", factor=0.9, vessel=1),
    ]
    vessels = VesselBatch(clones, [Setpoints.of(u) for u in plans[0]], disturbances=events)
    rows = []
    for day in range(DAYS):
        if day % 4 == 0:
            vessels.write([Setpoints.of(u) for u in plans[day // 4]])
        vessels.advance(1.0)
        rows.append([vessels.state(name) for name in TRUE])
        if day == 14:
            copies = vessels.fork([2, 0])
    copies.advance(3.3)
    rows.append([np.concatenate([copies.state(name), np.zeros(len(clones) - 2)]) for name in TRUE])
    return np.array(rows)


def alone():
    """One vessel, half a day at a time: (times, states)."""
    vessel = Vessel(CLONE_Y, SPACE.nominal, seed=7, inoculum=Inoculum(vcd=1.0, viability=95.0))
    rows = []
    for half in range(2 * DAYS):
        vessel.write(replace(SPACE.nominal, bleed_rate=0.05 + 0.004 * half, temperature=36.5 - 0.05 * half))
        vessel.advance(0.5)
        rows.append([vessel.state(name) for name in TRUE] + vessel.true_state().vector().tolist())
    return np.array(rows)


async def _measured():
    plans = moving(3, seed=2)
    rig = SimulatedAmbr250([CLONE_X, CLONE_Y, draw_clone(8)], n_vessels=3, seed=11, days=DAYS)
    rows = []
    for day in range(DAYS + 1):
        for i, vessel in enumerate(rig.vessels().values()):
            sample, true = await vessel.read_sample(), vessel.true_state()
            rows.append([*sample.vector(), sample.diameter, *true.vector(), true.diameter])
            if day % 4 == 0 and day < DAYS:
                await vessel.write_setpoints(Setpoints.of(plans[day // 4][i]))
    return np.array(rows)


def measured():
    """What the analyzers of a rig report, beside the truth: (samples, 20)."""
    return asyncio.run(_measured())


def designed():
    """A training experiment with poor analyzers: (runs x samples, 9)."""
    recipes = {f"run{i}": Setpoints.of(u) for i, u in enumerate(moving(3, seed=3)[0])}
    poor = SensorSettings(missing=0.1, outlier_probability=0.05, drift={"glucose": 0.01})
    runs = simulate_runs(CLONE_X, recipes, days=DAYS, seed=5, sensors=poor)
    return np.array([state.vector() for run in runs for state in run.states])


def held():
    """What the oracle does with a clone: (3, days)."""
    best = hold_density(CLONE_X, 30.0)
    return np.array([best.bleed, best.vcd, best.viability])


CASES = {case.__name__: case for case in (batch, alone, measured, designed, held)}


@pytest.mark.parametrize("name", CASES)
def test_trajectories_are_those_of_every_recorded_figure(name):
    stored = json.loads(GOLDEN.read_text(encoding="utf-8"))[name]
    now = CASES[name]()
    assert list(now.shape) == stored["shape"]
    tall = now.reshape(-1, now.shape[-1])
    np.testing.assert_allclose(tall[:: stored["every"]].ravel(), _numbers(stored["values"]), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose([np.nansum(now), np.nansum(now**2)], stored["sums"], rtol=1e-9)


def _numbers(values):
    return np.array([np.nan if v is None else v for v in values], dtype=float)


def _store():
    golden = {}
    for name, case in CASES.items():
        values = case()
        tall = values.reshape(-1, values.shape[-1])
        every = max(1, tall.size // 600)  # a sample of rows; the sums below cover the rest
        rows = [None if v != v else float(f"{v:.12g}") for v in tall[::every].ravel()]
        sums = [float(np.nansum(values)), float(np.nansum(values**2))]
        golden[name] = {"shape": list(values.shape), "every": every, "values": rows, "sums": sums}
    GOLDEN.write_text(json.dumps(golden) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for label, made in CASES.items():
        digest = hashlib.sha256(np.ascontiguousarray(made(), dtype=float).tobytes()).hexdigest()
        print(f"{label:10}{digest}")  # noqa: T201
    if "--write" in sys.argv:
        _store()
