import contextlib
import csv
import math
import os
from datetime import datetime

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.errors import ConfigError, EndOfRun, SampleOverdue, UnreadableSource, WriteRejected
from perfusio.events import plain, state_to_json
from perfusio.protocols import Connector, ConnectorKind, Dated
from perfusio.state import SETPOINT_QUANTITIES, Setpoints
from perfusio.tables.table import parse_table

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
HEAD = "day,VCD,Via,Glc,perfusion_rate,bleed_rate\n"
ROWS = ["0,0.5,97,5,1.0,0.10\n", "1,1.1,98,4.6,1.1,0.11\n", "2,2.4,97,4.1,1.2,0.12\n"]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "my_data.csv"
    path.write_text(HEAD + "".join(ROWS))
    return path


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


class Hands:
    """Stands in for sleep: at each look, the next thing happens to the file."""

    def __init__(self, *steps):
        self.steps, self.looks = list(steps), 0

    async def sleep(self, seconds):
        self.looks += 1
        if self.steps:
            step = self.steps.pop(0)
            if step is not None:
                step()


def appends(path, text):
    def step():
        with path.open("a", newline="") as file:
            file.write(text)

    return step


def replaces(path, text):
    return lambda: path.write_text(text)


# -- replay ------------------------------------------------------------------------------------------------------------


async def test_a_replay_gives_each_row_and_then_ends_for_ever(source):
    store = FilesystemStore(source_path=source)
    assert isinstance(store, Connector)
    assert store.kind is ConnectorKind.REPLAY
    assert [(await store.read_sample()).vcd for _ in ROWS] == [0.5, 1.1, 2.4]
    for _ in range(2):
        with pytest.raises(EndOfRun, match="no sample after its 3"):
            await store.read_sample()


async def test_a_row_says_what_is_in_force_from_its_sample_on(source):
    store = FilesystemStore(source)
    assert all(math.isnan(v) for v in (await store.read_setpoints()).vector())
    await store.read_sample()
    assert (await store.read_setpoints()).perfusion_rate == 1.0
    await store.read_sample()
    setpoints = await store.read_setpoints()
    assert (setpoints.perfusion_rate, setpoints.bleed_rate) == (1.1, 0.11)
    assert math.isnan(setpoints.temperature), "the file does not say"


async def test_a_relative_path_starts_at_the_working_directory(source, monkeypatch):
    monkeypatch.chdir(source.parent)
    store = FilesystemStore(source_path="my_data.csv")
    monkeypatch.chdir("/")
    assert (await store.read_sample()).vcd == 0.5


async def test_a_replay_is_read_once(source):
    store = FilesystemStore(source)
    await store.read_sample()
    source.write_text("gone")
    assert (await store.read_sample()).vcd == 1.1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("my_dta.csv", "Did you mean 'my_data.csv'?"),
        ("other", "CSV files there: my_data.csv"),
        ("nowhere/my_data.csv", "there is no folder"),
        ("pipe", "not a regular file"),
        ("huge.csv", "60 MB, expected at most 50 MB"),
    ],
)
def test_a_wrong_path_is_refused_at_once(source, name, words):
    os.mkfifo(source.parent / "pipe")
    with (source.parent / "huge.csv").open("wb") as file:
        file.truncate(60_000_000)
    (source.parent / "huge.csv").touch()
    if name == "other":
        (source.parent / "huge.csv").unlink()
    with pytest.raises(UnreadableSource) as refused:
        FilesystemStore(source.parent / name)
    assert words in str(refused.value)


async def test_what_is_in_the_file_is_checked_at_the_first_read(source):
    source.write_text("day,VCDD\n0,1\n")
    store = FilesystemStore(source)
    with pytest.raises(UnreadableSource, match="'VCDD'"):
        await store.read_sample()
    with pytest.raises(UnreadableSource, match="'VCDD'"):
        store.describe()


