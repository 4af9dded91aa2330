"""A file on which a controller acts: what it shows with the next sample is what was in force."""

from dataclasses import replace
from math import nan

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
    (overridden,) = run.of("OverrideDetected")
    assert (overridden.turn, overridden.found) == (1, NOMINAL)
    assert overridden.reason == "Written last, and shown with this sample: bleed_rate 0.2 and 0.15 1/day."
    assert [(e.turn, e.mode) for e in run.of("ModeChanged")] == [(1, "advisory")]
    assert [(e.turn, e.quantity) for e in run.of("AlarmRaised")] == [(1, "write")]
    assert [e.turn for e in run.of("WriteIntended")] == [0]  # nothing is written over what somebody else wants


async def test_what_a_person_changes_at_the_controller_is_not_written_over(run_twin):
    file = ControllerFile(4, obeys=True)

    def turns_a_knob(event):
        if type(event).__name__ == "SetpointsWritten" and event.turn == 1:
            file.held = replace(file.held, temperature=35.0)

    run = await run_twin(file, days=4, mode=Mode.AUTOMATIC, observers=(turns_a_knob,))
    (overridden,) = run.of("OverrideDetected")
    assert (overridden.turn, overridden.found.temperature) == (2, 35.0)
    assert [e.turn for e in run.of("WriteIntended")] == [0, 1]
    assert run.of("SampleRead", day=3)[0].in_force.temperature == 35.0


async def test_what_is_shown_with_fewer_digits_is_the_same(run_twin):
    class Rounding(ControllerFile):
        async def read_setpoints(self):
            return replace(self.shown, bleed_rate=self.shown.bleed_rate + 0.004, agitation=nan)

    run = await run_twin(Rounding(3, obeys=True), days=3, mode=Mode.AUTOMATIC)
    assert run.of("OverrideDetected") == []
    assert [e.turn for e in run.of("WriteIntended")] == [0, 1, 2]
