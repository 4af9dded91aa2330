"""The simulated rig: pace, acknowledgement, independence of its vessels, faults."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.connectors.simulated import Faults, SimulatedAmbr250
from perfusio.errors import (
    ConfigError,
    EndOfRun,
    NotConnected,
    OutOfRange,
    SampleOverdue,
    UnreadableSource,
    WriteRejected,
)
from perfusio.plant.clones import CLONE_X
from perfusio.plant.medium import Equipment, Medium
from perfusio.plant.sensors import PERFECT, SensorSettings
from perfusio.protocols import Connector, ConnectorKind, Standing

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal


async def read(connector, n):
    return [await connector.read_sample() for _ in range(n)]


async def read_together(rig, n):
    days = [await asyncio.gather(*(v.read_sample() for v in rig.vessels().values())) for _ in range(n)]
    return [list(series) for series in zip(*days, strict=True)]


def test_rig_of_one_and_each_vessel_keep_the_protocol():
    rig = SimulatedAmbr250()
    assert isinstance(rig, Connector)
    assert isinstance(rig.vessels()["R01"], Connector)
    assert rig.kind is rig.vessels()["R01"].kind is ConnectorKind.SIMULATED


async def test_first_sample_is_the_inoculation_then_one_interval_each():
    states = await read(SimulatedAmbr250(sensors=PERFECT), 4)
    assert [s.time_h for s in states] == [0.0, 24.0, 48.0, 72.0]
    assert states[0].glucose == 5.0
    assert states[3].vcd > 2 * states[0].vcd


async def test_odd_intervals_keep_exact_times():
    states = await read(SimulatedAmbr250(sampling_interval_hours=8.0), 10)
    assert [s.time_h for s in states] == [8.0 * i for i in range(10)]


async def test_run_of_two_days_has_three_samples_and_then_ends_for_ever():
    rig = SimulatedAmbr250(days=2)
    assert len(await read(rig, 3)) == 3
    for _ in range(2):
        with pytest.raises(EndOfRun):
            await rig.read_sample()


async def test_write_is_acknowledged_read_back_and_in_force():
    rig, other = SimulatedAmbr250(sensors=PERFECT), SimulatedAmbr250(sensors=PERFECT)
    await rig.read_sample(), await other.read_sample()
    asked = replace(NOMINAL, bleed_rate=0.3)
    assert await rig.write_setpoints(asked) == asked
    assert await rig.read_setpoints() == asked
    assert (await rig.read_sample()).vcd < (await other.read_sample()).vcd


async def test_write_to_one_vessel_leaves_its_neighbours_alone():
    rig, asked = SimulatedAmbr250(n_vessels=3), replace(NOMINAL, bleed_rate=0.3)
    vessels = rig.vessels()
    await vessels["R02"].write_setpoints(asked)
    assert [await v.read_setpoints() for v in vessels.values()] == [NOMINAL, asked, NOMINAL]


async def test_impossible_write_is_rejected_and_changes_nothing():
    rig = SimulatedAmbr250()
    with pytest.raises(WriteRejected, match="run empty"):
        await rig.write_setpoints(replace(NOMINAL, bleed_rate=1.2))
    assert await rig.read_setpoints() == NOMINAL


async def test_samples_read_together_and_one_by_one_agree_to_rounding():
    together = await read_together(SimulatedAmbr250(n_vessels=3, seed=4), 4)
    rig = SimulatedAmbr250(n_vessels=3, seed=4)
    for name, series in zip(("R03", "R01", "R02"), (together[2], together[0], together[1]), strict=True):
        alone = await read(rig.vessels()[name], 4)
        for a, b in zip(alone, series, strict=True):
            np.testing.assert_allclose(a.vector(), b.vector(), rtol=1e-11)


async def test_vessels_differ_and_seeds_repeat():
    first = await read_together(SimulatedAmbr250(n_vessels=2, seed=1), 2)
    again = await read_together(SimulatedAmbr250(n_vessels=2, seed=1), 2)
    assert repr(first) == repr(again)
    assert first[0][0].vcd != first[1][0].vcd


async def test_more_vessels_do_not_change_the_first_ones():
    few = await read_together(SimulatedAmbr250(n_vessels=2, seed=1), 2)
    many = await read_together(SimulatedAmbr250(n_vessels=5, seed=1), 2)
    np.testing.assert_allclose(few[1][1].vector(), many[1][1].vector(), rtol=1e-11)


async def test_rig_of_several_cannot_be_read_as_one():
    with pytest.raises(ConfigError, match=r"\.vessels\(\)"):
        await SimulatedAmbr250(n_vessels=2).read_sample()


async def test_lost_sample_is_overdue_and_the_vessel_goes_on():
    rig = SimulatedAmbr250(faults=Faults(lost_samples=frozenset({1})))
    await rig.read_sample()
    with pytest.raises(SampleOverdue, match="sample 1"):
        await rig.read_sample()
    assert (await rig.read_sample()).time_h == 48.0


async def test_refused_write_changes_nothing_and_lost_acknowledgement_does():
    faults = Faults(refused_writes=frozenset({0}), lost_acknowledgements=frozenset({1}))
    rig, asked = SimulatedAmbr250(faults=faults), replace(NOMINAL, temperature=36.0)
    await rig.read_sample()
    with pytest.raises(WriteRejected):
        await rig.write_setpoints(asked)
    assert await rig.read_setpoints() == NOMINAL
    await rig.read_sample()
    with pytest.raises(NotConnected):
        await rig.write_setpoints(asked)
    assert await rig.read_setpoints() == asked


async def test_faults_of_one_vessel_leave_the_others_alone():
    rig = SimulatedAmbr250(n_vessels=2, faults={"R02": Faults(lost_samples=frozenset({0}))})
    good, bad = await asyncio.gather(*(v.read_sample() for v in rig.vessels().values()), return_exceptions=True)
    assert good.time_h == 0.0
    assert isinstance(bad, SampleOverdue)
    with pytest.raises(ConfigError, match="R07"):
        SimulatedAmbr250(faults={"R07": Faults()})


async def test_latency_delays_but_does_not_change():
    slow, fast = SimulatedAmbr250(faults=Faults(latency_s=0.001)), SimulatedAmbr250()
    assert repr(await read(slow, 2)) == repr(await read(fast, 2))


async def test_late_titer_comes_as_a_state_of_its_own():
    rig = SimulatedAmbr250(sensors=SensorSettings(missing=0.0, titer_delay_days=2.0), days=3)
    states = await read(rig, 6)
    assert [(s.time_h, s.titer == s.titer) for s in states] == [
        (0.0, False), (24.0, False), (48.0, False), (0.0, True), (72.0, False), (24.0, True),
    ]  # fmt: skip
    assert np.isnan(states[3].vcd)
    with pytest.raises(EndOfRun):
        await rig.read_sample()


async def test_truth_is_at_hand_for_benchmarks():
    rig = SimulatedAmbr250(n_vessels=2, sensors=PERFECT)
    read_states = await read_together(rig, 2)
    truth = rig.true_states()
    assert truth["R02"].vcd == read_states[1][1].vcd
    assert rig.plant.state("harvested").shape == (2,)


@pytest.mark.parametrize("hours", [0.0, -1.0, float("inf"), float("nan")])
def test_interval_must_be_a_time(hours):
    with pytest.raises(ConfigError, match="sampling_interval_hours"):
        SimulatedAmbr250(sampling_interval_hours=hours)


async def test_cell_lines_of_several_plants_by_name_in_one_rig():
    rig = SimulatedAmbr250(["Y-GS46", CLONE_X, "Monod-lit"], n_vessels=3, days=3, sensors=PERFECT)
    for vessel in rig.vessels().values():
        sample = await vessel.read_sample()
        assert sample.vector() == pytest.approx(vessel.true_state().vector())
        assert np.all(np.isfinite(sample.vector()))
    glucose = [state.glucose for state in rig.true_states().values()]
    assert glucose == pytest.approx([45.0 * 0.18016, 5.0, 6.0])  # each in its own medium
    assert [clone.name for clone in rig.plant.clones] == ["Y-GS46", "CloneX", "Monod-lit"]


def test_an_unknown_cell_line_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="Did you mean 'Y-GS46'"):
        SimulatedAmbr250("Y-GS64")


async def test_a_medium_is_told_to_the_rig_and_to_nobody_else():
    rig = SimulatedAmbr250(n_vessels=2, days=5, medium=[Medium(glutamine=2.0), Medium()], sensors=PERFECT)
    left, right = rig.vessels().values()
    assert ((await left.read_sample()).glutamine, (await right.read_sample()).glutamine) == (2.0, 6.0)
    with pytest.raises(ConfigError, match="glucose of the medium is -1"):
        Medium(glucose=-1.0)


def test_equipment_bounds_what_may_be_bled():
    narrow = replace(NOMINAL, perfusion_rate=0.5, bleed_rate=0.495)
    SimulatedAmbr250(setpoints=narrow, equipment=Equipment(sampling_flow=0.0))
    with pytest.raises(OutOfRange, match="run empty"):
        SimulatedAmbr250(setpoints=narrow)


def stood(*states):
    return Standing(states=states, refused=(), in_force=NOMINAL, done=None, source={})


async def test_a_rig_that_lived_on_gives_again_what_was_not_recorded():
    vessel = SimulatedAmbr250(days=4).vessels()["R01"]
    states = [await vessel.read_sample() for _ in range(3)]
    vessel.goes_on(stood(*states[:2]))
    assert await vessel.read_sample() is states[2]
    assert (await vessel.read_sample()).day == 3


async def test_a_new_rig_of_the_same_seed_goes_on_unless_it_was_written_to():
    async def lived(writes):
        vessel = SimulatedAmbr250(n_vessels=2, days=4, seed=5).vessels()["R02"]
        states = []
        for _ in range(3):
            states.append(await vessel.read_sample())
            if writes:
                await vessel.write_setpoints(replace(NOMINAL, temperature=33.0))
        return states, await vessel.read_sample()

    states, following = await lived(writes=False)
    again = SimulatedAmbr250(n_vessels=2, days=4, seed=5).vessels()["R02"]
    again.goes_on(stood(*states))
    assert repr(await again.read_sample()) == repr(following)
    states, _ = await lived(writes=True)
    with pytest.raises(UnreadableSource, match=r"so this is another vessel\. A simulated vessel that was written to"):
        SimulatedAmbr250(n_vessels=2, days=4, seed=5).vessels()["R02"].goes_on(stood(*states))


async def test_a_late_titer_that_is_on_record_does_not_come_again():
    def rig():
        return SimulatedAmbr250(days=6, sensors=SensorSettings(missing=0.0, titer_delay_days=2)).vessels()["R01"]

    vessel = rig()
    found = [await vessel.read_sample() for _ in range(8)]
    again = rig()
    n = max(i for i, state in enumerate(found) if state.day == 3 and state.measured().keys() != {"titer"}) + 1
    again.goes_on(stood(*(state for state in found[:n] if state.measured().keys() != {"titer"})))
    following = await again.read_sample()
    assert following.time_h not in {state.time_h for state in found[:n] if state.measured().keys() == {"titer"}}


async def test_a_call_that_is_given_up_costs_no_time_of_the_vessel():
    vessels = SimulatedAmbr250(n_vessels=2, days=9, seed=1).vessels()
    for vessel in vessels.values():
        await vessel.read_sample()
    calls = [asyncio.ensure_future(vessel.read_sample()) for vessel in vessels.values()]
    await asyncio.sleep(0)
    calls[0].cancel()
    assert (await calls[1]).day == 1
    assert [(await vessel.read_sample()).day for vessel in vessels.values()] == [1, 2]
