"""SimulatedAmbr250 keeps the promises of every connector."""

import pytest

from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.testing import check_connector


async def test_rig_of_one_and_one_vessel_of_several():
    await check_connector(lambda: SimulatedAmbr250(days=3))
    await check_connector(lambda: SimulatedAmbr250(n_vessels=3, days=3).vessels()["R02"])


@pytest.mark.parametrize("clone", ["Y-GS46", "Monod-lit", "Own2-1"])
async def test_plants_that_other_people_wrote_stand_behind_the_same_rig(clone):
    await check_connector(lambda: SimulatedAmbr250(clone, days=3))
