"""A run that is begun before its sheet has a row waits for one, and is called what that row calls it."""

import asyncio

import pytest

from perfusio.connectors.database.database import Database
from perfusio.connectors.database.samples import SqlSample, add_samples
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.connectors.sql import SqlStore
from perfusio.errors import UnreadableSource
from perfusio.record.verification.verify import read_records, verify
from perfusio.testing import ManualClock, in_virtual_time, make_state
from perfusio.twin.digital_twin import DigitalTwin

HEAD, ROW = "reactor,day,vcd,viability,glucose,lactate,ammonium\n", "{},{},{},97,4,8,3\n"


class Sheet:
    """A file that a lab opened in the morning: its header, and no row yet."""

    def __init__(self, folder, clock):
        self.path, self.clock, self.rows = folder / "culture.csv", clock, ""
        self.save()

    def save(self):
        self.path.write_text(HEAD + self.rows)

    def add(self, day, *reactors):
        self.rows += "".join(ROW.format(reactor, day, 20 + day) for reactor in reactors)
        self.save()

    def store(self, **options):
        return FilesystemStore(self.path, follow=True, poll_seconds=1200.0, sleep=self.clock.sleep, **options)


class Folder(Sheet):
    """A folder into which an instrument drops a file a day."""

    def save(self):
        self.path.mkdir(exist_ok=True)

    def add(self, day, *reactors):
        rows = "".join(ROW.format(reactor, day, 20 + day) for reactor in reactors)
        (self.path / f"day-{day}.csv").write_text(HEAD + rows)


class Table(Sheet):
    """A database that was made, and into which nothing was put yet."""

    def save(self):
        Database(self.path, create=True).open()

    def add(self, day, *reactors):
        add_samples(self.path, [SqlSample(state=make_state(day=day), reactor=reactor) for reactor in reactors])

    def store(self, **options):
        options = {"poll_seconds": 1200.0, "clock": self.clock, "sleep": self.clock.sleep} | options
        return SqlStore(self.path, follow=True, **options)


def run(twin, clock, *grow):
    """Run a twin while time passes for the lab."""

    async def main():
        growing = [asyncio.ensure_future(one) for one in grow]
        try:
            return await twin.run()
        finally:
            for one in growing:
                one.cancel()

    return in_virtual_time(main(), clock)


async def days(sheet, *reactors, first_h=6.0):
    await sheet.clock.sleep(3600.0 * first_h)
    for day in range(3):
        sheet.add(day, *reactors)
        await sheet.clock.sleep(24 * 3600.0)


@pytest.mark.parametrize("of", [Sheet, Folder, Table])
@pytest.mark.parametrize("reactors", [("PB-104",), ("PB-104", "PB-105")])
def test_a_run_waits_for_its_name(make_twin, tmp_path, of, reactors):
    clock, told = ManualClock(), []
    sheet = of(tmp_path, clock)
    twin = make_twin(sheet.store(), days=2, clock=clock, observers=(told.append,))
    result = run(twin, clock, days(sheet, *reactors))
    assert result.outcome.name == "COMPLETED"
    assert set(twin.vessels) == set(result.trajectories) == set(reactors)
    assert verify(tmp_path / "audit.jsonl").is_intact
    records = list(read_records(tmp_path / "audit.jsonl"))
    assert {r.reactor for r in records if r.reactor} == set(reactors)
    source = records[0].payload["sources"]["PB-104"]
    assert (source["reactor"], source["n_rows"]) == ("PB-104", 1)
    waiting = [event for event in told if type(event).__name__ == "WaitBegan"]
    assert waiting[0].reason.startswith(f"Waiting for the first row of {sheet.path.name}, which says what its vessels")


@pytest.mark.parametrize("of", [Sheet, Folder, Table])
def test_a_vessel_that_joins_the_sheet_later_is_told_once_and_left_alone(make_twin, tmp_path, of):
    clock = ManualClock()
    sheet = of(tmp_path, clock)
    sheet.add(0, "PB-104", "PB-103")
    stores = sheet.store().vessels()

    async def grows():
        for day in (1, 2, 3):
            await clock.sleep(24 * 3600.0)
            sheet.add(day, "PB-104", *(["PB-105"] if day > 1 else []))

    twin = make_twin({"PB-104": stores["PB-104"]}, days=3, clock=clock)
    assert set(run(twin, clock, grows()).trajectories) == {"PB-104"}
    told = [r for r in read_records(tmp_path / "audit.jsonl") if r.event == "ConnectorFailed"]
    assert [(r.turn, r.payload["operation"]) for r in told] == [(2, "vessels")]
    assert told[0].reason.startswith(f"{sheet.path.name} names PB-105, which is not in this run")


