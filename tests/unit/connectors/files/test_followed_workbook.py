"""A workbook that people save again and again is read again: new rows, changed ones, and nothing of a half save."""

import os

import pytest

from perfusio.connectors.files.file_source import HALF_WRITTEN_LOOKS
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.errors import SampleOverdue, UnreadableSource

HEAD = ["day", "VCD", "Via", "Glc", "bleed_rate"]


def row(day, vcd=None, glucose=5.0):
    return [day, vcd or 1.0 + day, 97, glucose, 0.1]


@pytest.fixture
def saved(tmp_path, write_xlsx):
    """A function that saves a workbook as Excel does: under another name beside a lock file, then renamed."""
    path = tmp_path / "book.xlsx"

    def save(*rows, sheets=None):
        (tmp_path / "~$book.xlsx").write_bytes(b"\x05Person")
        draft = tmp_path / "A1B2C3.tmp"
        write_xlsx(draft, sheets or {"S": [HEAD, *rows]})
        os.replace(draft, path)
        return path

    return save


class Hands:
    """Lets no time pass, and does the next act of a person at each wait."""

    def __init__(self, *acts):
        self._acts, self.waits = list(acts), 0

    async def sleep(self, _):
        self.waits += 1
        if self._acts and (act := self._acts.pop(0)):
            act()


def followed(path, *acts, **options):
    hands = Hands(*acts)
    return FilesystemStore(path, follow=True, timeout_seconds=60, poll_seconds=1, sleep=hands.sleep, **options), hands


async def test_rows_that_are_saved_later_are_read_and_a_changed_value_is_a_correction(saved):
    path = saved(row(0), row(1))
    store, _ = followed(path, None, lambda: saved(row(0), row(1, glucose=4.5), row(2)))
    assert [(await store.read_sample()).day for _ in range(2)] == [0, 1]
    correction = await store.read_sample()
    assert (correction.day, correction.glucose) == (1, 4.5)
    assert (await store.read_sample()).day == 2
    with pytest.raises(SampleOverdue) as overdue:
        await store.read_sample()
    assert "unfinished" not in str(overdue.value)


async def test_each_sheet_is_a_vessel_and_a_value_that_comes_later_is_one(saved):
    first = {"R1": [HEAD, row(0)], "R2": [HEAD, [0, 1.0, 97, None, 0.1]]}
    later = {"R1": [HEAD, row(0), row(1)], "R2": [HEAD, [0, 1.0, 97, 5.5, 0.1]]}
    path = saved(sheets=first)
    store, _ = followed(path, None, None, lambda: saved(sheets=later))
    vessels = store.vessels()
    assert [(await vessels[name].read_sample()).day for name in ("R1", "R2")] == [0, 0]
    assert (await vessels["R2"].read_sample()).glucose == 5.5
    assert (await vessels["R1"].read_sample()).day == 1


async def test_a_half_written_workbook_is_waited_for_and_told_only_if_it_stays_so(saved):
    whole = saved(row(0), row(1), row(2)).read_bytes()
    path = saved(row(0))
    store, _ = followed(
        path, None, lambda: path.write_bytes(b""), None, None, lambda: path.write_bytes(whole[:300]), None, None,
        lambda: path.write_bytes(whole),
    )  # fmt: skip
    assert [(await store.read_sample()).day for _ in range(3)] == [0, 1, 2]
    stuck, hands = followed(path, None, lambda: path.write_bytes(whole[:300]))
    assert [(await stuck.read_sample()).day for _ in range(3)] == [0, 1, 2]
    with pytest.raises(UnreadableSource, match="cannot be read as an Excel workbook"):
        await stuck.read_sample()
    assert hands.waits >= HALF_WRITTEN_LOOKS
    path.write_bytes(whole)
    with pytest.raises(SampleOverdue):
        await stuck.read_sample()


async def test_a_wrong_save_is_told_and_the_mended_one_is_read(saved):
    path = saved(row(0))
    wrong = [1, 2.0, 97, "#REF!", 0.1]
    store, _ = followed(path, None, lambda: saved(row(0), wrong))
    assert (await store.read_sample()).day == 0
    with pytest.raises(UnreadableSource, match="--set-missing 'line 3: Glc'"):
        await store.read_sample()
    saved(row(0), row(1))
    assert (await store.read_sample()).day == 1
    saved(row(1))
    with pytest.raises(UnreadableSource, match="has vanished"):
        await store.read_sample()


async def test_a_doubt_about_a_unit_does_not_stop_a_run_that_has_begun(saved):
    path = saved(row(0), row(1))
    store, _ = followed(path, None, lambda: saved(row(0), row(1), row(2, glucose=55.0), row(3, glucose=58.0)))
    assert [(await store.read_sample()).day for _ in range(4)] == [0, 1, 2, 3]
