"""Virtual vessels of another process: fewer quantities are left out, what they do not know is refused."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.errors import ConfigError
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs
from perfusio.plant.of_process import check_known, fed, obeyed, shown
from perfusio.process import CHO_PERFUSION, Medium, Setpoint, Species
from perfusio.process.document import read_process
from perfusio.state import Setpoints

PROCESSES = Path(__file__).parents[2] / "fixtures" / "processes"
LEAN = CHO_PERFUSION.without("pyruvate", "pyruvate_feed", "bleed_rate").with_(
    medium=Medium(glucose="3 g/L", lactate="2 mmol/L"), sampling_flow=0.02
)


@pytest.mark.parametrize(
    ("process", "word"),
    [
        (read_process(PROCESSES / "asparagine.toml"), "asparagine"),
        (read_process(PROCESSES / "ph_and_oxygen.toml"), "ph, dissolved_oxygen"),
        (read_process(PROCESSES / "fed_batch.toml"), "glucose_feed, amino_feed"),
        (CHO_PERFUSION.with_(Species("titer", unit="mg/L", role="solute")), "titer"),
        (CHO_PERFUSION.with_(Setpoint("agitation", unit="1/s", role="condition")), "agitation"),
    ],
)
def test_what_no_virtual_vessel_knows_is_refused(process, word):
    with pytest.raises(ConfigError, match=rf"do not know {word} of"):
        check_known(process)
    with pytest.raises(ConfigError, match=rf"do not know {word} of"):
        SimulatedAmbr250(process=process)


def test_medium_and_pumps_are_those_of_the_process():
    medium, equipment = fed(LEAN)
    assert (medium.glucose, medium.glutamine, medium.lactate) == (3.0, 0.0, 2.0)
    assert (equipment.sampling_flow, equipment.concentrate_glucose, equipment.concentrate_max_flow) == (0.02, 400, 0.04)


def test_a_setpoint_that_is_not_there_does_nothing():
    asked = Setpoints.of_values(LEAN, dict.fromkeys(LEAN.setpoint_names, 1.0))
    taken = obeyed(asked)
    assert (taken.perfusion_rate, taken.bleed_rate, taken.pyruvate_feed) == (1.0, 0.0, 0.0)
    assert shown(taken, LEAN) == asked
    cold = obeyed(Setpoints(panel=CHO_PERFUSION.without("temperature")))
    assert cold.temperature == CHO_PERFUSION["temperature"].allowed.nominal


def test_the_medium_of_the_process_flows_in():
    recipes = {"R1": Setpoints.of_values(LEAN, {s.name: s.allowed.nominal for s in LEAN.setpoints})}
    (lean,) = simulate_runs(CLONE_X, recipes, days=2, process=LEAN)
    assert lean.panel is LEAN
    assert "pyruvate" not in lean.states[0].measured()
    (usual,) = simulate_runs(CLONE_X, {"R1": obeyed(recipes["R1"])}, days=2)
    at = CHO_PERFUSION.index("glutamine")
    assert np.nan_to_num(lean.states[2].vector()[LEAN.index("glutamine")]) < 0.5 * usual.states[2].vector()[at]


def test_a_rig_speaks_the_process():
    rig = SimulatedAmbr250(process=LEAN, days=2)
    assert rig.panel is LEAN
    sample = asyncio.run(rig.read_sample())
    assert sample.panel is LEAN
    asked = asyncio.run(rig.read_setpoints()).with_values(temperature=36.0)
    assert asyncio.run(rig.write_setpoints(asked)) == asked
    assert asyncio.run(rig.read_setpoints()).panel is LEAN
