"""`perfusio hold` and `perfusio release`."""

from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.errors import ConfigError
from perfusio.twin.hold import word_on


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_they_leave_a_word_in_the_folder_of_the_run(tmp_path):
    (tmp_path / "audit.jsonl").touch()
    reasons = ("--who", "A. Smith", "--why", "The pump is noisy.")
    result = run("hold", tmp_path, "R01", *reasons)
    assert result.exit_code == 0
    assert "R01: nothing is written from now on" in result.stdout
    assert word_on(tmp_path, "R01").who == "A. Smith"
    assert "R01: released" in run("release", tmp_path, "R01", *reasons).stdout
    assert not word_on(tmp_path, "R01").is_held
    assert "All vessels: nothing is written" in run("hold", tmp_path, *reasons).stdout


def test_who_and_why_are_asked_for(tmp_path):
    result = run("hold", tmp_path)
    assert result.exit_code == 2
    assert "--who" in result.output
    assert isinstance(run("hold", tmp_path, "--who", "A. Smith", "--why", "noise").exception, ConfigError)
