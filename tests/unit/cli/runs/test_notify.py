"""perfusio notify --test tries every channel; [notify] and [history] stand in experiment.toml."""

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.cli.experiment_file.experiment import load
from perfusio.cli.experiment_file.past_runs import PastRuns
from perfusio.errors import ConfigError

EXPERIMENT = """
[run]
duration_days = 3
[connector]
kind = "simulated"
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="notify.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def notify(*words):
    return CliRunner().invoke(app, ["notify", *map(str, words)])


def test_every_channel_is_tried_and_one_that_fails_is_named(write, tmp_path):
    path = write("""
[log]
path = "alarms.log"
[email]
host = "127.0.0.1"
port = 9
sender = "a@b"
to = ["c@d"]
""")
    result = notify(path, "--test")
    assert result.exit_code == 1
    assert "log: delivered." in result.stdout
    assert "email: NOT delivered. email: 127.0.0.1:9 failed" in result.stdout
    assert "test message" in (tmp_path / "alarms.log").read_text()


def test_without_test_nothing_is_sent(write, tmp_path):
    result = notify(write('[log]\npath = "alarms.log"\n'))
    assert result.exit_code == 0
    assert "Nothing was sent" in result.stdout
    assert not (tmp_path / "alarms.log").exists()


def test_an_unknown_channel_is_named(write):
    with pytest.raises(ConfigError, match=r"\[sms\] is no way to tell people.*Known: \[log\], \[email\], \[webhook\]"):
        CliRunner().invoke(app, ["notify", str(write("[sms]\nnumber = 1\n"))], catch_exceptions=False)


def test_an_experiment_says_whom_to_tell_and_from_what_to_learn(write, tmp_path):
    (tmp_path / "past").mkdir()
    path = write(EXPERIMENT + '[notify.log]\npath = "a.log"\n[history]\npath = "past"\n', "experiment.toml")
    asked = load(path, {}, environ={})
    assert asked.history == PastRuns(tmp_path / "past")
    assert asked.people is not None
    assert notify(path, "--test").exit_code == 0
    assert (tmp_path / "a.log").exists()


def test_an_experiment_may_name_the_file_of_its_channels(write, tmp_path):
    write('[log]\npath = "b.log"\n', "people.toml")
    path = write(EXPERIMENT + '[notify]\nfile = "people.toml"\n', "experiment.toml")
    assert notify(path, "--test").exit_code == 0
    assert (tmp_path / "b.log").exists()


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("[notify.sms]\nnumber = 1\n", "[sms] is no way to tell people"),
        ("[sms]\nnumber = 1\n", "sms is no section perfusio knows"),
        ("[notify]\nfile = 3\n", "names a file"),
        ('[history]\npath = "nowhere"\n', "was not found"),
        ('[history]\nfolder = "x"\n', 'expected path = "FILE OR FOLDER"'),
        ("[histry]\npath = 1\n", "Did you mean 'history'"),
    ],
)
def test_what_cannot_be_is_refused_before_the_run(write, section, words):
    with pytest.raises(ConfigError) as refused:
        load(write(EXPERIMENT + section, "experiment.toml"), {}, environ={})
    assert words in str(refused.value)


def test_an_experiment_that_tells_nobody_says_so(write):
    result = notify(write(EXPERIMENT, "experiment.toml"), "--test")
    assert result.exit_code != 0
