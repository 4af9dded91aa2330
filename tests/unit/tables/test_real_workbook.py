"""Three real CHO fed-batches (CDPpy's example workbook, not part of perfusio) read by the map of example 08.

Put the workbook beside the repository, or name it in PERFUSIO_CHO_WORKBOOK.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from perfusio.physics.feeds import after_feeds
from perfusio.state import SPECIES, SPECIES_INDEX
from perfusio.tables.columns.column_map import read_column_map
from perfusio.tables.runs_from_workbook import read_workbook

ROOT = Path(__file__).parents[3]
BESIDE = ROOT.parent / "shared" / "data" / "cdppy_real_cho" / "Package_input_Example.xlsx"
WORKBOOK = Path(os.environ.get("PERFUSIO_CHO_WORKBOOK", BESIDE))

pytestmark = pytest.mark.skipif(not WORKBOOK.exists(), reason=f"the real workbook is not at {WORKBOOK}")


@pytest.fixture(scope="module")
def read():
    mapped, remarks = read_column_map(ROOT / "examples" / "08_mapping.toml"), []
    return read_workbook(WORKBOOK, mapped, on_remark=remarks.append), remarks


def test_three_cultures_of_thirteen_samples(read):
    runs, remarks = read
    assert [len(r.states) for r in runs] == [13, 13, 13]
    assert len({r.reactor_id for r in runs}) == 3
    assert len({r.clone for r in runs}) == 2
    for run in runs:
        steps = np.diff(run.times_h)
        assert run.times_h[0] == 0.0
        assert 9.5 < run.states[-1].day < 9.9
        assert steps.min() > 8.0
        assert steps.max() < 26.0
    assert len(remarks) == 1
    assert "does not say how much pyruvate the feeds hold" in remarks[0]


def test_values_are_those_of_a_culture_and_pyruvate_is_a_gap(read):
    for run in read[0]:
        by_name = dict(zip(SPECIES, run.values.T, strict=True))
        assert np.isnan(by_name.pop("pyruvate")).all()
        assert all(np.isfinite(values).all() for values in by_name.values())
        assert by_name["viability"][0] > 95.0
        assert by_name["viability"].max() <= 100.0
        assert 3.0 < by_name["glucose"][0] < 8.0  # g/L, from mmol/L
        assert 10.0 < by_name["vcd"].max() < 40.0
        assert (np.diff(by_name["titer"])[1:] > -1.0).all()
        assert {u.perfusion_rate for u in run.setpoints} == {0.0}


def test_feeds_are_small_rich_and_bring_what_the_cells_then_take(read):
    for run in read[0]:
        assert 5 <= sum(f is not None for f in run.feeds) <= 9
        assert all(0.01 < f.fraction < 0.06 for f in run.feeds if f)
        before, after = run.values[:-1], after_feeds(run.values[:-1], run.feeds, run.panel)
        fed = np.array([f is not None for f in run.feeds])
        for name in ("glucose", "glutamine"):
            q = SPECIES_INDEX[name]
            assert (after[fed, q] > before[fed, q] + 0.5).all()
            assert (run.values[1:][fed, q] < after[fed, q]).all()  # cells take it up
        assert (after[fed, 0] < before[fed, 0]).all()
        assert (after[~fed][:, 0] == before[~fed][:, 0]).all()
