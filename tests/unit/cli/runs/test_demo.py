"""`perfusio demo`: a fresh folder each time, both loops, verified records, and where they are."""

from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.record.verification.verify import verify


def test_a_demo_makes_a_fresh_folder_and_says_where(tmp_path):
    (tmp_path / "d").mkdir()
    result = CliRunner().invoke(app, ["demo", "--days", "1", "--out", str(tmp_path / "d")])
    assert result.exit_code == 0, result.output
    made = tmp_path / "d-2"
    assert result.stdout.rstrip().endswith(f"All of it is in {made}")
    assert list((tmp_path / "d").iterdir()) == []
    for loop in ("replay", "closed-loop"):
        assert verify(made / loop / "audit.jsonl").is_intact
        assert (made / loop / "forecast.png").stat().st_size > 10_000
    assert "digital twin" in result.stdout
    assert "nominal setpoints" in result.stdout
    assert max(len(line) for line in result.stdout.splitlines() if str(tmp_path) not in line) <= 120


def test_another_aim_is_what_the_loop_is_for(tmp_path):
    options = ["--maximize", "productivity", "--minimize", "medium", "--acquisition", "qNEHVI"]
    result = CliRunner().invoke(app, ["demo", "--days", "1", "--out", str(tmp_path / "d"), *options])
    assert result.exit_code == 0, result.output
    assert "maximize productivity [mg/L/day] and minimize medium [1/day], 1 day, qNEHVI" in result.stdout
    assert "nominal setpoints" not in result.stdout  # the simpler hands only hold a density


def test_a_wrong_aim_makes_no_folder(tmp_path):
    result = CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "d"), "--track", "vccd=30"])
    assert "Did you mean 'vcd'" in str(result.exception)
    assert not (tmp_path / "d").exists()
