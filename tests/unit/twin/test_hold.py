"""Words of a person in the folder of a run."""

import pytest

from perfusio.errors import ConfigError
from perfusio.twin.hold import FILE, Word, say, word_on

STOP = Word(is_held=True, who="A. Smith", why="The pump is noisy.")
GO = Word(is_held=False, who="B. Jones", why="The pump was changed.")


@pytest.fixture
def run_dir(tmp_path):
    (tmp_path / "audit.jsonl").touch()
    return tmp_path


def test_without_a_word_nothing_is_held(run_dir):
    assert not word_on(run_dir, "R01").is_held


def test_a_word_is_for_one_vessel_or_for_all(run_dir):
    say(run_dir, "R01", STOP)
    assert word_on(run_dir, "R01") == STOP
    assert not word_on(run_dir, "R02").is_held
    say(run_dir, None, STOP)
    say(run_dir, "R01", GO)
    assert word_on(run_dir, "R01") == STOP  # who holds all, holds each
    say(run_dir, None, GO)
    assert word_on(run_dir, "R01") == GO


@pytest.mark.parametrize(
    "text", ["", "stop!", "{}", "[]", "null", '{"is_held": 0, "who": "", "why": ""}', '{"is_held": false}']
)
def test_whatever_else_the_file_says_it_holds(run_dir, text):
    (run_dir / FILE).write_text(text)
    assert word_on(run_dir, "R01").is_held


def test_a_file_that_cannot_be_read_holds(run_dir):
    (run_dir / FILE).write_bytes(b"\xff\xfe")
    assert word_on(run_dir, "R01").is_held
    (run_dir / FILE).unlink()
    (run_dir / FILE).mkdir()
    assert word_on(run_dir, "R01").is_held


def test_nobody_and_nothing_are_no_reasons(run_dir, tmp_path):
    with pytest.raises(ConfigError, match="--why has 1 characters: expected 3 to 200"):
        say(run_dir, None, Word(is_held=True, who="A. Smith", why=" x "))
    with pytest.raises(ConfigError, match="--who has 0 characters"):
        say(run_dir, None, Word(is_held=True, why="The pump is noisy."))
    with pytest.raises(ConfigError, match="cannot be a vessel"):
        say(run_dir, "../R01", STOP)
    with pytest.raises(ConfigError, match="holds no run"):
        say(tmp_path / "nowhere", None, STOP)
    assert [p.name for p in run_dir.iterdir()] == ["audit.jsonl"]
