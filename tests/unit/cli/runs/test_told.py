"""A resumed run tells the people who were told before, by their file as it is now."""

import asyncio
import json
import shutil
from datetime import time
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.cli.runs import resume, told, watched
from perfusio.cli.runs.told import PeopleFile, channels_down, told_before
from perfusio.errors import ConfigError, PerfusioError
from perfusio.events import RunResumed
from perfusio.record.verification.verify import read_records
from perfusio.study.closed_loop import write_synthetic_csv
from perfusio.twin.outcome import Outcome


def perfusio(*words, **more):
    return CliRunner().invoke(app, [str(word) for word in words], **more)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A run of an experiment that tells people by a log, cut off after its first write."""
    lab = tmp_path_factory.mktemp("lab")
    asyncio.run(write_synthetic_csv(lab / "samples.csv", days=2, seed=0))
    (lab / "experiment.toml").write_text(
        '[run]\nduration_days = 1\nrun_dir = "run"\nn_paths = 16\nforecast_days = 1\n'
        '[connector]\nkind = "file"\npath = "samples.csv"\n'
        '[notify]\nfile = "people.toml"\n[report]\ndaily = "06:30"\n'
    )
    (lab / "people.toml").write_text('[log]\npath = "before.log"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watched, "_finish", lambda _: None)
        result = perfusio("run", lab / "experiment.toml")
    assert result.exit_code == 0, result.output
    record = lab / "run" / "audit.jsonl"
    lines = record.read_bytes().splitlines(keepends=True)
    n = 1 + next(i for i, line in enumerate(lines) if json.loads(line)["event"] == "SetpointsWritten")
    record.write_bytes(b"".join(lines[:n]))
    record.with_name("audit.heads").unlink(missing_ok=True)
    return lab


@pytest.fixture
def cut_off(lab, tmp_path, monkeypatch):
    """That run, in a folder of its own; at its end nothing is drawn."""
    monkeypatch.setattr(watched, "_finish", lambda _: None)
    shutil.copytree(lab, tmp_path / "lab")
    return tmp_path / "lab"


@pytest.fixture
def asked(cut_off, monkeypatch):
    """Stands for the run itself: the people of each resume say one word, and what is kept is kept."""
    seen = []

    def run_watched(*_, people, observers, **more):
        seen.append(more)
        for keep in observers:
            keep(RunResumed(after=0, model_id="", versions={}, sources={}))
        if people is not None:
            people.say("a word", "to everybody")
            people.close()
        return SimpleNamespace(outcome=Outcome.COMPLETED)

    monkeypatch.setattr(watched, "run_watched", run_watched)
    return seen


def kept(lab):
    return json.loads((lab / "run" / "source.json").read_text()).get("people")


def test_the_file_is_kept_as_seen_from_the_run_and_no_secret_is(lab):
    assert kept(lab) == {"file": "../experiment.toml"}


def test_a_resume_tells_by_the_file_as_it_is_now(cut_off):
    (cut_off / "people.toml").write_text('[log]\npath = "edited.log"\n')
    result = perfusio("resume", cut_off / "run")
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"Told:   {cut_off / 'experiment.toml'} (log; a page each day at 06:30)\n")
    assert "run ended" in (cut_off / "edited.log").read_text()


def test_where_nobody_can_be_told_the_run_goes_on_and_its_record_says_so(cut_off):
    (cut_off / "people.toml").unlink()
    result = perfusio("resume", cut_off / "run")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("NOBODY IS TOLD of alarms: ")
    events = {r.event: r.payload for r in read_records(cut_off / "run" / "audit.jsonl")}
    assert events["RunEnded"]["outcome"] == "COMPLETED"
    assert events["AlarmRaised"]["quantity"] == "delivery nobody"  # status and the page show it, too


def test_the_hour_is_that_of_the_file(cut_off, asked):
    assert perfusio("resume", cut_off / "run").exit_code == 0
    assert asked[0]["daily"] == time(6, 30)


def test_run_and_people_can_be_moved_together(cut_off, asked, tmp_path):
    shutil.move(cut_off, tmp_path / "moved")
    assert perfusio("resume", tmp_path / "moved" / "run").exit_code == 0
    assert "a word" in (tmp_path / "moved" / "before.log").read_text().splitlines()[-1]


def test_another_file_wins_and_is_kept(cut_off, asked, tmp_path):
    (tmp_path / "others.toml").write_text('[log]\npath = "others.log"\n')
    before = json.loads((cut_off / "run" / "source.json").read_text())
    result = perfusio("resume", cut_off / "run", "--notify", tmp_path / "others.toml")
    assert result.exit_code == 0, result.output
    assert "a word" in (tmp_path / "others.log").read_text()
    after = json.loads((cut_off / "run" / "source.json").read_text())
    assert after == before | {"people": {"file": "../../others.toml"}}


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda lab: (lab / "people.toml").unlink(), "people.toml"),
        (lambda lab: (lab / "experiment.toml").unlink(), "experiment.toml"),
        (lambda lab: (lab / "people.toml").write_text("[sms]\nnumber = 1\n"), "[sms] is no way to tell people"),
        (lambda lab: rewrite(lab / "run" / "source.json", people=7), "source.json says 7"),
    ],
)
def test_the_first_line_says_why_nobody_is_told_and_the_way_out(cut_off, asked, spoil, why):
    spoil(cut_off)
    assert perfusio("resume", cut_off / "run").exit_code == 0
    first = asked[0]["first"]
    assert first.startswith("NOBODY IS TOLD of alarms: ")
    assert why in first
    assert f"perfusio resume {cut_off / 'run'} --notify FILE" in first


def rewrite(path, **news):
    path.write_text(json.dumps(json.loads(path.read_text()) | news))


def test_a_file_typed_now_that_cannot_be_used_is_refused(cut_off, tmp_path):
    result = perfusio("resume", cut_off / "run", "--notify", tmp_path / "absent.toml")
    assert isinstance(result.exception, PerfusioError)
    assert "absent.toml" in str(result.exception)


def test_a_run_of_before_tells_nobody_and_says_nothing_new(cut_off, asked):
    forget(cut_off / "run" / "source.json")
    assert perfusio("resume", cut_off / "run").exit_code == 0
    assert (asked[0]["first"], asked[0]["daily"]) == ("", None)


def forget(source):
    source.write_text(json.dumps({k: v for k, v in json.loads(source.read_text()).items() if k != "people"}))


@pytest.mark.parametrize("has_named_somebody", [True, False])
def test_a_run_that_is_told_to_go_on_tells_them_too(cut_off, asked, monkeypatch, has_named_somebody):
    monkeypatch.setattr(resume, "is_somebody_there", lambda: True)
    if not has_named_somebody:  # then those of the experiment as it is now
        forget(cut_off / "run" / "source.json")
    (cut_off / "people.toml").write_text('[log]\npath = "edited.log"\n')
    result = perfusio("run", cut_off / "experiment.toml", input="y\n")
    assert result.exit_code == 0, result.output
    assert asked[0]["first"].startswith("Told:")
    assert "a word" in (cut_off / "edited.log").read_text()
    assert kept(cut_off) == {"file": "../experiment.toml"}


def test_an_hour_of_the_experiment_stays_with_people_of_another_file(tmp_path):
    (tmp_path / "people.toml").write_text('[log]\npath = "a.log"\n')
    before = PeopleFile(file=tmp_path / "people.toml", daily=time(6, 30))
    again = told_before(tmp_path / "run", before.kept(tmp_path / "run"))
    assert again == before
    assert again.hour() == time(6, 30)
    (tmp_path / "people.toml").write_text('[log]\npath = "a.log"\n[report]\ndaily = "07:00"\n')
    assert again.hour() == time(7)


@pytest.mark.parametrize("entry", [None, [], "people.toml", {"file": 3}, {"file": "a.toml", "daily": "noon"}])
def test_an_entry_that_was_changed_is_named(tmp_path, entry):
    with pytest.raises(ConfigError, match=r"source\.json"):
        told_before(tmp_path, entry)


def test_an_alarm_that_nobody_is_told_ends_when_somebody_is(tmp_path):
    (tmp_path / "people.toml").write_text('[log]\npath = "a.log"\n')
    down = channels_down([("", "delivery nobody", "act"), ("R01", "glucose", "act")])
    telling = told.people_of(PeopleFile(file=tmp_path / "people.toml"), down)
    assert [(e.alarm, e.status) for e in telling.notifier.news()] == [("delivery nobody:act", "cleared")]
    telling.notifier.close()
