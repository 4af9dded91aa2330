"""Example 01 runs as a user would run it."""

import os
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[3] / "examples" / "01_simulate_training_experiment.py"


def test_example_writes_its_files_and_prints_its_table(tmp_path):
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) == 1 + 27 + 1
    assert lines[-1].endswith("27 runs x 29 samples")
    table = (tmp_path / "training-experiment" / "runs.csv").read_text(encoding="utf-8").splitlines()
    assert len(table) == 1 + 27 * 29
    assert (tmp_path / "training-experiment" / "trajectories.png").stat().st_size > 10_000
