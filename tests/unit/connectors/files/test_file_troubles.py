"""Whatever happens to a file that is followed, the store says so in words and reads on when the file is well again."""

import builtins
import os
import shutil

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.connectors.files import file_source
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.errors import NotConnected, SampleOverdue, UnreadableSource, WriteOverridden
from perfusio.protocols import NOT_USED, Resumable, Standing
from perfusio.state import Setpoints
from perfusio.tables.cells import sheets

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
HEAD = "reactor,day,VCD,Via,Glc,bleed_rate\n"


def row(day, reactor="PB-104", vcd=None, **values):
    cells = {"Via": 97, "Glc": 5 - 0.1 * day, "bleed": 0.1, **values}
    return f"{reactor},{day},{vcd or 1 + day},{cells['Via']},{cells['Glc']:g},{cells['bleed']}\n"


def text(*days):
    return HEAD + "".join(row(day) for day in days)


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "lab" / "run.csv"
    file.parent.mkdir()
    file.write_text(text(0, 1))
    return file


@pytest.fixture
def store(path):
    return followed(path)


async def no_time(seconds):
    """Let no time pass between two looks."""


def followed(path, **options):
    options = {"actuates": True, "poll_seconds": 1.0, "timeout_seconds": 5.0, "sleep": no_time, **options}
    return FilesystemStore(path, **options)


async def days(store, n):
    return [(await store.read_sample()).day for _ in range(n)]


def away(path):
    path.rename(path.with_suffix(".away"))


def folder_away(path):
    path.parent.rename(path.parent.with_name("away"))


def a_folder_in_its_place(path):
    path.unlink()
    path.mkdir()


def a_loop_of_links(path):
    path.unlink()
    path.symlink_to(path)


TROUBLES = {
    "away": away,
    "its folder away": folder_away,
    "a folder in its place": a_folder_in_its_place,
    "a loop of links": a_loop_of_links,
    "empty": lambda path: path.write_text(""),
    "header only": lambda path: path.write_text(HEAD),
    "half saved": lambda path: path.write_text(text(0, 1)[:-30]),
    "another format": lambda path: path.write_bytes(b"PK\x03\x04" + bytes(400)),
    "a web page": lambda path: path.write_text("<html>Please log in</html>\n"),
    "noise": lambda path: path.write_bytes(bytes(range(256)) * 8),
    "another separator": lambda path: path.write_text(text(0, 1).replace(",", "|")),
    "a typo in a new row": lambda path: path.write_text(text(0, 1) + row(2, vcd="2..4")),
    "a typo in a known row": lambda path: path.write_text(text(0, 1).replace("PB-104,1,2", "PB-104,1,2..4")),
    "quotes left open": lambda path: path.write_text(text(0, 1) + '"PB-104,2,3,97,5,0.1\n'),
    "another culture": lambda path: path.write_text(text(0, 1).replace(",97,", ",91,")),
    "rows gone": lambda path: path.write_text(text(1)),
    "too large": lambda path: os.truncate(path, sheets.MAX_BYTES + 1),
}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_it_is_told_again_and_again_and_read_on_afterwards(path, store, trouble):
    assert await days(store, 2) == [0, 1]
    TROUBLES[trouble](path)
    for _ in range(3):
        with pytest.raises((UnreadableSource, NotConnected)):
            await store.read_sample()
        assert (await store.read_setpoints()).bleed_rate == 0.1
    shutil.rmtree(path.parent, ignore_errors=True)
    path.parent.mkdir()
    path.write_text(text(0, 1, 2))
    assert await days(store, 1) == [2], "nothing is lost, nothing comes twice"


@pytest.mark.parametrize(
    ("number", "words"),
    [(24, "Too many open files"), (13, "Permission denied"), (5, "Input/output error"), (12, "memory")],
)
async def test_what_the_system_refuses(path, store, monkeypatch, number, words):
    assert await days(store, 2) == [0, 1]
    path.write_text(text(0, 1, 2))

    def refuses(*args, **options):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(sheets.os, "open", refuses)
        for _ in range(2):
            with pytest.raises((UnreadableSource, NotConnected), match=words):
                await store.read_sample()
    with monkeypatch.context() as patch:
        patch.setattr(type(path), "stat", refuses)
        with pytest.raises((UnreadableSource, NotConnected), match=words):
            await store.read_sample()
    assert await days(store, 1) == [2]


@pytest.mark.parametrize("error", [MemoryError(), builtins.RecursionError("deep"), KeyError("a bug")])
async def test_a_reader_that_fails_in_a_way_of_its_own(path, store, monkeypatch, error):
    assert await days(store, 2) == [0, 1]
    path.write_text(text(0, 1, 2))

    def fails(*args, **options):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(file_source, "read_on", fails)
        with pytest.raises((UnreadableSource, NotConnected), match=r"run\.csv.*Expected"):
            await store.read_sample()
    assert await days(store, 1) == [2]


