"""Example 01 runs as a user would run it."""

from pathlib import Path

from ..programs import ran

EXAMPLE = Path(__file__).parents[3] / "examples" / "01_simulate_training_experiment.py"


def test_example_writes_its_files_and_prints_its_table(tmp_path):
    done = ran(EXAMPLE, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == 1 + 27 + 1
    assert lines[-1].endswith("27 runs x 29 samples")
    table = (tmp_path / "training-experiment" / "runs.csv").read_text(encoding="utf-8").splitlines()
    assert len(table) == 1 + 27 * 29
    assert (tmp_path / "training-experiment" / "trajectories.png").stat().st_size > 10_000
