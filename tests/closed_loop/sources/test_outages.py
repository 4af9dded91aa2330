"""A source that is away, half saved or spoilt for a while: the run goes on, and every turn is decided all the same."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from perfusio.connectors.database.samples import SqlSample, add_samples
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.connectors.sql import SqlStore
from perfusio.record.verification.verify import read_records, verify
from perfusio.selftest.quiet_vessel import sample_of
from perfusio.state import STATE_QUANTITIES
from perfusio.testing import ManualClock, in_virtual_time

INTERVAL_H = 4.0
TURN_S = 3600.0 * INTERVAL_H
HEADER = ",".join(("day", *STATE_QUANTITIES))
N_TURNS = 6


def row(turn):
    sample = sample_of(turn)
    return ",".join(f"{v:.6g}" for v in (turn * INTERVAL_H / 24.0, *(getattr(sample, n) for n in STATE_QUANTITIES)))


class Sheet:
    """A file to which a lab adds a row every four hours, and to which something happens in between."""

    def __init__(self, path, clock):
        self.path, self.clock = path, clock
        self.turns = []

    def save(self):
        draft = self.path.with_suffix(".draft")
        draft.write_text("\n".join((HEADER, *map(row, self.turns))) + "\n", encoding="utf-8")
        draft.replace(self.path)

    async def grow(self, trouble, *, on_turn, seconds):
        """Add a row at each turn; on one of them the file is in trouble just before, for so many seconds."""
        for turn in range(1, N_TURNS + 1):
            if turn == on_turn:
                await self.clock.sleep(TURN_S - 20.0)
                trouble(self)
                await self.clock.sleep(seconds)
                self.heal()
                await self.clock.sleep(max(0.0, 20.0 - seconds))
            else:
                await self.clock.sleep(TURN_S - (max(0.0, seconds - 20.0) if turn == on_turn + 1 else 0.0))
            self.turns.append(turn)
            self.save()

    def heal(self):
        if self.path.is_dir():
            self.path.rmdir()
        self.save()

    async def wait(self, seconds):
        """Wait between two looks: as asked about the time of the trouble, longer otherwise, for looks cost work."""
        into_s = self.clock.monotonic_ns() / 1e9 - 2 * TURN_S
        await self.clock.sleep(seconds if -300.0 <= into_s <= 300.0 else max(seconds, 300.0))


def away(sheet):
    sheet.path.unlink()


def header_only(sheet):
    sheet.path.write_text(HEADER + "\n", encoding="utf-8")


def empty(sheet):
    sheet.path.write_bytes(b"")


def another_format(sheet):
    sheet.path.write_bytes(b"PK\x03\x04" + bytes(500))


def another_header(sheet):
    sheet.path.write_text("Tag;Lebendzellzahl\n1;2\n", encoding="utf-8")


def a_folder(sheet):
    sheet.path.unlink()
    sheet.path.mkdir()


TROUBLES = [away, header_only, empty, another_format, another_header, a_folder]


@pytest.mark.parametrize(
    ("trouble", "seconds"),
    [*((trouble, 60.0) for trouble in TROUBLES), (away, 8.0), (header_only, 3 * 3600.0)],
    ids=lambda value: value.__name__ if callable(value) else f"{value:g} s",
)
def test_a_file_in_trouble_costs_no_decision_and_ends_no_run(make_twin, tmp_path, trouble, seconds):
    clock = ManualClock()
    sheet = Sheet(tmp_path / "samples.csv", clock)
    sheet.turns = [0]
    sheet.save()
    store = FilesystemStore(sheet.path, follow=True, poll_seconds=seconds / 12, sleep=sheet.wait)
    twin = make_twin({"R01": store}, days=1, clock=clock, sampling_interval_hours=INTERVAL_H)
    assert_goes_on(twin, sheet, trouble, seconds, tmp_path / "audit.jsonl")


def test_one_trouble_is_told_once_however_rarely_the_file_is_looked_at(make_twin, tmp_path):
    clock = ManualClock()
    sheet = Sheet(tmp_path / "samples.csv", clock)
    sheet.turns = [0]
    sheet.save()
    store = FilesystemStore(sheet.path, follow=True, poll_seconds=1200.0, sleep=clock.sleep)
    twin = make_twin({"R01": store}, days=1, clock=clock, sampling_interval_hours=INTERVAL_H)
    told, alarms = assert_goes_on(twin, sheet, another_header, 3 * 3600.0, tmp_path / "audit.jsonl")
    assert told == ["ConnectorFailed", "ConnectorRecovered"]
    assert alarms.count("source") == 1


def assert_goes_on(twin, sheet, trouble, seconds, path):
    """Every turn is decided, and the record tells of the trouble at most once."""

    async def main():
        growing = asyncio.ensure_future(sheet.grow(trouble, on_turn=2, seconds=seconds))
        try:
            return await twin.run()
        finally:
            growing.cancel()

    result = in_virtual_time(main(), sheet.clock)
    assert (result.outcome.name, result.n_samples, result.n_decisions) == ("COMPLETED", N_TURNS + 1, N_TURNS)
    assert verify(path).is_intact
    told = [r.event for r in read_records(path) if r.event in ("ConnectorFailed", "ConnectorRecovered")]
    assert told in ([], ["ConnectorFailed", "ConnectorRecovered"]), "once, if the connector does not wait it out itself"
    alarms = [r.payload["quantity"] for r in read_records(path) if r.event == "AlarmRaised"]
    assert alarms in ([], ["source"], ["source", "sample"], ["sample"])
    return told, alarms


class Folder(Sheet):
    """A folder into which an instrument drops a file a sample; taken away, it comes back as it was."""

    @property
    def elsewhere(self):
        return self.path.with_name("elsewhere")

    def heal(self):
        if self.elsewhere.exists():
            shutil.rmtree(self.path, ignore_errors=True)
            self.elsewhere.rename(self.path)
        (self.path / "wrong.csv").unlink(missing_ok=True)

    def save(self):
        self.path.mkdir(exist_ok=True)
        for turn in self.turns:
            if not (file := self.path / f"{turn:03}.csv").exists():
                file.write_text(f"{HEADER}\n{row(turn)}\n", encoding="utf-8")


def moved_away(folder):
    folder.path.rename(folder.elsewhere)


def emptied(folder):
    moved_away(folder)
    folder.path.mkdir()


def with_a_wrong_file(folder):
    (folder.path / "wrong.csv").write_text("Tag;Lebendzellzahl\n1;2\n", encoding="utf-8")


def with_a_half_saved_file(folder):
    (folder.path / "wrong.csv").write_text(HEADER[:20], encoding="utf-8")


@pytest.mark.parametrize("seconds", [60.0, 3 * 3600.0])
@pytest.mark.parametrize("trouble", [moved_away, emptied, with_a_wrong_file, with_a_half_saved_file])
def test_a_folder_in_trouble_costs_no_decision_and_ends_no_run(make_twin, tmp_path, trouble, seconds):
    clock = ManualClock()
    folder = Folder(tmp_path / "drop", clock)
    folder.turns = [0]
    folder.save()
    store = FilesystemStore(folder.path, follow=True, poll_seconds=seconds / 12, sleep=folder.wait)
    twin = make_twin({"R01": store}, days=1, clock=clock, sampling_interval_hours=INTERVAL_H)
    told, alarms = assert_goes_on(twin, folder, trouble, seconds, tmp_path / "audit.jsonl")
    if trouble in (moved_away, with_a_wrong_file):
        assert told, "a person is told what is wrong with it"
    if trouble is moved_away:
        assert alarms.count("source") == (seconds > 900.0)


class Table(Sheet):
    """A database to which a lab adds rows, made anew with all of them after it was in trouble."""

    def heal(self):
        if self.path.is_dir():
            self.path.rmdir()
        self.path.unlink(missing_ok=True)
        self.save()

    def save(self):
        add_samples(
            self.path, [SqlSample(state=replace(sample_of(turn), time_h=turn * INTERVAL_H)) for turn in self.turns]
        )


def cut(table):
    table.path.write_bytes(table.path.read_bytes()[:5000])


def not_a_database(table):
    table.path.write_bytes(b"PK\x03\x04" + bytes(5000))


def of_another_application(table):
    table.path.unlink()
    with closing(sqlite3.connect(table.path)) as connection:
        connection.execute("CREATE TABLE lab (x)")


def without_the_table(table):
    with closing(sqlite3.connect(table.path)) as connection:
        connection.execute("DROP TABLE samples")


DATABASE_TROUBLES = [away, empty, cut, not_a_database, of_another_application, without_the_table, a_folder]


@pytest.mark.parametrize(
    ("trouble", "seconds"),
    [*((trouble, 60.0) for trouble in DATABASE_TROUBLES), (away, 3 * 3600.0), (cut, 3 * 3600.0)],
    ids=lambda value: value.__name__ if callable(value) else f"{value:g} s",
)
def test_a_database_in_trouble_costs_no_decision_and_ends_no_run(make_twin, tmp_path, trouble, seconds):
    clock = ManualClock()
    table = Table(tmp_path / "lab.sqlite", clock)
    table.turns = [0]
    table.save()
    store = SqlStore(table.path, follow=True, poll_seconds=seconds / 12, clock=clock, sleep=table.wait)
    twin = make_twin({"R01": store}, days=1, clock=clock, sampling_interval_hours=INTERVAL_H)
    told, alarms = assert_goes_on(twin, table, trouble, seconds, tmp_path / "audit.jsonl")
    assert told, "no database waits out a minute in silence"
    assert alarms.count("source") == (seconds > 900.0)