async def test_rows_before_a_typo_are_handed_out_and_the_rest_when_it_is_mended(path, store):
    assert await days(store, 2) == [0, 1]
    path.write_text(text(0, 1, 2, 3) + row(4, vcd="x") + row(5))
    assert await days(store, 2) == [2, 3]
    for _ in range(2):
        with pytest.raises(UnreadableSource, match=r"run\.csv, line 6, column 'VCD': 'x' is not a number"):
            await store.read_sample()
    path.write_text(text(0, 1, 2, 3, 4, 5))
    assert await days(store, 2) == [4, 5]


async def test_a_typo_of_one_vessel_keeps_nothing_back_that_stands_before_it(path):
    path.write_text(text(0) + row(0, "R2"))
    vessels = followed(path).vessels()
    for vessel in vessels.values():
        await days(vessel, 1)
    path.write_text(text(0) + row(0, "R2") + row(1) + row(1, "R2", vcd="x") + row(2))
    assert await days(vessels["PB-104"], 1) == [1]
    for vessel in vessels.values():
        with pytest.raises(UnreadableSource, match="line 5"):
            await vessel.read_sample()
    path.write_text(text(0) + row(0, "R2") + row(1) + row(1, "R2") + row(2))
    assert await days(vessels["R2"], 1) == [1]
    assert await days(vessels["PB-104"], 1) == [2]


async def test_a_wrong_row_is_not_read_again_and_again_while_nothing_changes(path, store, monkeypatch):
    assert await days(store, 2) == [0, 1]
    path.write_text(text(0, 1) + row(2, vcd="x"))
    with pytest.raises(UnreadableSource):
        await store.read_sample()

    def fails(*args, **options):
        raise AssertionError("it was parsed again")

    monkeypatch.setattr(file_source, "parse_table", fails)
    with pytest.raises(UnreadableSource, match="'x' is not a number"):
        await store.read_sample()


async def test_a_correction_comes_with_its_row_and_a_row_put_in_between_comes_too(path, store):
    path.write_text(text(0, 1, 2, 3))
    assert await days(store, 4) == [0, 1, 2, 3]
    path.write_text(HEAD + row(0) + row(1, vcd=7) + row(2) + row(2.5) + row(3))
    correction, between = await store.read_sample(), await store.read_sample()
    assert (correction.day, correction.vcd, correction.glucose) == (1, 7, 4.9)
    assert between.day == 2.5
    with pytest.raises(SampleOverdue):
        await store.read_sample()


async def test_a_file_of_a_folder_that_cannot_be_opened_keeps_no_other_back(tmp_path):
    (tmp_path / "a.csv").write_text(text(0))
    store = followed(tmp_path, reactor="PB-104")
    assert await days(store, 1) == [0]
    (tmp_path / "b.csv").symlink_to(tmp_path / "a.csv")
    (tmp_path / "b.csv").unlink()
    (tmp_path / "b.csv").mkdir()
    (tmp_path / "c.csv").write_text(HEAD + row(1))
    assert await days(store, 1) == [1]
    shutil.move(tmp_path, tmp_path.with_name("elsewhere"))
    for _ in range(2):
        with pytest.raises(UnreadableSource, match="cannot be listed"):
            await store.read_sample()
    shutil.move(tmp_path.with_name("elsewhere"), tmp_path)
    (tmp_path / "d.csv").write_text(HEAD + row(2))
    assert await days(store, 1) == [2]


# -- after a resume ----------------------------------------------------------------------------------------------------


async def stood(store, n, *, refused=0):
    states = [await store.read_sample() for _ in range(n)]
    in_force = await store.read_setpoints()
    return Standing(
        states=tuple(states[: n - refused]), refused=tuple(states[n - refused :]), in_force=in_force, done=None,
        source=store.describe(),
    )  # fmt: skip


def resumed(path, standing, **options):
    store = followed(path, **options)
    assert isinstance(store, Resumable)
    store.goes_on(standing)
    return store


async def test_after_a_resume_the_next_sample_comes_and_what_was_refused_does_not(path, store):
    path.write_text(text(0, 1, 2))
    standing = await stood(store, 2, refused=1)
    again = resumed(path, standing)
    assert await days(again, 1) == [2]
    path.write_text(text(0) + row(1, vcd=2.5) + row(2))
    assert (await resumed(path, standing).read_sample()).vcd == 2.5, "it was mended"


async def test_late_values_and_corrections_since_then_are_news(path, store):
    path.write_text(text(0, 1, 2).replace("PB-104,1,2,97", "PB-104,1,2,"))
    standing = await stood(store, 3)
    path.write_text(text(0, 1, 2, 3).replace("PB-104,2,3,", "PB-104,2,3.5,"))
    again = resumed(path, standing)
    late, correction = await again.read_sample(), await again.read_sample()
    assert (late.day, late.measured()) == (1, {"viability": 97.0})
    assert (correction.day, correction.vcd) == (2, 3.5)
    assert await days(again, 1) == [3]


