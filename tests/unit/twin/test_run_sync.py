"""`run_sync` works in scripts and inside a running event loop, and Ctrl-C interrupts the run on record."""

import asyncio
import signal
import subprocess
import sys
import threading
import time

import pytest

from perfusio import DEFAULT_AMBR250_DESIGN_SPACE, DigitalTwin, FilesystemStore, RunConfig, verify
from perfusio.study.closed_loop import write_synthetic_csv
from perfusio.twin.run_sync import run_to_end


@pytest.fixture
def twin(tmp_path):
    sheet = tmp_path / "my_data.csv"
    asyncio.run(write_synthetic_csv(sheet, days=1, seed=0))
    config = RunConfig(duration_days=1, run_dir=tmp_path / "results", n_paths=16)
    return DigitalTwin(FilesystemStore(sheet), DEFAULT_AMBR250_DESIGN_SPACE, config)


def test_a_script_runs_a_twin_in_one_line(twin):
    result = twin.run_sync()
    assert result.outcome.name == "COMPLETED"
    assert verify(result.audit_path).outcome == "COMPLETED"


def test_a_notebook_runs_a_twin_while_its_own_loop_runs(twin):
    async def cell():
        return twin.run_sync()

    assert asyncio.run(cell()).n_samples == 2


def test_inside_a_loop_it_runs_in_another_thread_and_outside_in_this_one():
    async def where():
        return threading.current_thread()

    async def cell():
        return run_to_end(where)

    assert run_to_end(where) is threading.main_thread()
    assert asyncio.run(cell()) is not threading.main_thread()


@pytest.mark.parametrize("inside", [False, True])
def test_errors_come_out_as_they_are(inside):
    async def fails():
        raise ValueError("this one")

    async def cell():
        return run_to_end(fails)

    with pytest.raises(ValueError, match="this one"):
        asyncio.run(cell()) if inside else run_to_end(fails)


SCRIPT = """
import asyncio, signal, sys
from perfusio import *

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that it is ignored

connector = FilesystemStore(sys.argv[1], follow=True)
twin = DigitalTwin(connector, DEFAULT_AMBR250_DESIGN_SPACE, RunConfig(duration_days=9, n_paths=16, run_dir=sys.argv[2]))

async def cell():
    twin.run_sync()

try:
    asyncio.run(cell()) if sys.argv[3] == "inside" else twin.run_sync()
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send to a process")
@pytest.mark.parametrize("where", ["inside", "outside"])
def test_ctrl_c_ends_the_run_on_record(tmp_path, where):
    sheet, record = tmp_path / "my_data.csv", tmp_path / "results" / "audit.jsonl"
    asyncio.run(write_synthetic_csv(sheet, days=1, seed=0))
    command = [sys.executable, "-c", SCRIPT, str(sheet), str(record.parent), where]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        while not (record.exists() and "RunStarted" in record.read_text(encoding="utf-8")):
            assert program.poll() is None
            time.sleep(0.002)  # right after the first record: the loop is busy then, and is waited for
        program.send_signal(signal.SIGINT)
        assert program.communicate()[0] == "interrupted\n"
    assert record.read_text(encoding="utf-8").splitlines()[-1].count('"RunInterrupted"') == 1
    assert verify(record).is_intact
