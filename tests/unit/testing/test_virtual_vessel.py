"""The virtual vessel: a culture of any process that grows, uses up what flows in, and obeys its setpoints."""

import pytest

from perfusio.errors import EndOfRun
from perfusio.process import CHO_PERFUSION, Medium, Setpoint, Species
from perfusio.process.facts import Allowed
from perfusio.protocols import Connector, Resumable, Standing
from perfusio.testing.virtual_vessel import VirtualVessel

FEED = Setpoint(
    "feed", unit="1/day", role="feed_rate", composition=Medium(glucose="200 g/L"),
    allowed=Allowed(low=0.0, high=0.1, nominal=0.02, max_step=0.02),
)  # fmt: skip
BATCH = CHO_PERFUSION.without(*CHO_PERFUSION.setpoint_names).with_(FEED)


async def grown(vessel, days):
    """Its samples of so many days."""
    return [await vessel.read_sample() for _ in range(days + 1)]


def with_(vessel, **changed):
    vessel.in_force = vessel.in_force.with_values(**changed)
    return vessel


async def test_cells_grow_and_a_bleed_takes_them_away():
    nominal = (await grown(VirtualVessel(CHO_PERFUSION), 6))[-1]
    bled = (await grown(with_(VirtualVessel(CHO_PERFUSION), bleed_rate=0.3), 6))[-1]
    assert nominal.vcd > 4 * 5.0
    assert bled.vcd < 0.7 * nominal.vcd


async def test_every_amount_is_possible_and_an_equal_seed_gives_equal_samples():
    panel = CHO_PERFUSION.with_(Species("asparagine", unit="mmol/L", role="solute"), medium=Medium(asparagine=12.0))
    one, again, other = [[s.measured() for s in await grown(VirtualVessel(panel, seed=n), 14)] for n in (3, 3, 4)]
    assert one == again != other
    for sample in one:
        assert set(sample) == {s.name for s in panel.species}
        for name, value in sample.items():
            panel[name].check(value)


async def test_a_fed_culture_lives_of_its_feed_and_is_thinned_by_it():
    fed, unfed = [(await grown(with_(VirtualVessel(BATCH), feed=f), 10))[-1] for f in (0.02, 0.0)]
    assert fed.glucose > unfed.glucose
    soon, soon_thinned = [(await grown(with_(VirtualVessel(BATCH), feed=f), 1))[-1] for f in (0.0, 0.1)]
    assert soon_thinned.titer < soon.titer


async def test_it_keeps_to_the_protocol_and_goes_on():
    vessel = VirtualVessel(BATCH, n_days=2)
    assert isinstance(vessel, Connector)
    assert isinstance(vessel, Resumable)
    first, second, _ = await grown(vessel, 2)
    with pytest.raises(EndOfRun):
        await vessel.read_sample()
    vessel.goes_on(Standing(states=(first,), refused=(), in_force=vessel.in_force, done=None, source={}))
    assert await vessel.read_sample() == second
    asked = vessel.in_force.with_values(feed=0.04)
    assert await vessel.write_setpoints(asked) == asked == await vessel.read_setpoints()