async def test_a_value_that_was_not_used_is_no_late_value(path, store):
    standing = await stood(store, 2)
    last = standing.states[-1]
    unused = type(last)(
        time_h=24.0, vcd=last.vcd, viability=last.viability, quality={"glucose": f"4.9 {NOT_USED}: surprising"}
    )
    standing = Standing(
        states=(standing.states[0], unused), refused=(), in_force=Setpoints(), done=None, source=standing.source
    )
    with pytest.raises(SampleOverdue):
        await resumed(path, standing).read_sample()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (text(0, 1).replace("4,0,1,", "4,0,8,"), "another source.*vcd of the sample at 0 h was 1 x .* is now 8"),
        (text(1, 2), "the sample at 0 h, which was read, has vanished"),
        (HEAD, "lacks 2 of the 2 samples that were read"),
    ],
)
async def test_another_source_is_refused_at_a_resume(path, store, content, words):
    standing = await stood(store, 2)
    path.write_text(content)
    with pytest.raises(UnreadableSource, match=f"(?s){words}"):
        resumed(path, standing)


async def test_a_file_that_is_away_at_a_resume_is_held_against_the_record_when_it_is_back(path, store):
    standing = await stood(store, 2)
    aside = path.with_suffix(".away")
    again = followed(path)
    path.rename(aside)
    again.goes_on(standing)
    with pytest.raises(UnreadableSource, match="was not found"):
        await again.read_sample()
    path.write_text(text(0, 1, 2).replace("PB-104,0,1,", "PB-104,0,8,"))
    with pytest.raises(UnreadableSource, match="another source"):
        await again.read_sample()
    path.write_text(text(0, 1, 2))
    assert await days(again, 1) == [2]


async def test_a_moved_file_with_the_same_content_is_accepted(path, store, tmp_path):
    standing = await stood(store, 2)
    moved = tmp_path / "elsewhere.csv"
    shutil.move(path, moved)
    with moved.open("a") as file:
        file.write(row(2))
    assert await days(resumed(moved, standing), 1) == [2]


async def test_a_write_right_after_a_resume_is_for_the_latest_sample_and_goes_on_in_the_same_file(path, store):
    standing = await stood(store, 2)
    await store.write_setpoints(NOMINAL)
    again = resumed(path, standing)
    await again.write_setpoints(NOMINAL)
    lines = again.setpoints_path.read_text().splitlines()
    assert [line.split(",")[:2] for line in lines[1:]] == [["1", "24.0"], ["1", "24.0"]]
    assert [p.name for p in path.parent.glob("*.setpoints*")] == [again.setpoints_path.name]
    assert (await again.read_setpoints()).bleed_rate == 0.1


async def test_rows_that_cannot_be_of_this_run_are_somebody_elses(path, store):
    standing = await stood(store, 1)
    await store.read_sample()
    await store.write_setpoints(NOMINAL)  # for a sample that is not on record
    found = store.setpoints_path.read_bytes()
    again = resumed(path, standing)
    with pytest.raises(WriteOverridden, match="rows that this run did not write"):
        await again.write_setpoints(NOMINAL)
    assert again.setpoints_path.read_bytes() == found
    follows = resumed(path, standing, actuates=False, follow=True)
    await follows.write_setpoints(NOMINAL)
    assert len(follows.setpoints_path.read_text().splitlines()) == 2
    assert "changed by someone else" in follows.warnings[-1]


async def test_vessels_of_one_file_go_on_in_one_setpoints_file(path):
    path.write_text(text(0, 1) + row(0, "R2"))
    vessels = followed(path).vessels()
    standings = {}
    for name, vessel in vessels.items():
        standings[name] = await stood(vessel, 2 if name == "PB-104" else 1)
        await vessel.write_setpoints(NOMINAL)
    again = followed(path).vessels()
    for name, vessel in again.items():
        vessel.goes_on(standings[name])
    for vessel in again.values():
        await vessel.write_setpoints(NOMINAL)
    lines = vessel.setpoints_path.read_text().splitlines()[1:]
    assert [line.split(",")[:3] for line in lines] == 2 * [["PB-104", "1", "24.0"], ["R2", "0", "0.0"]]


async def test_dates_count_from_the_same_moment_although_the_first_files_were_taken_away(tmp_path):
    (tmp_path / "a.csv").write_text("Date,VCD\n2024-05-13 09:00,1\n")
    store = followed(tmp_path)
    standing = await stood(store, 1)
    (tmp_path / "a.csv").unlink()
    (tmp_path / "b.csv").write_text("Date,VCD\n2024-05-15 09:00,2\n")
    sample = await resumed(tmp_path, standing).read_sample()
    assert (sample.time_h, sample.vcd) == (48.0, 2.0)
