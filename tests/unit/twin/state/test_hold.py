"""Words of a person in the folder of a run: a hold is a hold however it is spelt, and for whom it is meant."""

import os
import socket

import pytest

from perfusio.errors import ConfigError
from perfusio.texts import as_file_name
from perfusio.twin.state.hold import FILE, Word, hold_on, holds, lift, make_hold

STOP = Word(who="A. Smith", why="The pump is noisy.")
VESSELS = ("R01", "R02", "PB-104")
NAMES = (
    "R01",
    "PB-104",
    "BR 1/2",
    "Ü1",
    "U\u03081",
    "R01 (left)",
    "../x",
    "..",
    "",
    " ",
    "-",
    "-R1",
    "HOLD",
    "x" * 200,
    "µ",
    "R01.txt",
    "Биореактор 1",
    "反应器一",
    "a\nb",
    "\u202eR01",
    "CON",
    "r01",
)


@pytest.fixture
def run_dir(tmp_path):
    (tmp_path / "audit.jsonl").touch()
    return tmp_path


def held(run_dir, vessels=VESSELS):
    return {v for v in vessels if hold_on(holds(run_dir, vessels), v)}


def test_without_a_file_nothing_is_held(run_dir):
    for name in ("audit.jsonl.hold", "withhold.txt", ".HOLD-R01.4711", "~$HOLD.docx", "on hold.txt"):
        (run_dir / name).touch()
    assert held(run_dir) == set()
    assert holds(run_dir / "nowhere", VESSELS) == ()


@pytest.mark.parametrize(
    "name",
    [
        "HOLD",
        "hold",
        "Hold",
        "HoLd",
        "HOLD.txt",
        "hold.docx",
        "HOLD.json.txt",
        "HOLD ",
        " hold",
        "HOLD-",
        "hold_",
        "HOLD...",
        "Hold!",
        "ＨＯＬＤ",
        "HOLD.TXT~",
    ],
)
def test_a_file_that_names_nobody_holds_all_and_that_is_clear(run_dir, name):
    (run_dir / name).touch()
    (hold,) = holds(run_dir, VESSELS)
    assert held(run_dir) == set(VESSELS)
    assert hold.is_understood or name in ("HOLD.TXT~",)
    assert hold.word.why == f"{name!r} is in the folder of the run."


@pytest.mark.parametrize(
    ("name", "vessel"),
    [
        ("HOLD-R01", "R01"),
        ("hold-r01", "R01"),
        ("HOLD R01.docx", "R01"),
        ("Hold_R01.txt", "R01"),
        ("HOLDR01", "R01"),
        ("HOLD-PB_104.json", "PB-104"),
        ("hold pb 104", "PB-104"),
        ("HOLD-PB104.txt", "PB-104"),
        ("hold.r02", "R02"),
        ("HOLD-r02.backup.txt", "R02"),
        ("HOLD-R 0 1", "R01"),
    ],
)
def test_a_file_that_spells_a_vessel_holds_it(run_dir, name, vessel):
    (run_dir / name).touch()
    assert held(run_dir) == {vessel}
    assert all(hold.is_understood for hold in holds(run_dir, VESSELS))


@pytest.mark.parametrize(
    "name",
    [
        "HOLD-R1",
        "HOLD R01 and R02",
        "HOLD-R01 (1).txt",
        "HOLD-R01-copy",
        "holding pattern.md",
        "HOLD-R01.R02",
        "HOLD R01,R02",
        "hold everything!",
    ],
)
def test_what_may_be_a_slip_holds_all_and_says_so(run_dir, name):
    (run_dir / name).touch()
    (hold,) = holds(run_dir, VESSELS)
    assert held(run_dir) == set(VESSELS)
    assert (hold.is_for_all, hold.is_understood) == (True, False)


