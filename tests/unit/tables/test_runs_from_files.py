"""Past runs: what `perfusio simulate` writes comes back as it was; a silent file is asked what was in force."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import UnreadableSource
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs
from perfusio.state import Setpoints
from perfusio.tables.runs_from_files import read_runs
from perfusio.tables.runs_table import RUNS_HEADER, runs_rows, write_csv

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal


@pytest.fixture(scope="module")
def runs():
    return simulate_runs(CLONE_X, {"R01": NOMINAL, "R02": replace(NOMINAL, bleed_rate=0.3)}, days=6, seed=2)


@pytest.mark.parametrize("of", ["file", "folder"])
def test_what_simulate_writes_comes_back(tmp_path, runs, of):
    write_csv(tmp_path / "runs.csv", RUNS_HEADER, runs_rows(runs))
    write_csv(tmp_path / "design.csv", ["not", "a run"], [["1", "2"]])
    again = read_runs(tmp_path / "runs.csv" if of == "file" else tmp_path)
    assert len(again) == 2
    for ours, theirs in zip(again, runs, strict=True):
        assert (ours.reactor_id, ours.run_id, ours.clone) == (theirs.run_id, theirs.run_id, "CloneX")
        assert ours.setpoints == theirs.setpoints
        np.testing.assert_allclose(ours.values, theirs.values, rtol=1e-5)
        np.testing.assert_array_equal(np.isnan(ours.values), np.isnan(theirs.values))
        assert [dict(s.quality) for s in ours.states] == [dict(s.quality) for s in theirs.states]
    assert np.isnan(again[0].values).any()  # gaps stay gaps


def test_a_folder_of_one_file_per_run_gives_each_its_own_name(tmp_path, runs):
    for run in runs:
        write_csv(tmp_path / f"{run.run_id}.csv", RUNS_HEADER[2:], [row[2:] for row in runs_rows([run])])
    write_csv(tmp_path / "R01.setpoints.csv", ["day"], [["1"]])
    again = read_runs(tmp_path)
    assert [t.reactor_id for t in again] == [t.run_id for t in again] == ["R01", "R02"]
    write_csv(tmp_path / "more.csv", RUNS_HEADER, runs_rows(runs))
    assert [t.reactor_id for t in read_runs(tmp_path)] == ["R01", "R02", "more/R01", "more/R02"]


def test_a_setpoint_is_in_force_until_another_is_stated(tmp_path):
    path = tmp_path / "run.csv"
    path.write_text("day,VCD,Via,Glc,bleed_rate\n0,1,98,5,0.1\n1,2,98,5,\n2,4,98,5,0.2\n3,5,98,5,\n")
    remarks = []
    (run,) = read_runs(path, assumed=NOMINAL, on_remark=remarks.append)
    assert [u.bleed_rate for u in run.setpoints] == [0.1, 0.1, 0.2]
    assert {u.perfusion_rate for u in run.setpoints} == {NOMINAL.perfusion_rate}
    (remark,) = [r for r in remarks if "assumed" in r]
    assert "run.csv (run) does not say what was in force; assumed: perfusion_rate 1, glucose_setpoint 4" in remark
    assert "bleed_rate" not in remark


def test_without_an_assumption_a_file_that_does_not_say_is_refused(tmp_path):
    path = tmp_path / "run.csv"
    path.write_text("day,VCD,Via,Glc,bleed_rate\n0,1,98,5,\n1,2,98,5,0.1\n")
    with pytest.raises(UnreadableSource, match=r"perfusion_rate, bleed_rate, .*Add the columns, or say what to assume"):
        read_runs(path)


def test_a_single_sample_needs_no_setpoints(tmp_path):
    path = tmp_path / "run.csv"
    path.write_text("day,VCD,Via,Glc\n0,1,98,5\n")
    (run,) = read_runs(path)
    assert (len(run.states), run.setpoints) == (1, ())


def test_all_problems_of_all_files_are_told(tmp_path):
    (tmp_path / "a.csv").write_text("day,VCD,Glucos\n0,1,5\n")
    (tmp_path / "b.csv").write_text("day,VCD,Via,Glc\n0,1,101,5\n")
    with pytest.raises(UnreadableSource) as refused:
        read_runs(tmp_path, assumed=Setpoints())
    assert len(refused.value.problems) == 2
    assert "a.csv" in str(refused.value)
    assert "b.csv" in str(refused.value)


def test_a_file_among_good_ones_that_is_no_table_is_not_passed_over_and_it_says_how_to_go_on(tmp_path, runs):
    for run in runs:
        write_csv(tmp_path / f"{run.run_id}.csv", RUNS_HEADER[2:], [row[2:] for row in runs_rows([run])])
    (tmp_path / "notes.txt").write_text("call Anna\n")
    with pytest.raises(UnreadableSource, match=rf"(?s)notes\.txt, line 1.*Move it out of .*, and {len(runs)} can be"):
        read_runs(tmp_path)


def test_an_empty_folder_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(UnreadableSource, match=r"holds no CSV file, expected runs\.csv"):
        read_runs(tmp_path)
    with pytest.raises(UnreadableSource, match="was not found"):
        read_runs(tmp_path / "none.csv")
