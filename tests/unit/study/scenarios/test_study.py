"""`perfusio study`: what a file may say, and the same results from the whole and from its parts."""

import errno
import json

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.errors import ConfigError
from perfusio.study.running.task_journal import TaskJournal
from perfusio.study.scenarios.results import as_csv
from perfusio.study.scenarios.study_file import read_study
from perfusio.study.scenarios.study_summary import paired

TOML = """
[study]
name = "Two policies"
replicates = 4
block = 2
days = 3

[vary]
policy = ["nominal", "slow"]
fault = ["none", "pump"]

[policy.slow]
kind = "model-free-mpc"
cspr = 0.02

[fault.pump]
pump = 0.8
day = 1
"""


def write(tmp_path, text=TOML):
    path = tmp_path / "study.toml"
    path.write_text(text)
    return path


def perfusio(*words):
    return CliRunner().invoke(app, list(map(str, words)))


def test_whole_and_merged_shards_are_equal_to_the_byte(tmp_path):
    file, whole, parts = write(tmp_path), tmp_path / "whole", [tmp_path / "one", tmp_path / "two"]
    told = perfusio("study", file, "--plan", "--json")
    assert json.loads(told.stdout) == {"scenarios": 4, "tasks": 8, "runs": 16}
    done = perfusio("study", file, "--out", whole, "--engine", "in-process")
    assert done.exit_code == 0, done.output
    assert "slow" in done.stdout
    for i, part in enumerate(parts, start=1):
        if i == 2:
            early = perfusio("study", "merge", file, *parts, "--out", tmp_path / "merged")
            assert early.exit_code != 0
            assert "4 of 8 tasks have no result" in str(early.exception)
        assert perfusio("study", file, "--out", part, "--engine", "in-process", "--shard", f"{i}/2").exit_code == 0
    merged = perfusio("study", "merge", file, *parts, "--out", tmp_path / "merged", "--json")
    assert json.loads(merged.stdout)["runs"] == 16
    results = (whole / "results.csv").read_bytes()
    assert results == (tmp_path / "merged" / "results.csv").read_bytes()
    assert results.count(b"\n") == 17
    page = (whole / "report.html").read_text()
    assert "slow minus nominal" in page
    assert "data:image/png;base64," in page
    # a fault changes the run, and nothing else of it: the first day is the same
    assert perfusio("study", file, "--out", whole, "--engine", "in-process").stderr.startswith("8 of 8 tasks")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[vary]", "[very]", r"\[very\] is no section.*Did you mean 'vary'"),
        ('policy = ["nominal"', 'policie = ["nominal"', "vary.policie is nothing to vary"),
        ('"none", "pump"]', '"none", "pomp"]', "fault = 'pomp' is not said.*Did you mean 'pump'"),
        ('["none", "pump"]', '["pump", "pump"]', "names a value twice"),
        ("pump = 0.8", "pumpe = 0.8", r"\[fault\] has no option 'pumpe'.*Did you mean 'pump'"),
        ("replicates = 4", "replicates = 0", r"\[study\].replicates: expected a number from 1 to 1e\+06 \(found 0\)"),
        ('"nominal", "slow"]', '"nominal"]', r"\[policy.slow\] is not used: vary.policy does not name it"),
        ("cspr = 0.02", "cpsr = 0.02", "takes .*cspr.* and would be asked with .*cpsr=..."),
        ("cspr = 0.02", 'cspr = "0.02"', "cspr = '0.02', expected a number from 0"),
        ("[vary]", '[medium.x]\nglucos = 1\n[vary]\nmedium = ["x"]', "medium: 'glucos'.*Did you mean 'glucose'"),
        ("[vary]", '[design.x]\nbleed_rate = 1\n[vary]\ndesign = ["x"]', "design: bleed_rate = 1, expected a table"),
        ('kind = "model-free-mpc"\ncspr = 0.02', 'kind = "nobodys"', "'nobodys' is not a controller"),
        ("[fault.pump]", '[objective.rich]\nkind = "maximize"\nquantity = "titer"\n[fault.pump]', ""),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(tmp_path, old, new, words):
    assert old in TOML
    file = write(tmp_path, TOML.replace(old, new))
    if words:
        with pytest.raises(ConfigError, match=f"(?s){words}"):
            read_study(file).tasks()
        return
    with pytest.raises(ConfigError, match="holds a density, and the aim is to maximize titer"):
        read_study(write(tmp_path, file.read_text().replace("[vary]", '[vary]\nobjective = ["rich"]'))).tasks()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    taken = perfusio("study", write(tmp_path), "--out", tmp_path / "file", "--engine", "in-process")
    assert isinstance(taken.exception, ConfigError)
    assert "file cannot be written: File exists" in str(taken.exception)

    def full(_journal, _end, _attempt):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(TaskJournal, "keep", full)
    ended = perfusio("study", write(tmp_path), "--out", tmp_path / "out", "--engine", "in-process")
    assert "cannot be written: No space left on device. Make room, or name another folder" in str(ended.exception)


def test_options_that_do_not_go_together_are_refused(tmp_path):
    file = write(tmp_path)
    for words, said in (
        (["--shard", "3/2"], "expected i/n"),
        (["--engine", "rai"], "Did you mean 'ray'"),
        (["--engine", "in-process", "--workers", "2"], "in-process there is one"),
        (["--address", "auto"], "say --engine ray"),
    ):
        refused = perfusio("study", file, "--out", tmp_path / "out", *words)
        assert refused.exit_code != 0
        assert said in str(refused.exception)


def test_differences_are_paired_by_seed():
    rows = [
        {"policy": p, "seed": s, "error_pct": 10.0 * s + (1.0 + 0.1 * s) * (p == "b")} for s in range(8) for p in "ab"
    ]
    (found,) = paired(rows, "policy", "error_pct", ["seed"])
    assert found.mean == pytest.approx(1.35)
    assert 1.0 < found.low < found.mean < found.high < 1.7


def test_a_number_is_written_with_every_digit_and_a_missing_one_as_nothing():
    assert as_csv([{"a": 0.1 + 0.2, "b": float("nan")}, {"a": 1.0}]) == "a,b\n0.30000000000000004,\n1.0,\n"