async def test_options_reach_the_reader(source):
    source.write_text("day;VCD;Glu;pH\n0;1,500;1,250;7\n")
    store = FilesystemStore(source, ignore="pH", columns={"Glu": "glutamate"}, decimal=",")
    assert (await store.read_sample()).glutamate == 1.25


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"actuates": True, "follow": False}, "a finished file is history"),
        ({"decimal": ";"}, "expected '.' or ','"),
        ({"poll_seconds": 0}, "above 0"),
        ({"setpoints_path": "my_data.csv"}, "is the source itself"),
        ({"setpoints_path": "."}, "is a folder"),
        ({"setpoints_path": "nowhere/s.csv"}, "there is no folder"),
    ],
)
def test_options_that_contradict_each_other_are_refused(source, monkeypatch, options, words):
    monkeypatch.chdir(source.parent)
    with pytest.raises(ConfigError, match=words):
        FilesystemStore(source, **options)


def test_it_describes_its_source_for_the_record(source):
    source.write_text("day,VCD,Via\n0,1,0.97\n")
    said = FilesystemStore(source).describe()
    assert plain(said) == said, "plain data"
    assert said["path"] == str(source)
    assert said["sha256"] == FilesystemStore(source).source_sha256
    assert said["columns"] == {"day": "time [day]", "VCD": "vcd [1e6 cells/mL]", "Via": "viability [%]"}
    assert any("converted to %" in w for w in said["warnings"])


async def samples(store):
    found = []
    with contextlib.suppress(EndOfRun):
        while True:
            found.append(await store.read_sample())
    return found


async def test_two_weeks_with_fractions_and_without_ammonium_and_pyruvate(source):
    header = "day,VCD,viability,glucose,lactate,glutamine,glutamate,titer,perfusion_rate,bleed_rate"
    rows = [f"{float(d)},{0.5 + 2 * d},0.97,{5 - 0.1 * d:.1f},{d},3,0.5,{20 * d},1.0,0.15" for d in range(15)]
    source.write_text("\n".join([header, *rows]) + "\n")
    found = await samples(FilesystemStore(source_path=source))
    assert [s.day for s in found] == list(range(15))
    assert {s.viability for s in found} == {97.0}
    assert {s.missing() for s in found} == {("ammonium", "pyruvate")}


async def test_two_weeks_with_a_missing_day_and_two_missing_values(source):
    header = "day,VCD,Via,Glc,Gln,Glu,Lac,Amm,Pyr,Titer"
    rows = [f"{d},{0.5 + 2 * d},97,4.5,3,0.5,{d},2,0.4,{20 * d}" for d in range(15) if d != 6]
    rows[3] = rows[3].replace(",4.5,", ",n.d.,")
    rows[9] = rows[9].replace(",0.4,", ",,")
    source.write_text("\n".join([header, *rows]) + "\n")
    found = await samples(FilesystemStore(source_path=source))
    assert [s.day for s in found] == [d for d in range(15) if d != 6]
    assert [(s.day, s.missing()) for s in found if s.missing()] == [(3.0, ("glucose",)), (10.0, ("pyruvate",))]
    assert found[1].glutamate == 0.5


# -- several runs, several vessels -------------------------------------------------------------------------------------

FLEET = "run,reactor,clone,day,VCD\nA,R01,X,0,1\nB,R02,Y,0,2\nA,R01,X,1,3\nB,R02,Y,1,4\n"


async def test_several_runs_are_listed_and_one_can_be_chosen(source):
    source.write_text("run,clone,day,VCD\nA,X,0,1\nA,X,1,2\nB,Y,0,3\n")
    with pytest.raises(UnreadableSource, match=r'holds 2 runs: A, B. Choose one: FilesystemStore\(..., run="A"\)'):
        await FilesystemStore(source).read_sample()
    store = FilesystemStore(source, run="B")
    assert (await store.read_sample()).vcd == 3.0
    assert (store.run, store.clone) == ("B", "Y")
    with pytest.raises(UnreadableSource, match=r"has no run 'BB'\. Did you mean 'B'"):
        await FilesystemStore(source, run="BB").read_sample()


