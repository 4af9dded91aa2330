"""The how-to on reports: its Python block runs on a record."""

import re
from pathlib import Path

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import Mode, RunConfig
from perfusio.events import SampleRead
from perfusio.record.audit_logger import AuditLogger
from perfusio.testing import ManualClock, make_state
from perfusio.twin.loop import first_records

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "report-a-run.md").read_text(encoding="utf-8")


def test_its_block_draws_into_axes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with AuditLogger(Path("audit.jsonl"), clock=ManualClock()) as log:
        log.append(
            first_records.started(
                RunConfig(duration_days=3), SPACE, {"R01": Mode.AUTOMATIC}, {"R01": {"kind": "simulated"}}
            )
        )
        for day in range(3):
            log.append(SampleRead(reactor="R01", turn=day, state=make_state(day=day), in_force=SPACE.nominal))
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(block, "page", "exec"), {})
    assert capsys.readouterr().out.startswith("Viable cell density [1e6 cells/mL] 3 samples,")
    assert Path("density.png").read_bytes().startswith(b"\x89PNG")
    named = re.findall(r"examples/(\w+\.py)\)", PAGE)
    assert len(named) == 2
    assert all((Path(__file__).parents[3] / "examples" / name).exists() for name in named)
