"""A second twin at a vessel is refused before anything is recorded, and a row that is not ours is an alarm."""

import asyncio
from contextlib import suppress

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.errors import VesselTaken
from perfusio.protocols import ConnectorKind
from perfusio.state import SETPOINTS
from perfusio.testing import ScriptedConnector, make_state

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
HEAD = "day,VCD [1e6 cells/mL],viability [%],glucose [g/L]\n"


def growing(path, n_days):
    """A store whose file grows by a row each time it is waited for, and how often it was."""
    waited = []

    async def sleep(_):
        waited.append(1)
        await asyncio.sleep(0)
        if len(waited) % 3 == 0 and (day := len(waited) // 3) <= n_days:
            with path.open("a") as file:
                file.write(f"{day},{20 + day},95,4\n")

    path.write_text(f"{HEAD}0,20,95,4\n")
    return FilesystemStore(path, actuates=True, poll_seconds=0.01, timeout_seconds=1.0, sleep=sleep)


async def test_a_second_twin_is_refused_with_the_name_of_the_first(make_twin, tmp_path):
    path = tmp_path / "culture.csv"
    begun = asyncio.Event()
    first = make_twin(
        growing(path, 0), run_dir=tmp_path / "first", observers=(lambda _: begun.set(),), mode=Mode.AUTOMATIC
    )
    running = asyncio.ensure_future(first.run())
    await begun.wait()
    second = make_twin(FilesystemStore(path, actuates=True), run_dir=tmp_path / "second")
    with pytest.raises(VesselTaken, match=rf"the twin of the run in {tmp_path / 'first'} \(process \d+ on "):
        await second.run()
    assert not (tmp_path / "second").exists()
    running.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await running
    third = make_twin(growing(path, 1), days=1, run_dir=tmp_path / "third")
    assert (await third.run()).n_samples == 2


async def test_a_vessel_that_was_taken_is_given_back_at_the_end_and_all_or_none_are_taken(make_twin):
    class Leasable(ScriptedConnector):
        holder, is_taken = None, False

        async def take(self, holder):
            if self.is_taken:
                raise VesselTaken("It is written by another.")
            self.holder = holder

        async def give_back(self):
            self.holder = None

    def rig():
        return {r: Leasable([make_state(day=0)], kind=ConnectorKind.HARDWARE) for r in ("R01", "R02")}

    vessels = rig()
    seen = []
    await make_twin(vessels, days=1, observers=(lambda _: seen.append(vessels["R01"].holder),)).run()
    assert seen[0].run.startswith("/")
    assert [v.holder for v in vessels.values()] == [None, None]
    vessels = rig()
    vessels["R02"].is_taken = True
    with pytest.raises(VesselTaken, match="another"):
        await make_twin(vessels, days=1).run()
    assert vessels["R01"].holder is None


async def test_somebody_elses_row_in_the_setpoints_file_is_an_alarm_and_stays(run_twin, tmp_path):
    store = growing(tmp_path / "culture.csv", 3)
    row = ",".join(["1", "24.0", *(repr(getattr(NOMINAL, name)) for name in SETPOINTS)])

    def writes_too(event):
        if type(event).__name__ == "SetpointsWritten" and event.turn == 0:
            with store.setpoints_path.open("a") as file:
                file.write(f"{row}\n")

    run = await run_twin(store, days=3, mode=Mode.AUTOMATIC, observers=(writes_too,))
    (overridden,) = run.of("OverrideDetected")
    assert overridden.turn == 1
    assert "holds rows that this run did not write" in overridden.reason
    assert [(e.turn, e.level) for e in run.of("AlarmRaised") if e.quantity == "write"] == [(1, "act")]
    assert [e.mode for e in run.of("ModeChanged")] == ["advisory"]
    assert row in store.setpoints_path.read_text()
    assert not list(tmp_path.glob("culture.setpoints-*.csv"))
