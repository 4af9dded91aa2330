"""The command as a process: exit codes, sentences instead of tracebacks, and Ctrl-C."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from perfusio.record.verification.verify import verify
from perfusio.study.closed_loop import write_synthetic_csv

ENV = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
COMMAND = [sys.executable, "-m", "perfusio"]


def perfusio(*arguments, cwd):
    return subprocess.run([*COMMAND, *arguments], cwd=cwd, env=ENV, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "Usage: perfusio"),
        (("rnu",), 2, "Did you mean 'run'?"),
        (("run", "--dyas", "3"), 2, "--days"),
        (("run", "--csv", "none.csv", "--days", "3"), 3, "none.csv was not found"),
        (("run", "--csv", "a.csv", "--days", "0"), 2, "'--days'"),
        (("verify", "none.jsonl"), 3, "cannot be read"),
        (("design", "--factors", "temprature"), 2, "temprature"),
    ],
)
def test_an_error_is_a_readable_paragraph_on_stderr(arguments, code, words, tmp_path):
    done = perfusio(*arguments, cwd=tmp_path)
    assert done.returncode == code
    assert words in done.stderr + (done.stdout if not arguments else "")
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_version_and_help_exit_0(tmp_path):
    assert perfusio("--version", cwd=tmp_path).stdout.startswith("perfusio ")
    assert perfusio("run", "--help", cwd=tmp_path).returncode == 0


def hear_ctrl_c():
    """A shell that starts the tests in the background has them ignore Ctrl-C, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(*arguments, cwd):
    command = [*COMMAND, "run", "--csv", "my_data.csv", *arguments]
    return subprocess.Popen(
        command, cwd=cwd, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hear_ctrl_c
    )


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_program_with_one_sentence_and_leaves_a_run_that_can_go_on(tmp_path, signum, code):
    asyncio.run(write_synthetic_csv(tmp_path / "my_data.csv", days=2, seed=0))
    with start("--days", "14", "--follow", cwd=tmp_path) as following:
        for line in following.stdout:  # wait until the first day is told: the run is on its way
            if line.startswith("    0"):
                break
        following.send_signal(signum)
        _, stderr = following.communicate(timeout=600)
    assert following.returncode == code
    assert stderr.startswith("perfusio: Stopped by ")
    assert "perfusio resume . goes on with it, perfusio stop . ends it." in stderr
    assert stderr.count("\n") == 1
    report = verify(tmp_path / "audit.jsonl")
    assert report.is_intact
    assert not report.is_finished
    words = ("--who", "A. Smith", "--why", "It was a try.")
    assert perfusio("stop", ".", *words, cwd=tmp_path).returncode == 0
    assert verify(tmp_path / "audit.jsonl").outcome == "STOPPED"
    again = perfusio("stop", ".", *words, cwd=tmp_path)
    assert (again.returncode, "has ended (STOPPED)" in again.stderr) == (2, True)


def test_a_reader_that_goes_away_does_not_stop_the_run(tmp_path):
    asyncio.run(write_synthetic_csv(tmp_path / "my_data.csv", days=1, seed=0))
    with start("--days", "1", cwd=tmp_path) as piped:
        piped.stdout.close()
        assert piped.stderr.read() == ""
        assert piped.wait(timeout=600) == 0
    assert verify(tmp_path / "audit.jsonl").outcome == "COMPLETED"


def test_an_unforeseen_failure_is_still_no_traceback(tmp_path):
    (tmp_path / "perfusio_breaks.py").write_text(
        "import sys\nfrom perfusio.cli import app, entry\n"
        "def broken():\n    raise RuntimeError('the moon')\n"
        "app.app.command('broken')(broken)\nsys.argv = ['perfusio', 'broken']\nentry.main()\n",
        encoding="utf-8",
    )
    script = [sys.executable, str(tmp_path / "perfusio_breaks.py")]
    done = subprocess.run(script, env=ENV, capture_output=True, text=True)
    assert done.returncode == 1
    assert "failed with RuntimeError: the moon" in done.stderr
    assert "Traceback" not in done.stderr
    shown = subprocess.run(script, env=ENV | {"PERFUSIO_TRACEBACK": "1"}, capture_output=True, text=True)
    assert "Traceback" in shown.stderr
