"""The main job on the two sheets that people brought, with their exact headers, gaps included."""

import asyncio
import contextlib
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.plant.sensors import SensorSettings
from perfusio.record.verification.verify import read_records, verify
from perfusio.study.baselines import PIController
from perfusio.study.closed_loop import steer
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.outcome import Outcome

PAGE = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
FRACTIONS = "day,VCD,viability,glucose,lactate,glutamine,glutamate,titer,perfusion_rate,bleed_rate"
SHORT = "day,VCD,Via,Glc,Gln,Glu,Lac,Amm,Pyr,Titer"


@pytest.fixture(scope="module")
def culture():
    """Nine days of a culture without gaps, as the measured states and the setpoints in force."""
    rig = SimulatedAmbr250(days=8, seed=4, sensors=SensorSettings(missing=0.0))
    trajectory = asyncio.run(steer(rig, PIController(40.0, cspr=0.02).decide)).trajectory
    in_force = (*trajectory.setpoints, trajectory.setpoints[-1])
    return list(zip(trajectory.states, in_force, strict=True))


def written(path, header, rows):
    path.write_text("\n".join([header, *(",".join(str(v) for v in row) for row in rows)]) + "\n", encoding="utf-8")


def fractions(culture):
    return [
        [f"{s.day:.1f}", f"{s.vcd:.3f}", f"{s.viability / 100:.4f}"]
        + [f"{v:.4g}" for v in (s.glucose, s.lactate, s.glutamine, s.glutamate, s.titer)]
        + [f"{u.perfusion_rate:.4f}", f"{u.bleed_rate:.4f}"]
        for s, u in culture
    ]


def short(culture):
    rows = [
        [f"{s.day:g}", f"{s.vcd:.3f}", f"{s.viability:.2f}"]
        + [f"{v:.4g}" for v in (s.glucose, s.glutamine, s.glutamate, s.lactate, s.ammonium, s.pyruvate, s.titer)]
        for s, _ in culture
    ]
    rows[5][3], rows[8][9] = "n.d.", ""  # glucose of day 5, titer of day 8
    return [row for row in rows if row[0] != "7"]


def test_the_code_of_the_issue_on_a_sheet_with_fractions(culture, tmp_path):
    written(tmp_path / "my_data.csv", FRACTIONS, fractions(culture))
    code = PAGE.split("```python\n")[2].split("```")[0]  # long paths; test_readme runs the short ones
    assert "duration_days=14" in code
    with contextlib.chdir(tmp_path):
        exec(compile(code.replace("duration_days=14", "duration_days=8"), "<README>", "exec"), {"__name__": "__main__"})
    assert verify(tmp_path / "audit.jsonl").is_intact
    records = list(read_records(tmp_path / "audit.jsonl"))
    ended = records[-1].payload
    assert (ended["outcome"], ended["n_samples"], ended["n_decisions"]) == ("COMPLETED", 9, 8)
    assert sum(r.event == "Decided" for r in records) == 8
    warnings = records[0].payload["sources"]["R01"]["warnings"]
    assert any("taken as fractions and converted to %" in text for text in warnings)
    decided = next(r for r in records if r.event == "Decided").payload
    assert len(decided["chosen"]["times_h"]) == 28
    assert np.isfinite([decided["chosen"][k]["ammonium"] for k in ("mean", "sd", "q05", "q95")]).all()


def test_a_sheet_with_gaps_is_told_with_what_was_missing(culture, tmp_path):
    written(tmp_path / "my_data.csv", SHORT, short(culture))
    arguments = ["run", "--csv", str(tmp_path / "my_data.csv"), "--days", "8", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, [*arguments, "--retrain-every", "7"])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    at = {line.split()[0]: i for i, line in enumerate(lines) if line[:5].strip().isdigit()}
    assert list(at) == [str(day) for day in range(9)]
    assert "missing: glucose." in lines[at["5"] + 1]
    assert "missing: titer." in lines[at["8"] + 1]
    assert "NO SAMPLE: No sample within 12 h of culture day 7" in lines[at["7"] + 1]
    assert "8 samples, 7 decisions" in result.stdout
    assert verify(tmp_path / "out" / "audit.jsonl").is_intact


def test_a_run_of_28_days_on_a_file_of_8_ends_with_its_source(culture, tmp_path):
    written(tmp_path / "my_data.csv", FRACTIONS, fractions(culture))
    config = RunConfig(
        duration_days=28,
        sampling_interval_hours=24.0,
        retrain_every=3,
        acquisition="LogEI",
        run_dir=tmp_path,
        n_paths=32,
    )
    connector = FilesystemStore(source_path=tmp_path / "my_data.csv")
    twin = DigitalTwin(connector=connector, design_space=DEFAULT_AMBR250_DESIGN_SPACE, run_config=config)
    result = asyncio.run(twin.run())
    assert result.outcome is Outcome.SOURCE_EXHAUSTED
    assert (result.n_samples, result.n_decisions) == (9, 9)
    assert verify(result.audit_path).outcome == "SOURCE_EXHAUSTED"