async def test_a_file_without_that_column_says_so(source):
    with pytest.raises(UnreadableSource, match="no column 'run': leave run= away"):
        await FilesystemStore(source, run="A").read_sample()
    with pytest.raises(UnreadableSource, match=r"no column 'reactor'\. Add one, or use the store itself"):
        FilesystemStore(source).vessels()


async def test_vessels_share_one_file_and_go_their_own_way(source):
    source.write_text(FLEET)
    with pytest.raises(UnreadableSource, match=r"holds 2 vessels: R01, R02.*vessels\(\)"):
        await FilesystemStore(source).read_sample()
    vessels = FilesystemStore(source).vessels()
    assert list(vessels) == ["R01", "R02"]
    assert [(await vessels["R02"].read_sample()).vcd for _ in range(2)] == [2.0, 4.0]
    assert (await vessels["R01"].read_sample()).vcd == 1.0
    assert (vessels["R02"].run, vessels["R02"].reactor, vessels["R02"].clone) == ("B", "R02", "Y")


def test_who_chose_a_vessel_is_given_no_other(source):
    source.write_text(FLEET)
    assert list(FilesystemStore(source, reactor="R02").vessels()) == ["R02"]
    assert list(FilesystemStore(source, reactor="R03", follow=True).vessels()) == ["R03"]  # its first row may come


async def test_a_run_that_a_person_chose_is_waited_for_though_others_are_there(source):
    source.write_text(FLEET)
    store = FilesystemStore(source, run="C", follow=True, timeout_seconds=0.2, poll_seconds=0.1)
    with pytest.raises(SampleOverdue):
        await store.first_rows()
    await FilesystemStore(source, run="B", follow=True).first_rows()


async def test_vessels_write_to_one_file_with_a_column_reactor(source):
    source.write_text(FLEET.replace("R01", "=R01"))
    vessels = FilesystemStore(source).vessels()
    for store in vessels.values():
        await store.read_sample()
        await store.write_setpoints(NOMINAL)
    rows = table(source.parent / "my_data.setpoints.csv")
    assert [row["reactor"] for row in rows] == ["'=R01", "R02"], "a formula is no reactor"


# -- writing -----------------------------------------------------------------------------------------------------------


async def test_each_decision_is_one_row(source):
    store = FilesystemStore(source)
    assert store.setpoints_path == source.with_name("my_data.setpoints.csv")
    for factor in (1.1, 1.2000000000000002):
        await store.read_sample()
        asked = Setpoints.of(NOMINAL.vector() * factor)
        assert await store.write_setpoints(asked) == asked
    rows = table(store.setpoints_path)
    assert list(rows[0]) == ["day", "time [h]", *(q.header for q in SETPOINT_QUANTITIES.values())]
    assert [(row["day"], row["time [h]"]) for row in rows] == [("0", "0.0"), ("1", "24.0")]
    assert [rows[1][f"{n} [{u}]"] for n, u in (("agitation", "rpm"), ("temperature", "°C"))] == ["1020.0", "43.8"]


async def test_people_read_few_digits_and_a_controller_all_of_them(source):
    asked = Setpoints.of(NOMINAL.vector() * (1.0 + 1e-7 / 3.0))
    read = {}
    for acts in (False, True):
        store = FilesystemStore(source, actuates=acts, setpoints_path=source.with_name(f"asked-{acts}.csv"))
        await store.read_sample()
        await store.write_setpoints(asked)
        read[acts] = table(store.setpoints_path)[0]["perfusion_rate [1/day]"]
    assert (read[False], float(read[True])) == (repr(NOMINAL.perfusion_rate), asked.perfusion_rate)


