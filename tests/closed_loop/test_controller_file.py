"""A file on which a controller acts: what it shows with the next sample is what was in force."""

from dataclasses import replace

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode
from perfusio.errors import EndOfRun
from perfusio.protocols import ConnectorKind
from perfusio.testing import make_state

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal


class ControllerFile:
    """Shows, with each sample, the setpoints that its controller holds; takes a write over, or not."""

    kind = ConnectorKind.HARDWARE
    confirms_at_once = False

    def __init__(self, n_days, *, obeys):
        self.n_days, self.obeys = n_days, obeys
        self.held = self.shown = NOMINAL
        self.day = -1

    async def read_sample(self):
        self.day += 1
        if self.day > self.n_days:
            raise EndOfRun
        self.shown = self.held
        return make_state(day=self.day)

    async def read_setpoints(self):
        return self.shown

    async def write_setpoints(self, setpoints):
        if self.obeys:
            self.held = setpoints
        return setpoints


async def test_a_write_counts_once_the_file_shows_it(run_twin):
    run = await run_twin(ControllerFile(3, obeys=True), days=3, mode=Mode.AUTOMATIC)
    asked = [e.asked for e in run.of("SetpointsWritten")]
    assert [e.in_force for e in run.of("SampleRead")][1:] == asked
    assert not run.of("WriteUnknown")


async def test_a_write_that_the_controller_ignored_was_never_in_force(run_twin):
    run = await run_twin(ControllerFile(3, obeys=False), days=3, mode=Mode.AUTOMATIC)
    assert run.of("SetpointsWritten")[0].asked == replace(NOMINAL, bleed_rate=0.2)
    assert {e.in_force for e in run.of("SampleRead")} == {NOMINAL}
