"""One virtual vessel under simple hands: what is recorded, how the error counts, and a CSV that can be read back."""

import asyncio

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.state import State
from perfusio.study.baselines import PIController, nominal
from perfusio.study.closed_loop import steer, tracking_error, write_synthetic_csv


def at(day, vcd):
    return State(time_h=24.0 * day, vcd=vcd)


def test_a_pi_controller_holds_a_vessel_that_is_fed_moderately_and_nominal_setpoints_do_not():
    held = asyncio.run(steer(SimulatedAmbr250(days=20, seed=3), PIController(30, cspr=0.02).decide))
    left = asyncio.run(steer(SimulatedAmbr250(days=20, seed=3), nominal))
    assert len(held.truth) == len(held.trajectory.states) == 21
    assert tracking_error(held.truth, 30) < 0.08
    assert tracking_error(left.truth, 30) > 0.5


def test_the_trajectory_says_what_was_in_force_between_two_samples():
    def more_each_day(sample, current):
        return SPACE.nominal if sample.day < 1 else current

    start = SPACE.holding(bleed_rate=0.3).nominal
    steered = asyncio.run(steer(SimulatedAmbr250(days=2, seed=0, setpoints=start), more_each_day))
    assert [u.bleed_rate for u in steered.trajectory.setpoints] == [0.15, 0.15]
    assert [s.time_h for s in steered.truth] == [0.0, 24.0, 48.0]


def test_the_error_is_that_of_the_late_days():
    truth = (at(0, 3.0), at(11, 60.0), at(12, 33.0), at(13, 27.0))
    assert tracking_error(truth, 30) == pytest.approx(0.1)
    assert np.isnan(tracking_error(truth[:2], 30))


def test_the_synthetic_file_is_one_that_perfusio_reads(tmp_path):
    asyncio.run(write_synthetic_csv(tmp_path / "new" / "my_data.csv", days=5, seed=1))
    store = FilesystemStore(tmp_path / "new" / "my_data.csv")
    said = store.describe()
    assert said["n_rows"] == 6
    assert len(said["columns"]) == 1 + 10 + 6
    first = asyncio.run(store.read_sample())
    assert first.time_h == 0.0
    assert 1 < first.vcd < 10