async def test_what_is_written_can_be_read_as_a_source(source):
    store = FilesystemStore(source)
    await store.read_sample()
    await store.write_setpoints(NOMINAL)
    lines = store.setpoints_path.read_text().splitlines()
    again = parse_table(f"{lines[0]},VCD\n{lines[1]},1\n".encode(), "again.csv")
    assert again.rows[0].setpoints == NOMINAL


async def test_writes_do_not_change_what_was_in_force_in_a_replay(source):
    store = FilesystemStore(source)
    await store.read_sample()
    before = await store.read_setpoints()
    await store.write_setpoints(NOMINAL)
    assert await store.read_setpoints() is before


async def test_an_earlier_run_is_moved_aside_never_mixed(source):
    path = source.with_name("my_data.setpoints.csv")
    for _ in range(3):
        store = FilesystemStore(source)
        await store.read_sample()
        await store.write_setpoints(NOMINAL)
        await store.read_sample()
        await store.write_setpoints(NOMINAL)
    assert len(table(path)) == 2
    assert sorted(p.name for p in source.parent.glob("*.setpoints*")) == [
        "my_data.setpoints-1.csv", "my_data.setpoints-2.csv", "my_data.setpoints.csv",
    ]  # fmt: skip
    assert store.warnings[-1] == (
        "my_data.setpoints.csv: an earlier run's setpoints were moved to my_data.setpoints-2.csv."
    )


async def test_a_file_changed_by_someone_else_is_kept(source):
    store = FilesystemStore(source)
    await store.read_sample()
    await store.write_setpoints(NOMINAL)
    store.setpoints_path.write_text("a person's note\n")
    await store.write_setpoints(NOMINAL)
    assert len(table(store.setpoints_path)) == 2
    assert source.with_name("my_data.setpoints-1.csv").read_text() == "a person's note\n"


async def test_chosen_runs_and_reactors_have_their_own_setpoints_files(source):
    source.write_text(FLEET)
    assert FilesystemStore(source, run="A").setpoints_path.name == "my_data.A.setpoints.csv"
    assert FilesystemStore(source, run="A/1", reactor="R01").setpoints_path.name == "my_data.A%2F1.R01.setpoints.csv"


async def test_a_write_is_whole_or_not_at_all(source, monkeypatch):
    store = FilesystemStore(source)
    await store.read_sample()
    await store.write_setpoints(NOMINAL)
    before = store.setpoints_path.read_bytes()

    def fails(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fails)
        with pytest.raises(WriteRejected, match="could not be written: No space left on device"):
            await store.write_setpoints(NOMINAL)
    assert store.setpoints_path.read_bytes() == before
    assert list(source.parent.glob(".*")) == [], "no temporary file is left"
    await store.write_setpoints(NOMINAL)
    assert len(table(store.setpoints_path)) == 2


@pytest.mark.parametrize(
    ("setpoints", "words"),
    [
        (Setpoints(perfusion_rate=1.0), "bleed_rate = nan cannot be written"),
        (Setpoints.of(NOMINAL.vector() * math.inf), "perfusion_rate = inf"),
        (Setpoints.of(NOMINAL.vector() * -1), "perfusion_rate = -1 1/day is not possible"),
    ],
)
async def test_nonsense_is_not_written(source, setpoints, words):
    store = FilesystemStore(source)
    await store.read_sample()
    with pytest.raises(WriteRejected, match=words):
        await store.write_setpoints(setpoints)
    assert not store.setpoints_path.exists()


async def test_a_write_needs_a_sample(source):
    with pytest.raises(WriteRejected, match="No sample was read yet"):
        await FilesystemStore(source).write_setpoints(NOMINAL)


# -- following a growing file ------------------------------------------------------------------------------------------


def following(source, *steps, timeout=20.0, **options):
    hands = Hands(*steps)
    return FilesystemStore(
        source, follow=True, poll_seconds=1.0, timeout_seconds=timeout, sleep=hands.sleep, **options
    ), hands


