"""Example 07 runs as a user would run it, on the virtual rig; a real server is looked for where it should be."""

import os
import subprocess
import sys
from pathlib import Path

from perfusio.record.verification.verify import read_records, verify

EXAMPLE = Path(__file__).parents[3] / "examples" / "07_real_ambr_opcua.py"
ENV = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "SMOKE_TEST": "1"}


def run(folder, *arguments):
    command = [sys.executable, str(EXAMPLE), *arguments]
    return subprocess.run(command, cwd=folder, env=ENV, capture_output=True, text=True, check=False)


def events(path):
    return [record.event for record in read_records(path)]


def test_the_rig_is_advised_first_and_then_run(tmp_path):
    done = run(tmp_path, "--simulate")
    assert (done.returncode, done.stderr) == (0, "")
    out = tmp_path / "opcua-twin"
    assert done.stdout.count("COMPLETED: 2 samples, 1 decisions") == 2
    assert "writing never stopped" in done.stdout
    for name in ("advised", "automatic"):
        assert verify(out / name / "audit.jsonl").outcome == "COMPLETED"
    advised, automatic = events(out / "advised" / "audit.jsonl"), events(out / "automatic" / "audit.jsonl")
    assert "WriteIntended" not in advised
    assert automatic.count("SetpointsWritten") == 1
    assert not {"WriteUnknown", "SampleMissing", "ConnectorFailed"} & {*advised, *automatic}


def test_without_arguments_it_says_what_it_needs(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for word in ("--endpoint", "--nodes", "--certificates", "--simulate"):
        assert word in done.stderr


def test_without_a_map_it_says_what_is_missing(tmp_path):
    done = run(tmp_path, "--endpoint", "opc.tcp://localhost:9/", "--days", "28")
    assert done.returncode != 0
    assert "nodes.toml: the node map cannot be read: No such file" in done.stderr
