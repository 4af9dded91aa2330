"""Example 09 runs as a user would run it."""

from pathlib import Path

from perfusio.record.verification.verify import read_records, verify

from ..programs import ran

EXAMPLE = Path(__file__).parents[3] / "examples" / "09_your_process.py"


def test_example_runs_a_process_of_its_own(tmp_path):
    done = ran(EXAMPLE, cwd=tmp_path, SMOKE_TEST="1")
    assert done.returncode == 0, done.stderr
    assert "No rate law is known for asparagine" in done.stdout
    assert "What ph and dissolved_oxygen do to the cells is learnt" in done.stdout
    folder = tmp_path / "your-process"
    assert verify(folder / "audit.jsonl").outcome == "COMPLETED"
    assert (folder / "forecast.png").read_bytes().startswith(b"\x89PNG")
    samples = [r.payload["state"] for r in read_records(folder / "audit.jsonl") if r.event == "SampleRead"]
    assert all("asparagine" in state and "pyruvate" not in state for state in samples)