async def test_rows_there_come_at_once_and_new_ones_when_they_come(source):
    source.write_text(HEAD + ROWS[0])
    store, hands = following(source, None, None, None, appends(source, ROWS[1]), None, appends(source, ROWS[2]))
    days = [(await store.read_sample()).day for _ in range(3)]
    assert days == [0.0, 1.0, 2.0]
    assert hands.looks >= 6
    assert (await store.read_setpoints()).perfusion_rate == 1.2


async def test_a_row_is_taken_only_when_two_looks_agree(source):
    source.write_text(HEAD)
    store, hands = following(source, *(appends(source, c) for c in ROWS[0]), timeout=60.0)
    assert (await store.read_sample()).glucose == 5.0
    assert hands.looks == len(ROWS[0]) + 1, "one quiet look after the line break, none before"


async def test_an_empty_file_is_waited_for(source):
    source.write_text("")
    store, _ = following(source, None, None, appends(source, HEAD), None, None, appends(source, ROWS[0]))
    assert (await store.read_sample()).vcd == 0.5


async def test_every_truncation_is_a_true_prefix_and_never_half_a_value(source):
    text = source.read_bytes()
    whole = [state_to_json(row.state) for row in parse_table(text, "x").rows]
    for n in range(len(text)):
        source.write_bytes(text[:n])
        store, _ = following(source, timeout=2.0)
        n_rows = max(text[:n].count(b"\n") - 1, 0)
        assert [state_to_json(await store.read_sample()) for _ in range(n_rows)] == whole[:n_rows]
        with pytest.raises(SampleOverdue):
            await store.read_sample()


async def test_utf_16_is_followed_too(source):
    text = (HEAD + "".join(ROWS)).encode("utf-16")
    for n in (0, 2, 3, 41, len(text) // 2, len(text) - 1):
        source.write_bytes(text[:n])
        store, _ = following(source, None, None, lambda: source.write_bytes(text))
        assert [(await store.read_sample()).vcd for _ in range(3)] == [0.5, 1.1, 2.4]


async def test_a_sample_that_does_not_come_is_overdue_and_may_still_come(source):
    store, hands = following(source, timeout=5.0)
    for _ in ROWS:
        await store.read_sample()
    appends(source, "3,4.")()
    with pytest.raises(SampleOverdue, match=r"within 5 s, after 3 so far \(the last at 48 h\). Its last line, '3,4.'"):
        await store.read_sample()
    hands.steps = [appends(source, "5,96,3.9,1.2,0.12\n")]
    assert (await store.read_sample()).vcd == 4.5


async def test_a_file_that_is_being_replaced_may_be_gone_for_a_moment(source):
    text = source.read_text()
    store, _ = following(source, None, source.unlink, replaces(source, text + "3,4,97,4,1,.1\n"))
    for _ in range(4):
        state = await store.read_sample()
    assert state.vcd == 4.0


async def test_a_file_that_is_gone_is_missed(source):
    store, _ = following(source, None, None, source.unlink)
    for _ in ROWS:
        await store.read_sample()
    with pytest.raises(UnreadableSource, match="was not found"):
        await store.read_sample()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((ROWS[1], ""), "the sample at 24 h (line 3 when it was read) has vanished"),
        ((",97,5,1", ",97,4.4,1"), "line 2: glucose of the sample at 0 h was 5 g/L when it was read and is now 4.4"),
        ((",4.6,", ",,"), "is now empty"),
        (("0.11", "0.2"), "bleed_rate of the sample at 24 h"),
        (("".join(ROWS[1:]), "1,7,90,4,1,.1\n2,8,91,4.5,2,.2\n"), "another source than the one that was read: 2 of 3"),
    ],
)
async def test_history_that_changes_is_refused_by_name(source, change, words):
    text = source.read_text()
    store, hands = following(source)
    for _ in ROWS:
        await store.read_sample()
    hands.steps = [replaces(source, text.replace(*change) + "3,4,97,4,1.2,0.12\n")]
    for _ in range(2):
        with pytest.raises(UnreadableSource) as refused:
            await store.read_sample()
        assert words in str(refused.value)
    hands.steps = [replaces(source, text + "3,4,97,4,1.2,0.12\n")]
    assert (await store.read_sample()).day == 3.0, "goes on when the old value is back"


