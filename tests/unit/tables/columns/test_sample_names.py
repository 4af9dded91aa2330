"""A number at the end of a name is a day only if the times agree; names on every date are vessels; else it is asked."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfusio.errors import QuestionOpen
from perfusio.tables.columns.problems import Problems
from perfusio.tables.columns.sample_names import Beside, parted, says_day


def read(names, hours=None, *, midnight_h=0.0, pattern="", **further):
    """Return (reactor, day) of each name; a question is raised."""
    problems, remarks = Problems("f.csv"), []
    at = np.full(len(names), np.nan) if hours is None else np.array(hours, dtype=float)
    beside = Beside(header="Sample ID", hours=at, midnight_h=midnight_h)
    found = parted(names, beside, range(2, len(names) + 2), pattern, problems, remarks, **further)
    problems.refuse_if_any()
    return [(p.reactor, None if p.day != p.day else p.day) for p in found], remarks


def test_a_day_that_is_called_one_and_agrees_is_the_day():
    assert read(["R01-D00", "R01-D01", "R02-D00", "R02-D01"], [9, 33, 9.1, 33.1])[0] == [
        ("R01", 0), ("R01", 1), ("R02", 0), ("R02", 1),
    ]  # fmt: skip


def test_a_bare_number_is_the_day_where_the_dates_move_with_it():
    assert read(["HT2_0", "HT2_1", "HT2_3"], [9, 30, 84])[0] == [("HT2", 0), ("HT2", 1), ("HT2", 3)]


def test_the_same_names_on_every_date_are_vessels():
    names = [f"BR-0{k}" for _ in range(3) for k in (1, 2, 3, 4)]
    hours = [9 + 24 * day + k / 15 for day in range(3) for k in range(4)]
    assert [reactor for reactor, day in read(names, hours)[0] if day is None] == names


@pytest.mark.parametrize(
    ("names", "hours"),
    [
        (["BR-01", "BR-02"], [9, 9.1]),  # two vessels on one day, or the days 1 and 2 measured together
        (["BR-01", "BR-02", "BR-03"], [9, 9.1, 9.2]),
        (["R01-D03", "R01-D04"], [9, 9.1]),  # the dates speak against the days that are named
        (["HT2_5"], [9]),
        (["HT2_5", "HT2_6"], None),
        (["XK1041", "XK1042", "XK1043"], [9, 33, 57]),  # barcodes of one culture, or three vessels
        (["R01-D00", "R01-D01", "somewhere"], [9, 33, 34]),
    ],
)
def test_what_the_names_leave_open_is_asked(names, hours):
    with pytest.raises(QuestionOpen) as asked:
        read(names, hours)
    options = [r.typed for r in asked.value.questions[0].readings]
    assert "--reactor R01" in options
    assert "--vessel-pattern '(?P<reactor>.+)'" in options


def test_without_dates_only_a_day_that_is_called_one_counts():
    assert read(["R01-D03", "R01 day 4"])[0] == [("R01", 3), ("R01", 4)]


def test_names_measured_minutes_apart_are_no_single_culture_and_that_is_told():
    found, remarks = read(["CLB001", "CLB002", "CLB003"], [9, 9.1, 9.2])
    assert [reactor for reactor, _ in found] == ["CLB001", "CLB002", "CLB003"]
    assert "--reactor" in remarks[0]


def test_a_declared_pattern_counts_before_everything():
    names = ["B7_HT1_05", "B7_HT1_06"]
    assert read(names, [9, 9.1], pattern=r"(?P<run>B\d+)_(?P<reactor>\w+)_(?P<day>\d+)")[0] == [("HT1", 5), ("HT1", 6)]
    with pytest.raises(Exception, match="does not fit the pattern"):
        read([*names, "else"], [9, 9.1, 9.2], pattern=r"(?P<reactor>\w+)_(?P<day>\d+)")


def test_a_culture_day_beside_the_names_must_agree_too():
    assert read(["R01_1", "R01_2"], [24, 48], midnight_h=float("nan"))[0] == [("R01", 1), ("R01", 2)]
    with pytest.raises(QuestionOpen):
        read(["R01_1", "R01_2"], [24, 24.1], midnight_h=float("nan"))


def test_which_names_say_a_day():
    assert [says_day(name) for name in ("R01-D03", "Vessel 3 day 07", "BR-03", "D")] == [True, True, False, False]


@settings(max_examples=60, deadline=None)
@given(
    vessels=st.lists(st.integers(1, 9), min_size=2, max_size=4, unique=True),
    days=st.lists(st.integers(0, 20), min_size=1, max_size=4, unique=True),
    style=st.sampled_from(["{v}-D{d:02}", "V{v}_{d}", "V-{v:02}", "X{v}{d:02}"]),
    start=st.floats(6, 18),
)
def test_vessels_never_become_one(vessels, days, style, start):
    """Whatever the style of the names, samples of two vessels never come back as those of one, nor on another day."""
    rows = [(v, d) for d in sorted(days) for v in vessels]
    names = [style.format(v=v, d=d) for v, d in rows]
    hours = [start + 24 * d + 0.1 * k for k, (_, d) in enumerate(rows)]
    try:
        found, _ = read(names, hours)
    except QuestionOpen:
        return
    for (a, (v, d)), (b, (w, e)) in product(zip(found, rows, strict=True), repeat=2):
        if v != w:
            assert a[0] != b[0], names
        if a[1] is not None and v == w:
            assert a[1] - b[1] == d - e, names


@pytest.mark.parametrize(
    ("names", "hours"),
    [
        (["SAMPLE_1"], [9]),
        (["SAMPLE_01", "SAMPLE_02", "SAMPLE_03"], [9, 9.5, 10]),  # minutes apart: no days, no culture sampled like that
        (["CLB1", "CLB2", "CLB3", "CLB4"], [9, 33, 129, 129.1]),  # two of them at once
        (["7MCC151", "11AMB04", "10AMB01"], [0, 1584, 3600]),  # months apart
    ],
)
def test_names_that_times_show_to_be_no_series_stay_open_where_that_is_allowed(names, hours):
    found, remarks = read(names, hours, may_stay_open=True)
    assert found == [(name, None) for name in names]
    assert "it stays open, and each keeps its name" in remarks[0]
    with pytest.raises(QuestionOpen):
        read(names, hours)


@pytest.mark.parametrize(
    ("names", "hours"),
    [
        (["XK1041", "XK1042", "XK1043"], [9, 33, 57]),  # one culture, or three
        (["R01_1", "R01_2", "R02_1", "R02_2"], [9, 9.1, 9.2, 9.3]),  # days measured together
        (["R01-D03", "R01-D04"], [9, 9.1]),  # days that are called so
        (["HT2_5", "HT2_6"], None),
    ],
)
def test_names_that_can_be_a_series_are_asked_in_any_case(names, hours):
    with pytest.raises(QuestionOpen):
        read(names, hours, may_stay_open=True)


def test_two_rounds_of_samples_minutes_apart_are_not_each_a_vessel():
    with pytest.raises(QuestionOpen, match="which vessel is each sample from"):
        read(["S1", "S2", "S3", "S4", "S5", "S6"], [9, 9.1, 33, 33.1, 57, 57.1])
    assert [name for name, _ in read(["S1", "S2", "S3"], [9, 9.1, 9.2])[0]] == ["S1", "S2", "S3"]