def test_whatever_it_is_it_holds(run_dir, monkeypatch):
    (run_dir / "HOLD-R01").mkdir()
    (run_dir / "hold r02.txt").symlink_to(run_dir / "nowhere")
    os.mkfifo(run_dir / "Hold-PB-104")
    assert held(run_dir) == set(VESSELS)
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(run_dir)  # the path of a socket is short
        listening.bind("HOLD")
        assert all(hold.word.why for hold in holds(run_dir, VESSELS))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "stop!",
        "{}",
        "[]",
        "null",
        '{"is_held": false, "who": "A. Smith", "why": "Released."}',
        "[" * 60_000,
        '{"who": 1, "why": []}',
        '{"who": "\\ud800\\ud800", "why": "abc"}',
        '{"who": "\\u001b[2J", "why": "abc"}',
        "x" * 100_000,
    ],
)
def test_whatever_the_file_says_it_holds_in_words_that_can_go_on_record(run_dir, text):
    (run_dir / FILE).write_text(text)
    (hold,) = holds(run_dir, VESSELS)
    assert (hold.word.who + hold.word.why).isprintable()
    assert held(run_dir) == set(VESSELS)


def test_a_folder_that_cannot_be_looked_at_holds_all(run_dir, monkeypatch):
    def fails(path):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "listdir", fails)
    assert held(run_dir) == set(VESSELS)
    assert "cannot be looked at (Input/output error)" in str(holds(run_dir, VESSELS)[0].word)


@pytest.mark.parametrize("name", NAMES)
def test_a_vessel_of_any_name_is_held_by_its_own_file_and_no_other_is(run_dir, name):
    place = make_hold(run_dir, name, STOP)
    assert place.parent == run_dir
    assert held(run_dir, NAMES) == {name}
    assert hold_on(holds(run_dir, NAMES), name).word == STOP


def test_names_become_file_names_one_to_one():
    assert len({as_file_name(name) for name in NAMES}) == len(NAMES)
    assert all("/" not in f and not f.startswith(".") and len(f.encode()) <= 120 for f in map(as_file_name, NAMES))


def test_who_holds_one_vessel_is_named_before_who_holds_all(run_dir):
    make_hold(run_dir, None, Word(who="B. Jones", why="Fire alarm."))
    make_hold(run_dir, "R01", STOP)
    found = holds(run_dir, VESSELS)
    assert [str(hold_on(found, v).word) for v in ("R01", "R02")] == [
        "A. Smith: The pump is noisy.",
        "B. Jones: Fire alarm.",
    ]


def test_a_hold_that_is_lifted_is_kept_beside_the_orders(run_dir):
    for name in ("HOLD", "HOLD-R01"):
        (run_dir / name).mkdir()
    (run_dir / "hold-x.txt").symlink_to("nowhere")
    for hold in holds(run_dir, VESSELS):
        assert lift(run_dir, hold) == ""
        assert lift(run_dir, hold) == "", "gone already is as good"
    assert held(run_dir) == set()
    assert len(list((run_dir / "orders" / "lifted").iterdir())) == 3


def test_a_hold_that_cannot_be_lifted_or_made_is_said(run_dir):
    (run_dir / FILE).touch()
    (run_dir / "orders").touch()
    assert "take it away by hand" in lift(run_dir, holds(run_dir, VESSELS)[0])
    (run_dir / "HOLD-R01").mkdir()
    assert make_hold(run_dir, "R01", STOP).is_dir()
    (run_dir / f".HOLD-R02.{os.getpid()}").mkdir()
    with pytest.raises(ConfigError, match="NOTHING IS HELD"):
        make_hold(run_dir, "R02", STOP)


def test_nobody_and_nothing_are_no_reasons(run_dir, tmp_path):
    with pytest.raises(ConfigError, match="--why has 1 characters: expected 3 to 200"):
        make_hold(run_dir, None, Word(who="A. Smith", why=" x "))
    with pytest.raises(ConfigError, match="--who has 0 characters: expected 2 to 200"):
        make_hold(run_dir, None, Word(why="The pump is noisy."))
    with pytest.raises(ConfigError, match="holds no run"):
        make_hold(tmp_path / "nowhere", None, STOP)
    assert [p.name for p in run_dir.iterdir()] == ["audit.jsonl"]
