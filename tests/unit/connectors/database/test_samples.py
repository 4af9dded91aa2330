"""Samples go into a database once and come out as they went in."""

from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from perfusio.connectors.database.database import Database
from perfusio.connectors.database.samples import SqlSample, add_samples, rows_of
from perfusio.connectors.sql import SqlStore
from perfusio.errors import OutOfRange, UnreadableSource, WriteRejected
from perfusio.state import QUANTITIES, SETPOINT_QUANTITIES, STATE_QUANTITIES, Setpoints, State
from perfusio.testing import make_state


def read(where, run="", reactor=""):
    with Database(where).reading() as connection:
        return rows_of(connection, run, reactor, "lab")


def equal(a, b):
    return repr(a) == repr(b)  # NaN is not itself, but looks the same


def test_what_goes_in_comes_out(where):
    first = SqlSample(
        state=make_state(
            day=0,
            ammonium=nan,
            vcd=0.1 + 0.2,
            titer=1e-300,
            lactate=5e-324,
            quality={"lactate": "below the detection limit of 0.2"},
        ),
        setpoints=Setpoints(perfusion_rate=1.0, temperature=36.5),
        clone="CHO-K1 µ",
        others={"pH [-]": 7.02, "DO [%]": nan},
    )
    later = SqlSample(state=make_state(day=1.5))
    assert add_samples(where, [later, first]) == 2
    back = read(where)
    assert equal([r.state for r in back], [first.state, later.state])
    assert equal([r.setpoints for r in back], [first.setpoints, Setpoints()])
    assert (back[0].clone, back[0].others) == ("CHO-K1 µ", {"pH [-]": 7.02, "DO [%]": None})


@given(st.lists(st.floats(0, 1000), unique=True, min_size=1, max_size=5), st.data())
@settings(max_examples=15, deadline=None)
def test_every_number_survives_to_the_last_bit(tmp_path_factory, times, data):
    where = tmp_path_factory.mktemp("bits") / "lab.sqlite"
    values = {n: data.draw(st.floats(q.low, q.high) | st.just(nan)) for n, q in STATE_QUANTITIES.items()}
    states = [State(time_h=t, **values) for t in sorted(times)]
    add_samples(where, [SqlSample(state=s) for s in reversed(states)])
    assert equal([r.state for r in read(where)], states)


def test_the_same_sample_twice_is_there_once(where):
    rows = [SqlSample(state=make_state(day=d), reactor=r) for d in range(5) for r in ("R01", "R02")]
    assert add_samples(where, rows) == 10
    assert add_samples(where, rows) == 0
    assert add_samples(where, [*rows, SqlSample(state=make_state(day=5), reactor="R01")] * 2) == 1
    assert len(read(where, reactor="R01")) == 6


def test_blanks_are_filled_in_and_values_are_not_changed(where):
    add_samples(where, [SqlSample(state=make_state(day=1, titer=nan, lactate=3.0))])
    late = State(time_h=24.0, titer=120.0, quality={"titer": "diluted", "lactate": "not of this row"})
    assert add_samples(where, [SqlSample(state=late)]) == 0
    (row,) = read(where)
    assert (row.state.titer, row.state.lactate, row.state.quality) == (120.0, 3.0, {"titer": "diluted"})
    wrong = SqlSample(state=make_state(day=1, titer=120.0, lactate=4.0))
    fine = SqlSample(state=make_state(day=2))
    with pytest.raises(UnreadableSource, match=r"lactate of the sample at 24 h of the vessel is 3 mmol/L there and 4"):
        add_samples(where, [fine, wrong])
    assert len(read(where)) == 1  # all or none


def test_a_contradiction_within_what_is_put_in_is_seen(where):
    with pytest.raises(UnreadableSource, match="glucose"):
        add_samples(where, [SqlSample(state=make_state(day=1, glucose=g)) for g in (3.0, 4.0)])
    assert read(where) == []


@pytest.mark.parametrize("q", QUANTITIES.values(), ids=lambda q: q.name)
def test_what_is_not_possible_is_refused_in_words(tmp_path, q):
    for value in (q.high * 1.01, q.low - 0.01, inf):
        part = "setpoints" if q.name in SETPOINT_QUANTITIES else "state"
        sample = SqlSample(
            **{
                "state": State(time_h=1.0),
                part: {"state": State, "setpoints": Setpoints}[part](
                    **({"time_h": 1.0} if part == "state" else {}), **{q.name: value}
                ),
            }
        )
        with pytest.raises(OutOfRange, match=rf"The sample at 1\.0 h of the vessel: {q.name} = .* is not possible"):
            add_samples(tmp_path / "lab.sqlite", [sample])


@pytest.mark.parametrize("column", ["time_h", *QUANTITIES])
def test_the_database_itself_refuses_what_is_not_possible(where, column):
    database = Database(where, create=True)
    q = QUANTITIES.get(column)
    wrong = [-1 if q is None else q.high * 1.01]
    if not database.is_sqlite:  # which has no such numbers
        wrong += ["'NaN'", "'Infinity'"]
    for value in wrong:
        names, values = ("time_h", value) if q is None else (f"time_h, {column}", f"0, {value}")
        with pytest.raises(WriteRejected, match=f"ck_samples_{column}"), database.writing() as connection:
            connection.execute(text(f"INSERT INTO samples ({names}) VALUES ({values})"))


def test_a_database_without_its_rules_is_read_with_care(tmp_path):
    where = tmp_path / "lab.sqlite"
    database = Database(where, create=True)
    with database.writing() as connection:
        connection.execute(text("PRAGMA ignore_check_constraints = 1"))
        connection.execute(text("INSERT INTO samples (time_h, viability, bleed_rate) VALUES (24, 970, -1)"))
    with pytest.raises(UnreadableSource, match=r"sample at 24 h: viability = 970 % is not possible") as refused:
        SqlStore(where).describe()
    assert len(refused.value.problems) == 2


@pytest.mark.parametrize(
    "bad", [SqlSample(state=State(time_h=nan)), SqlSample(state=State(time_h=1), others={"x": inf})]
)
def test_what_cannot_be_kept_is_refused_before_anything_is_written(tmp_path, bad):
    with pytest.raises(OutOfRange):
        add_samples(tmp_path / "lab.sqlite", [SqlSample(state=State(time_h=0.0)), bad])
    assert read(tmp_path / "lab.sqlite") == []