async def test_a_blank_filled_in_later_comes_as_a_state_of_its_own(source):
    text = "day,VCD,titer\n0,1,0\n1,2,\n2,3,\n"
    source.write_text(text)
    store, _ = following(source, None, replaces(source, text.replace("1,2,\n", "1,2,<55\n") + "3,4,\n"))
    for _ in range(3):
        await store.read_sample()
    late = await store.read_sample()
    assert (late.time_h, late.titer, late.vcd != late.vcd) == (24.0, 55.0, True)
    assert late.quality == {"titer": "below the detection limit of 55"}
    assert (await store.read_sample()).time_h == 72.0


async def test_a_doubt_about_a_unit_that_comes_late_warns_and_goes_on(source):
    source.write_text("day,VCD,Glc\n0,1,11\n")
    store, _ = following(source, None, None, appends(source, "1,2,14\n2,3,14\n"))
    for _ in range(3):
        state = await store.read_sample()
    assert state.glucose == 14.0
    assert any("read as mmol/L" in w and "goes on with g/L" in w for w in store.warnings)


async def test_a_wrong_row_is_refused_until_it_is_mended(source):
    text = source.read_text()
    store, hands = following(source)
    for _ in ROWS:
        await store.read_sample()
    hands.steps = [appends(source, "3,x,97,4,1.2,0.12\n")]
    with pytest.raises(UnreadableSource, match="line 5, column 'VCD': 'x' is not a number"):
        await store.read_sample()
    hands.steps = [replaces(source, text + "3,4,97,4,1.2,0.12\n")]
    assert (await store.read_sample()).vcd == 4.0


async def test_a_controller_makes_it_hardware(source):
    store = FilesystemStore(source, actuates=True)
    assert store.kind is ConnectorKind.HARDWARE
    assert store.describe()["follow"] is True


async def test_our_write_counts_when_the_file_confirms_it(source):
    source.write_text(HEAD + ROWS[0])
    store, hands = following(source, actuates=True)
    await store.read_sample()
    await store.write_setpoints(NOMINAL)
    assert (await store.read_setpoints()).bleed_rate == 0.10
    hands.steps = [appends(source, "1,1.1,98,4.6,1.0,0.15\n")]
    await store.read_sample()
    assert (await store.read_setpoints()).bleed_rate == NOMINAL.bleed_rate


async def test_vessels_follow_one_file_together(source):
    source.write_text(FLEET)
    fleet, hands = following(source)
    vessels = fleet.vessels()
    for store in vessels.values():
        assert [(await store.read_sample()).day for _ in range(2)] == [0.0, 1.0]
    hands.steps = [appends(source, "A,R01,X,2,5\nB,R02,Y,2,6\n")]
    assert (await vessels["R02"].read_sample()).vcd == 6.0
    looks = hands.looks
    assert (await vessels["R01"].read_sample()).vcd == 5.0
    assert hands.looks == looks, "what one vessel found stable, the other need not wait for"


async def test_a_growing_file_with_dates_says_when_its_culture_began(tmp_path):
    path = tmp_path / "dated.csv"
    path.write_text("timestamp,VCD,Via\n2026-01-05 08:00,0.5,97\n2026-01-06 08:00,1.1,98\n")
    growing = FilesystemStore(path, actuates=True)
    assert isinstance(growing, Dated)
    assert growing.began == datetime(2026, 1, 5, 8, 0)
    assert FilesystemStore(path).began is None  # history
    path.write_text(HEAD + "".join(ROWS))
    assert FilesystemStore(path, actuates=True).began is None