def test_a_sheet_that_names_no_vessel_is_r01(make_twin, tmp_path):
    clock = ManualClock()
    sheet = Table(tmp_path, clock)
    twin = make_twin(sheet.store(), days=2, clock=clock)
    assert set(run(twin, clock, days(sheet, "")).trajectories) == {"R01"}


@pytest.mark.parametrize("of", [Sheet, Folder, Table])
def test_a_vessel_that_a_person_chose_has_its_name_before_its_first_row(make_twin, tmp_path, of):
    clock = ManualClock()
    sheet = of(tmp_path, clock)
    twin = make_twin(sheet.store(reactor="PB-104"), days=2, clock=clock)
    assert set(twin.vessels) == {"PB-104"}
    assert set(run(twin, clock, days(sheet, "PB-104", "PB-105")).trajectories) == {"PB-104"}


def test_a_sheet_that_is_away_while_its_first_row_is_awaited_is_waited_for(make_twin, tmp_path):
    clock, told = ManualClock(), []
    sheet = Sheet(tmp_path, clock)
    twin = make_twin(sheet.store(), days=2, clock=clock, observers=(told.append,))

    async def away():
        await clock.sleep(3600.0)
        sheet.path.unlink()
        await clock.sleep(3600.0)
        sheet.save()

    assert set(run(twin, clock, away(), days(sheet, "PB-104")).trajectories) == {"PB-104"}
    assert [type(event).__name__ for event in told].count("ConnectorFailed") == 1


def test_a_sheet_that_is_away_while_its_first_sample_is_awaited_is_waited_for(make_twin, tmp_path):
    clock, told = ManualClock(), []
    sheet = Sheet(tmp_path, clock)
    twin = make_twin({"mine": sheet.store()}, days=2, clock=clock, observers=(told.append,))

    async def away():
        await clock.sleep(3600.0)
        sheet.path.unlink()
        await clock.sleep(3600.0)
        sheet.save()

    assert run(twin, clock, away(), days(sheet, "PB-104")).outcome.name == "COMPLETED"
    said = [type(event).__name__ for event in told]
    assert (said.count("ConnectorFailed"), said.count("ConnectorRecovered")) == (1, 1)


def test_a_sheet_that_cannot_be_read_at_first_is_refused(make_twin, tmp_path):
    clock = ManualClock()
    sheet = Sheet(tmp_path, clock)
    sheet.path.write_text("Tag;Lebendzellzahl\n")
    twin = make_twin(sheet.store(), days=2, clock=clock)
    with pytest.raises(UnreadableSource):
        run(twin, clock)
    assert not (tmp_path / "audit.jsonl").exists()


def begun(make_twin, sheet):
    """Leave an unfinished run of one vessel behind."""
    sheet.add(0, "PB-104")
    twin = make_twin(sheet.store(), days=2, clock=sheet.clock)

    async def stopped():
        running = asyncio.ensure_future(twin.run())
        await sheet.clock.sleep(3600.0)
        running.cancel()
        await asyncio.wait([running])

    in_virtual_time(stopped(), sheet.clock)


@pytest.mark.parametrize("of", [Sheet, Table])
def test_a_run_goes_on_under_its_name_though_its_sheet_is_spoilt_just_now(
    make_twin, tmp_path, of, persistence, alternating
):
    clock = ManualClock()
    sheet = of(tmp_path, clock)
    begun(make_twin, sheet)
    sound = sheet.path.read_bytes()
    sheet.path.write_bytes(b"PK\x03\x04" + bytes(5000))
    twin = DigitalTwin.resume(tmp_path, connector=sheet.store(), model=persistence, policy=alternating, clock=clock)
    assert set(twin.vessels) == {"PB-104"}

    async def goes_on():
        await clock.sleep(6 * 3600.0)
        sheet.path.write_bytes(sound)
        for day in (1, 2):
            await clock.sleep(17 * 3600.0)
            sheet.add(day, "PB-104")
            await clock.sleep(7 * 3600.0)

    result = run(twin, clock, goes_on())
    assert (result.outcome.name, result.n_samples, set(result.trajectories)) == ("COMPLETED", 3, {"PB-104"})


def test_a_sheet_whose_rows_are_gone_is_refused_for_that(make_twin, tmp_path, persistence, alternating):
    sheet = Sheet(tmp_path, ManualClock())
    begun(make_twin, sheet)
    sheet.path.write_text(HEAD)
    with pytest.raises(UnreadableSource, match="lacks 1 of the 1 samples"):
        DigitalTwin.resume(tmp_path, connector=sheet.store(), model=persistence, policy=alternating)
