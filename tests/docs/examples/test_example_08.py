"""Example 08 reads a workbook and prints leave-one-culture-out forecasts: of a small one, and of the real one.

The real one is looked for beside the repository, or where PERFUSIO_CHO_WORKBOOK says.
"""

import os
import re
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from ..programs import ran

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "08_real_fed_batch.py"
BESIDE = ROOT.parent / "shared" / "data" / "cdppy_real_cho" / "Package_input_Example.xlsx"
WORKBOOK = Path(os.environ.get("PERFUSIO_CHO_WORKBOOK", BESIDE))
COLUMNS = [
    "Date (MM/DD/YY H:MM:SS AM/PM)", "Cell Line", "ID", "Initial Volume (mL)", "Sample Volume (mL)",
    "Viable Cell Concentration (10^6 cells/mL)", "Total Cell Concentration (10^6 cells/mL)", "IgG (mg/L)",
    "F01", "F02", "F01-CL2", "F02-CL2",
]  # fmt: skip
SOLUTES = ["Glucose (mM)", "Glutamine (mM)", "Glutamate (mM)", "Lactate (mM)", "NH3 (mM)"]


def small_workbook(path, write_xlsx):
    """Two cultures of six days in the layout of the map: exponential growth, linear turnover, a daily feed."""
    rng = np.random.default_rng(0)
    groups = ["Data", *[""] * 7, "Feed Volume (mL)", *[""] * 3, "Concentration Before Feeding", *[""] * 4]
    rows = [groups, [*COLUMNS, *SOLUTES]]
    for culture in (1, 2):
        for day in range(7):
            cells = 0.3 * np.exp(0.6 * day) * np.exp(0.05 * rng.standard_normal())
            solutes = np.array([30 - 3 * day, 4 - 0.5 * day, 1.0, 3 * day, 0.5 * day + 0.5])
            solutes = np.round(solutes * np.exp(0.03 * rng.standard_normal()), 3)
            rows.append(
                [datetime(2024, 5, 1, 9) + timedelta(hours=23.7 * day), "CL1", culture, 100, 1, cells,
                 cells * (1.02 + 0.02 * day), 10 * cells, 1 if day > 2 else 0, 0, "", "", *solutes]
            )  # fmt: skip
    feeds = [["ID", 1, 1, 2, 2], ["Feed Name", "F01", "F02", "F01", "F02"], *([n, 100, "", 100, ""] for n in SOLUTES)]
    return write_xlsx(path, {"Measured Data": rows, "Feed Concentration": feeds})


def printed(workbook, *arguments):
    return ran(EXAMPLE, "--workbook", workbook, *arguments)


def rrmse(text, horizon, row="mean"):
    """Error by forecaster in a row of the printed table of a horizon."""
    block = text[text.index(horizon) :]
    names = ["hybrid", "step-GP", "plain GP", "persistence", "batch average"]
    numbers = re.search(rf"^{row} +(.*)$", block, re.MULTILINE)[1].split()
    return dict(zip(names, map(float, numbers[row != "mean" :][:5]), strict=True))  # a species has its count first


def test_a_small_workbook(tmp_path, write_xlsx):
    done = printed(small_workbook(tmp_path / "small.xlsx", write_xlsx))
    assert done.stderr == ""
    assert "1        CL1      7 samples in 5.9 days, 3 feeds" in done.stdout
    for horizon in ("1 day ahead", "3 days ahead"):
        error = rrmse(done.stdout, horizon, "vcd")
        assert error["hybrid"] < 0.5 * error["persistence"]
        assert max(rrmse(done.stdout, horizon).values()) < 5.0


def test_a_workbook_that_is_not_there_is_said_in_a_sentence(tmp_path):
    done = printed(tmp_path / "none.xlsx")
    assert done.returncode == 1
    assert done.stderr.startswith("none.xlsx was not found in")


@pytest.mark.skipif(not WORKBOOK.exists(), reason=f"the real workbook is not at {WORKBOOK}")
def test_three_real_cultures_are_forecast_better_than_by_persistence():
    done = printed(WORKBOOK)
    assert done.stderr == ""
    for horizon in ("1 day ahead", "3 days ahead"):
        mean = rrmse(done.stdout, horizon)
        assert mean["hybrid"] < 0.75 * mean["persistence"], "0.70 at the time of writing"
        assert mean["batch average"] < 1.0


def test_without_arguments_it_says_what_it_needs(tmp_path):
    done = ran(EXAMPLE, cwd=tmp_path)
    assert done.returncode == 2
    for word in ("needs a workbook", "--workbook FILE", "CDPpy", "--map FILE"):
        assert word in done.stderr
