"""Example 05 on runs that are not usable. Its default call is tested with T05."""

import runpy
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs
from perfusio.tables.runs_table import RUNS_HEADER, runs_rows, write_csv

EXAMPLE = Path(__file__).parents[3] / "examples" / "05_transfer_between_clones.py"


@pytest.mark.parametrize(
    ("new", "found"),
    [
        ("CloneZ", "0 runs of CloneZ and 2 of other clones"),
        ("Other", "1 runs of Other and 1 of other clones"),
    ],
)
def test_a_clone_without_runs_to_score_on_is_refused_before_anything_is_written(tmp_path, monkeypatch, new, found):
    nominal = DEFAULT_AMBR250_DESIGN_SPACE.nominal
    one, other = simulate_runs(CLONE_X, {"A": nominal, "B": nominal}, days=2, seed=0)
    write_csv(tmp_path / "runs.csv", RUNS_HEADER, runs_rows([one, replace(other, clone="Other")]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), "--runs", "runs.csv", "--new", new])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(EXAMPLE), run_name="__main__")
    assert end.value.code.startswith(found)
    assert "The clones there are: CloneX, Other." in end.value.code
    assert not (tmp_path / "transfer").exists()
