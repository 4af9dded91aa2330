"""A target that may not be held is a doubt on record and a line for a person; the run goes on."""

from perfusio.config import track
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.hybrid.model import HybridModel
from perfusio.report.lines import Tone
from perfusio.report.narration import Narrator


async def test_a_doubt_is_the_second_record_and_stops_nothing(run_twin):
    run = await run_twin(SimulatedAmbr250(days=1), days=1, model=HybridModel(), objective=track(vcd=120))
    assert [type(e).__name__ for e in run.events[:2]] == ["RunStarted", "AimDoubted"]
    (doubt,) = run.of("AimDoubted")
    assert doubt.binding == "viability >= 95"
    assert doubt.window == {"low": 0.07, "high": 0.255}
    assert len(doubt.remedies) == 3
    assert run.counts == ("COMPLETED", 2, 1)
    narrator = Narrator()
    lines = [line for e in run.events for line in narrator.lines(e)]
    told = [line for line in lines if "may not be possible" in line.text]
    assert len(told) == 1
    assert told[0].tone is Tone.WARN


async def test_without_a_doubt_there_is_none(run_twin):
    run = await run_twin(SimulatedAmbr250(days=1), days=1, model=HybridModel())
    assert not run.of("AimDoubted")


async def test_a_model_that_cannot_answer_is_a_doubt_too(run_twin, persistence):
    class Mute(type(persistence)):
        def futures(self, trajectory, **settings):
            raise ZeroDivisionError("nothing to go by")

    run = await run_twin(SimulatedAmbr250(days=1), days=1, model=Mute())
    (doubt,) = run.of("AimDoubted")
    assert doubt.reason == "Whether the aim can be held was not checked: ZeroDivisionError: nothing to go by"
    assert run.counts == ("COMPLETED", 2, 1)
