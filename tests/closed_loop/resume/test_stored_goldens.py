"""What the five cases of `make golden` forecast and decide is what they did when it was stored, on any processor.

Bits differ between processors: with other kernels of OpenBLAS, torch and numpy, means differed by 6e-7, setpoints by
3e-7, spreads by 8e-6 (paths are in single precision), so that these may differ by 1e-6, 1e-6 and 2e-5. Where figures
are to change: `python tests/closed_loop/test_stored_goldens.py`, in a commit that says why.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

GOLDEN = Path(__file__).parents[3] / "benchmarks" / "golden"
STORED = Path(__file__).with_name("stored_goldens.json")
CASES = ("file", "fleet", "history", "transfer", "economic")


@pytest.fixture
def cases(monkeypatch):
    monkeypatch.syspath_prepend(str(GOLDEN))
    import golden_cases

    return golden_cases


def shown(golden_cases, case, folder):
    """The forecast with which a case starts, and every setpoint that it decides."""
    twin = golden_cases.CASES[case](folder)
    golden_cases.foresee(twin, folder)
    asyncio.run(twin.run())
    forecast = json.loads((folder / "forecast.json").read_text(encoding="utf-8"))
    events = map(json.loads, (folder / "audit.jsonl").read_text(encoding="utf-8").splitlines())
    chosen = [list(e["payload"]["setpoints"].values()) for e in events if e["event"] == "Decided"]
    return {"mean": forecast["mean"], "sd": forecast["sd"], "setpoints": chosen}


@pytest.mark.parametrize("case", CASES)
def test_forecasts_and_decisions_are_those_that_were_stored(case, cases, tmp_path):
    stored = json.loads(STORED.read_text(encoding="utf-8"))[case]
    now = shown(cases, case, tmp_path)
    np.testing.assert_allclose(now["mean"], stored["mean"], rtol=1e-6)
    np.testing.assert_allclose(now["sd"], stored["sd"], rtol=2e-5)
    np.testing.assert_allclose(now["setpoints"], stored["setpoints"], rtol=1e-6, atol=1e-6)


def _rounded(values):
    return [_rounded(v) for v in values] if isinstance(values, list) else float(f"{values:.10g}")


if __name__ == "__main__":
    sys.path.insert(0, str(GOLDEN))
    import golden_cases as stored_cases

    goldens = {}
    for name in CASES:
        with tempfile.TemporaryDirectory() as temporary:
            found = shown(stored_cases, name, Path(temporary))
        goldens[name] = {what: _rounded(values) for what, values in found.items()}
    STORED.write_text(
        "{\n" + ",\n".join(f'"{n}": {json.dumps(g)}' for n, g in goldens.items()) + "\n}\n", encoding="utf-8"
    )
