"""Example 06 runs as a user would run it."""

from pathlib import Path

from perfusio.record.verification.verify import verify

from ..programs import ran

EXAMPLE = Path(__file__).parents[3] / "examples" / "06_online_digital_twin_filesystem.py"


def test_example_replays_a_file_closes_the_loop_and_compares(tmp_path):
    done = ran(EXAMPLE, cwd=tmp_path, SMOKE_TEST="1")
    assert (done.returncode, done.stderr) == (0, "")
    out = tmp_path / "online-digital-twin"
    rows = [line for line in done.stdout.splitlines() if line[:5].strip().isdigit()]
    assert [row.split()[0] for row in rows] == ["0", "1", "2", "3"] * 2
    assert "4 samples and 3 decisions in the replay" in done.stdout
    for name in ("digital twin", "nominal setpoints", "PI controller"):
        assert f"  {name}" in done.stdout
    for loop in (out / "replay", out / "closed-loop"):
        assert verify(loop / "audit.jsonl").outcome == "COMPLETED"
        assert (loop / "forecast.png").stat().st_size > 10_000
    header = (out / "replay" / "my_data.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.count(",") == 16  # day, ten process variables, six setpoints
    assert len((out / "replay" / "my_data.setpoints.csv").read_text(encoding="utf-8").splitlines()) == 1 + 3
