"""SimulatedAmbr250 keeps the promises of every connector."""

from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.testing import check_connector


async def test_rig_of_one_and_one_vessel_of_several():
    await check_connector(lambda: SimulatedAmbr250(days=3))
    await check_connector(lambda: SimulatedAmbr250(n_vessels=3, days=3).vessels()["R02"])
