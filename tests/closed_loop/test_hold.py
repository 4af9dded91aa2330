"""A person holds a vessel: nothing is written from that moment on, whatever the twin is doing, until it is released."""

import pytest

from perfusio.testing import ScriptedConnector, make_state
from perfusio.twin.hold import FILE, Word, say


def vessels(n_days=5):
    return {r: ScriptedConnector([make_state(day=d) for d in range(n_days + 1)]) for r in ("R01", "R02")}


def at(day, name, act, reactor="R01"):
    """An observer that acts once, when the named fact of a vessel on a day has become durable."""

    def observer(event):
        if (event.turn, event.reactor, type(event).__name__) == (day, reactor, name):
            act()

    return observer


def held(tmp_path, reactor=None, *, is_held=True):
    return lambda: say(tmp_path, reactor, Word(is_held=is_held, who="A. Smith", why="The pump is noisy."))


async def test_a_hold_after_the_decision_stops_the_write_of_that_very_day(run_twin, tmp_path):
    connectors = vessels()
    run = await run_twin(connectors, days=5, observers=(at(2, "Decided", held(tmp_path, "R01")),))
    assert [len(connectors[r].written) for r in ("R01", "R02")] == [2, 5]
    assert run.of("WriteIntended", reactor="R01", day=2) == []
    (withheld,) = run.of("Withheld", reactor="R01")
    assert withheld.because == ("The vessel is in mode hold: nothing is written.",)
    (changed,) = run.of("ModeChanged")
    assert (changed.reactor, changed.turn, changed.before, changed.mode) == ("R01", 2, "automatic", "hold")
    assert (changed.who, changed.reason) == ("A. Smith", "The pump is noisy.")
    assert len(run.of("Forecasted", reactor="R01")) >= 3  # it is still watched
    assert run.counts[0] == "COMPLETED"


async def test_a_hold_after_the_guard_has_let_a_write_pass_stops_it_still(run_twin, tmp_path):
    connectors = vessels(3)
    run = await run_twin(connectors, days=3, observers=(at(1, "WriteIntended", held(tmp_path, "R02"), reactor="R01"),))
    assert [len(c.written) for c in connectors.values()] == [3, 1]
    (withheld,) = run.of("Withheld", reactor="R02")
    assert withheld.because == ("A person holds the vessel: nothing is written.",)
    assert [(e.turn, e.mode) for e in run.of("ModeChanged")] == [(1, "hold")]


async def test_released_it_goes_on(run_twin, tmp_path):
    connectors = vessels()
    hold, release = held(tmp_path), held(tmp_path, is_held=False)
    run = await run_twin(connectors, days=5, observers=(at(1, "SampleRead", hold), at(3, "SampleRead", release)))
    assert [len(c.written) for c in connectors.values()] == [3, 3]  # days 0, 3 and 4
    assert {e.turn for e in run.of("SetpointsWritten", reactor="R01")} == {0, 3, 4}
    assert [(e.turn, e.mode) for e in run.of("ModeChanged", reactor="R02")][-1] == (3, "automatic")


async def test_an_empty_file_made_by_hand_holds_all(run_twin, tmp_path):
    connectors = vessels(3)
    run = await run_twin(connectors, days=3, observers=(at(1, "SampleRead", (tmp_path / FILE).touch),))
    assert [len(c.written) for c in connectors.values()] == [1, 1]
    assert run.of("ModeChanged")[0].reason == "A file HOLD is in the folder of the run."


async def test_a_run_that_starts_held_writes_nothing(run_twin, tmp_path):
    (tmp_path / FILE).touch()
    connectors = vessels(2)
    run = await run_twin(connectors, days=2)
    assert [len(c.written) for c in connectors.values()] == [0, 0]
    assert run.of("WriteIntended") == []


@pytest.mark.parametrize("fact", ["SampleRead", "Decided", "WriteIntended"])
async def test_the_other_vessel_is_not_touched_by_it(run_twin, tmp_path, fact):
    connectors = vessels(3)
    await run_twin(connectors, days=3, observers=(at(1, fact, held(tmp_path, "R01")),))
    assert len(connectors["R02"].written) == 3
    # an intent that is durable may be carried out; nothing comes after it
    assert len(connectors["R01"].written) == (2 if fact == "WriteIntended" else 1)
