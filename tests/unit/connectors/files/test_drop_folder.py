"""A drop folder: each file once, at rest, whole; joined by vessel and sample time."""


import pytest

from perfusio.connectors.filesystem import FilesystemStore
from perfusio.errors import EndOfRun, SampleOverdue, UnreadableSource

CELLS = "Date,VCD,Via\n2024-05-13 09:00,1,98\n"
LATER = "Date,VCD,Via\n2024-05-14 09:00,2,97\n"


class Hands:
    """Stands in for sleep: at each look, the next thing happens to the folder."""

    def __init__(self, *steps):
        self.steps = list(steps)

    async def sleep(self, seconds):
        if self.steps and (step := self.steps.pop(0)):
            step()


def puts(path, text):
    return lambda: path.write_text(text, encoding="utf-8")


def store(folder, *steps, **options):
    return FilesystemStore(folder, follow=True, timeout_seconds=20, sleep=Hands(*steps).sleep, **options)


async def test_files_come_and_each_sample_is_given_once(tmp_path):
    follow = store(tmp_path, puts(tmp_path / "a.csv", CELLS), None, None, puts(tmp_path / "b.csv", LATER))
    assert (await follow.read_sample()).vcd == 1
    second = await follow.read_sample()
    assert (second.time_h, second.vcd) == (24, 2)
    with pytest.raises(SampleOverdue, match="after 2 so far"):
        await follow.read_sample()
    assert follow.setpoints_path.parent == tmp_path.parent


async def test_a_second_analyzer_completes_the_sample(tmp_path):
    glucose = puts(tmp_path / "c.csv", "Date,Glc\n2024-05-13 09:10,5\n")
    follow = store(tmp_path, puts(tmp_path / "a.csv", CELLS), None, None, glucose)
    await follow.read_sample()
    late = await follow.read_sample()
    assert (late.time_h, late.glucose) == (0, 5)
    assert late.vcd != late.vcd


async def test_an_analyzer_that_was_quicker_moves_no_known_sample(tmp_path):
    glucose = puts(tmp_path / "c.csv", "Date,Glc\n2024-05-13 08:50,5\n2024-05-14 08:40,4\n")
    cells, later = puts(tmp_path / "a.csv", CELLS), puts(tmp_path / "b.csv", LATER)
    follow = store(tmp_path, cells, None, None, glucose, None, later)
    assert (await follow.read_sample()).time_h == 0
    late = await follow.read_sample()
    assert (late.time_h, late.glucose) == (0, 5)
    second = await follow.read_sample()
    assert (second.time_h, second.glucose) == (pytest.approx(23 + 2 / 3), 4)


async def test_no_half_written_row_is_ever_seen(tmp_path):
    text = CELLS + "2024-05-14 09:00,24.6,97\n"
    (tmp_path / "a.csv").write_text(CELLS, encoding="utf-8")
    growing = [puts(tmp_path / "a.csv", text[:n]) for n in range(len(CELLS), len(text) + 1)]
    pauses = [step for grow in growing for step in (grow, None, None)]
    follow = FilesystemStore(tmp_path, follow=True, timeout_seconds=1e6, sleep=Hands(*pauses).sleep)
    assert (await follow.read_sample()).vcd == 1
    assert (await follow.read_sample()).vcd == 24.6


async def test_an_unfinished_last_line_is_named_when_time_is_up(tmp_path):
    (tmp_path / "a.csv").write_text(CELLS + "2024-05-14 09:00,2", encoding="utf-8")
    follow = store(tmp_path)
    await follow.read_sample()
    with pytest.raises(SampleOverdue, match="'2024-05-14 09:00,2', has no line break"):
        await follow.read_sample()


async def test_a_bad_file_is_told_once_and_the_others_go_on(tmp_path):
    (tmp_path / "a.csv").write_text(CELLS, encoding="utf-8")
    bad = puts(tmp_path / "b.csv", "Date,VCD\n2024-05-14 09:00,many\n")
    follow = store(tmp_path, None, None, bad, None, None, puts(tmp_path / "c.csv", LATER))
    await follow.read_sample()
    with pytest.raises(UnreadableSource, match=r"b.csv, line 2, column 'VCD': 'many' is not a number"):
        await follow.read_sample()
    assert (await follow.read_sample()).vcd == 2


async def test_a_file_that_contradicts_is_refused_and_left_out(tmp_path):
    (tmp_path / "a.csv").write_text(CELLS, encoding="utf-8")
    other = puts(tmp_path / "b.csv", CELLS.replace(",1,", ",1.4,"))
    follow = store(tmp_path, None, other, None, None, puts(tmp_path / "c.csv", LATER))
    await follow.read_sample()
    with pytest.raises(UnreadableSource, match=r"b.csv, line 2: states vcd = 1.4"):
        await follow.read_sample()
    assert (await follow.read_sample()).vcd == 2


async def test_a_file_may_be_replaced_or_taken_away_after_it_was_read(tmp_path):
    path = tmp_path / "latest.csv"
    path.write_text(CELLS, encoding="utf-8")
    follow = store(tmp_path, None, puts(path, LATER), None, None, path.unlink)
    assert (await follow.read_sample()).vcd == 1
    assert (await follow.read_sample()).vcd == 2
    with pytest.raises(SampleOverdue):
        await follow.read_sample()


async def test_two_vessels_each_wait_for_rest_on_their_own(tmp_path):
    both = "reactor,Date,VCD\nR1,2024-05-13 09:00,1\nR2,2024-05-13 09:00,2\n"
    (tmp_path / "a.csv").write_text(both, encoding="utf-8")
    more = both + "R1,2024-05-14 09:00,3\nR2,2024-05-14 09:00,4\n"
    rig = store(tmp_path, puts(tmp_path / "a.csv", more)).vessels()
    assert [(await rig[r].read_sample()).vcd for r in ("R1", "R2")] == [1, 2]
    assert [(await rig[r].read_sample()).vcd for r in ("R1", "R2")] == [3, 4]


async def test_a_finished_folder_is_replayed_as_one(tmp_path):
    (tmp_path / "a.csv").write_text(CELLS, encoding="utf-8")
    (tmp_path / "b.csv").write_text(LATER, encoding="utf-8")
    (tmp_path / ".c.csv").write_text("half", encoding="utf-8")
    (tmp_path / "a.setpoints.csv").write_text("ours", encoding="utf-8")
    replay = FilesystemStore(tmp_path)
    assert [(await replay.read_sample()).vcd for _ in range(2)] == [1, 2]
    with pytest.raises(EndOfRun):
        await replay.read_sample()
    assert len(replay.describe()["sha256"]) == 64


async def test_an_empty_folder_is_refused_unless_files_may_come(tmp_path):
    with pytest.raises(UnreadableSource, match="holds no file with samples"):
        FilesystemStore(tmp_path).describe()
    assert store(tmp_path).describe()["n_rows"] == 0


async def test_what_was_fed_is_said_to_be_left_unread(tmp_path):
    (tmp_path / "a.csv").write_text("day,VCD,feed_fraction\n0,1,0.02\n", encoding="utf-8")
    assert any("what was fed is left unread" in w for w in FilesystemStore(tmp_path / "a.csv").warnings)
