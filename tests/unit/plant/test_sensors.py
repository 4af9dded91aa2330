"""Analyzers: noise of the stated size, keyed streams, and faults one by one."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.plant.sensors import DEFAULT_CV, PERFECT, Frozen, Sensors, SensorSettings
from perfusio.state import State

TRUE = State(
    time_h=48.0, vcd=20.0, viability=95.0, glucose=4.0, glutamine=1.0, glutamate=1.0, lactate=10.0, ammonium=4.0,
    pyruvate=0.5, titer=500.0, diameter=16.0,
)  # fmt: skip
COMPLETE = SensorSettings(missing=0.0)


def readings(settings, n=800, true=TRUE, seed=1):
    sensors = Sensors(settings, seed=seed)
    return [sensors.measure(replace(true, time_h=24.0 * i)) for i in range(n)]


def test_perfect_sensors_report_the_truth():
    assert Sensors(PERFECT).measure(TRUE) == TRUE


def test_noise_has_the_stated_size():
    seen = readings(COMPLETE)
    for name, cv in DEFAULT_CV.items():
        relative = np.array([getattr(s, name) for s in seen]) / getattr(TRUE, name) - 1.0
        assert relative.std() == pytest.approx(cv, rel=0.15), name
        assert abs(relative.mean()) < 0.2 * cv, name
    assert np.std([s.viability for s in seen]) == pytest.approx(1.0, rel=0.15)


def test_viability_is_never_above_one_hundred():
    assert max(s.viability for s in readings(COMPLETE, true=replace(TRUE, viability=99.5))) == 100.0


def test_values_go_missing_at_the_stated_rate_and_are_nan():
    seen = np.array([s.vector() for s in readings(SensorSettings(missing=0.05))])
    assert np.isnan(seen).mean() == pytest.approx(0.05, rel=0.15)


def test_below_the_detection_limit_the_limit_is_reported_with_a_remark():
    state = Sensors(COMPLETE).measure(replace(TRUE, glutamine=0.01))
    assert state.glutamine == 0.1
    assert state.quality == {"glutamine": "below the detection limit of 0.1"}


def test_reading_twice_in_another_order_or_another_vessel_changes_nothing():
    times = [0.0, 24.0, 48.0, 72.0]
    forward = {t: Sensors(seed=3).measure(replace(TRUE, time_h=t)) for t in times}
    backward = Sensors(seed=3)
    assert repr({t: backward.measure(replace(TRUE, time_h=t)) for t in reversed(times)}) == repr(
        dict(reversed(forward.items()))
    )
    assert Sensors(seed=4).measure(TRUE).vcd != forward[48.0].vcd


def test_one_fault_does_not_change_the_noise_of_the_others():
    plain = Sensors(COMPLETE, seed=2).measure(TRUE)
    faulty = Sensors(replace(COMPLETE, drift={"glucose": 0.01}, outlier_probability=0.0, viability_sd=0.0), seed=2)
    state = faulty.measure(TRUE)
    assert state.glucose == pytest.approx(plain.glucose * 1.02)
    assert state.viability == 95.0
    assert (state.vcd, state.lactate, state.titer) == (plain.vcd, plain.lactate, plain.titer)


def test_outliers_come_at_the_stated_rate_up_and_down():
    seen = np.array([s.glucose for s in readings(replace(COMPLETE, outlier_probability=0.1, outlier_factor=3.0))])
    assert np.mean(seen > 8.0) + np.mean(seen < 2.0) == pytest.approx(0.1, rel=0.3)
    assert np.any(seen > 8.0)
    assert np.any(seen < 2.0)


def test_frozen_sensor_repeats_its_last_value_then_recovers():
    stuck = replace(COMPLETE, frozen=(Frozen(quantity="glucose", from_day=2.0, to_day=4.0),))
    glucose = [s.glucose for s in readings(stuck, 6)]
    assert glucose[1] == glucose[2] == glucose[3]
    assert len({glucose[0], glucose[1], glucose[4], glucose[5]}) == 4


def test_a_sensor_frozen_from_the_start_repeats_its_first_value():
    stuck = replace(COMPLETE, frozen=(Frozen(quantity="vcd", from_day=0.0, to_day=3.0),))
    vcd = [s.vcd for s in readings(stuck, 4)]
    assert vcd[0] == vcd[1] == vcd[2] != vcd[3]


def test_late_titer_is_the_same_number_later():
    late, prompt = Sensors(replace(COMPLETE, titer_delay_days=3.0), seed=9), Sensors(COMPLETE, seed=9)
    assert np.isnan(late.measure(TRUE).titer)
    later = late.measure_titer(TRUE)
    assert later.titer == prompt.measure(TRUE).titer
    assert later.time_h == TRUE.time_h
    assert later.measured() == {"titer": later.titer}
