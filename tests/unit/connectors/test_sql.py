"""SqlStore: samples from a table, setpoints into a table, the same on SQLite and PostgreSQL."""

import asyncio
from math import nan

import pytest
from sqlalchemy import text

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.connectors.database.database import Database
from perfusio.connectors.database.samples import SqlSample, add_samples
from perfusio.connectors.sql import AWAY_SECONDS, SqlStore
from perfusio.errors import (
    ConfigError,
    EndOfRun,
    NotConnected,
    SampleOverdue,
    UnreadableSource,
    WriteRejected,
)
from perfusio.protocols import ConnectorKind
from perfusio.state import SETPOINTS, Setpoints, State
from perfusio.testing import ManualClock, make_state

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
OTHER = Setpoints.of(NOMINAL.vector() * 1.01)
ACKNOWLEDGE = ", ".join(f"acknowledged_{n} = asked_{n}" for n in SETPOINTS)


def execute(where, statement):
    with Database(where).writing() as connection:
        result = connection.execute(text(statement))
        return result.all() if result.returns_rows else result.rowcount


def days(*numbers, reactor="", run="", setpoints=None, **values):
    return [
        SqlSample(state=make_state(day=d, **values), setpoints=setpoints or Setpoints(), reactor=reactor, run=run)
        for d in numbers
    ]


class Passing:
    """A `sleep` during which things happen, in order; then nothing more does, and the test fails."""

    def __init__(self, *things):
        self.things, self.slept = list(things), []

    async def __call__(self, seconds):
        self.slept.append(seconds)
        assert self.things, "waited for something that never comes"
        thing = self.things.pop(0)
        if callable(thing):
            thing()
        await asyncio.sleep(0)


async def read_all(store):
    states = []
    while True:
        try:
            states.append(await store.read_sample())
        except EndOfRun:
            return states


class TestReplay:
    async def test_samples_in_order_of_time_with_what_was_in_force(self, where):
        add_samples(where, [*days(2), *days(0, 1, setpoints=NOMINAL)])
        store = SqlStore(where)
        assert (store.kind, store.confirms_at_once) == (ConnectorKind.REPLAY, False)
        assert repr(await store.read_setpoints()) == repr(Setpoints())
        assert (await store.read_sample()).day == 0
        assert await store.read_setpoints() == NOMINAL
        assert [s.day for s in await read_all(store)] == [1, 2]
        assert repr(await store.read_setpoints()) == repr(Setpoints())  # the last row does not say
        for _ in range(2):
            with pytest.raises(EndOfRun, match="no sample after its 3"):
                await store.read_sample()

    async def test_null_is_not_measured(self, where):
        Database(where, create=True).open()
        execute(where, "INSERT INTO samples (time_h, vcd) VALUES (0, 0.5)")
        store = SqlStore(where)
        state = await store.read_sample()
        assert state.measured() == {"vcd": 0.5}
        assert repr(await store.read_setpoints()) == repr(Setpoints())

    async def test_a_replay_goes_on_when_its_database_is_gone(self, tmp_path):
        where = tmp_path / "lab.sqlite"
        add_samples(where, days(0, 1, 2))
        store = SqlStore(where)
        await store.read_sample()
        where.unlink()
        with pytest.raises(NotConnected, match="unable to open"):
            await store.write_setpoints(NOMINAL)
        assert [s.day for s in await read_all(store)] == [1, 2]
        assert not where.exists()

    async def test_which_vessel(self, where):
        add_samples(where, [*days(0, reactor="R02"), *days(0, 1, reactor="R01"), *days(5, run="old", reactor="R01")])
        with pytest.raises(UnreadableSource, match=r"holds 3 vessels: run='', reactor='R01'.*\.vessels\(\)"):
            await SqlStore(where).read_sample()
        with pytest.raises(UnreadableSource, match=r"no samples of 'R03'\. Did you mean 'R0"):
            await SqlStore(where, reactor="R03").read_sample()
        assert [s.day for s in await read_all(SqlStore(where, run="old"))] == [5]
        vessels = SqlStore(where, run="").vessels()
        assert list(vessels) == ["R01", "R02"]
        assert [len(s) for s in await asyncio.gather(*map(read_all, vessels.values()))] == [2, 1]

    def test_who_chose_a_vessel_is_given_no_other(self, where):
        add_samples(where, [*days(0, reactor="R01"), *days(0, reactor="R02")])
        assert list(SqlStore(where, reactor="R02").vessels()) == ["R02"]
        assert list(SqlStore(where, reactor="R03", follow=True).vessels()) == ["R03"]  # its first row may come
        with pytest.raises(UnreadableSource, match="no samples that name a reactor"):
            SqlStore(where, reactor="R03").vessels()

    async def test_advice_is_written_once_and_changes_no_history(self, where):
        add_samples(where, days(0, 1, setpoints=NOMINAL))
        store = SqlStore(where, clock=ManualClock())
        with pytest.raises(WriteRejected, match="Read a sample first"):
            await store.write_setpoints(OTHER)
        await store.read_sample()
        for wanted in (OTHER, OTHER, NOMINAL, OTHER):
            assert await store.write_setpoints(wanted) == wanted
        again = SqlStore(where)  # as after a crash
        await again.read_sample()
        await again.write_setpoints(OTHER)
        assert await again.read_setpoints() == NOMINAL
        rows = execute(where, "SELECT key, status, asked_agitation, not_after, asked_at FROM setpoints ORDER BY key")
        assert [(r.key, r.status, r.asked_agitation) for r in rows] == [
            ("0.0:0", "advice", 858.5), ("0.0:1", "advice", 850.0), ("0.0:2", "advice", 858.5)
        ]  # fmt: skip
        assert {(r.not_after, r.asked_at) for r in rows} == {(None, "2026-01-05T08:00:00.000000Z")}

    async def test_what_can_never_be_written(self, where):
        add_samples(where, days(0))
        store = SqlStore(where)
        await store.read_sample()
        with pytest.raises(WriteRejected, match=r"bleed_rate = nan cannot be written.*Give all 6"):
            await store.write_setpoints(Setpoints.of(NOMINAL.vector() * [1, nan, 1, 1, 1, 1]))
        with pytest.raises(WriteRejected, match="temperature = 365 °C is not possible"):
            await store.write_setpoints(Setpoints.of(NOMINAL.vector() * [1, 1, 1, 10, 1, 1]))
        assert execute(where, "SELECT * FROM setpoints") == []

    def test_what_the_record_is_told(self, where):
        add_samples(where, days(0, 1, reactor="R01"))
        first, again = SqlStore(where).describe(), SqlStore(where).describe()
        assert (first["n_rows"], first["reactor"], first["kind"], first["follow"]) == (2, "R01", "replay", False)
        assert first == again
        execute(where, "UPDATE samples SET vcd = 3.25 WHERE time_h = 24")
        assert SqlStore(where).describe()["sha256"] != first["sha256"]

    def test_an_empty_database_says_what_it_lacks(self, where):
        Database(where, create=True).open()
        with pytest.raises(UnreadableSource, match=r"no samples yet.*follow=True"):
            SqlStore(where).describe()
        with pytest.raises(UnreadableSource, match="no samples that name a reactor"):
            SqlStore(where).vessels()

    def test_options_that_contradict_each_other(self, tmp_path):
        for options in ({"follow": False, "actuates": True}, {"poll_seconds": 0}, {"acknowledge_seconds": nan}):
            with pytest.raises(ConfigError, match=r"expected|Leave follow away"):
                SqlStore(tmp_path / "lab.sqlite", create=True, **options)


class TestFollow:
    async def test_the_next_row_is_waited_for(self, where):
        Database(where, create=True).open()
        sleep = Passing(None, lambda: add_samples(where, days(0)), None, lambda: add_samples(where, days(1, 2)))
        store = SqlStore(where, follow=True, sleep=sleep, poll_seconds=7.0)
        assert [(await store.read_sample()).day for _ in range(3)] == [0, 1, 2]
        assert sleep.slept == [7.0] * 4

    async def test_a_blank_that_is_filled_in_comes_as_a_late_value(self, where):
        add_samples(where, days(0, 1, titer=nan))
        store = SqlStore(where, follow=True, sleep=Passing(lambda: add_samples(where, days(0, titer=50.0))))
        await store.read_sample()
        await store.read_sample()
        late = await store.read_sample()
        assert (late.time_h, late.measured()) == (0.0, {"titer": 50.0})

    @pytest.mark.parametrize(
        ("statement", "message"),
        [
            ("UPDATE samples SET vcd = 9 WHERE time_h = 0", "vcd of the sample at 0 h was 20 .* when it was read .* 9"),
            ("UPDATE samples SET vcd = NULL WHERE time_h = 0", "vcd of the sample at 0 h was .* and is now empty"),
            ("DELETE FROM samples WHERE time_h = 24", "sample at 24 h, which was read, has vanished"),
        ],
    )
    async def test_what_was_read_may_not_change(self, where, statement, message):
        add_samples(where, days(0, 1))
        store = SqlStore(where, follow=True, sleep=Passing(lambda: execute(where, statement)))
        await store.read_sample()
        await store.read_sample()
        with pytest.raises(UnreadableSource, match=message):
            await store.read_sample()

    async def test_a_row_that_does_not_come(self, where):
        add_samples(where, days(0))
        store = SqlStore(where, follow=True, timeout_seconds=10.0, poll_seconds=5.0, sleep=Passing(None, None))
        await store.read_sample()
        with pytest.raises(SampleOverdue, match=r"no new sample within 10 s, after 1 so far \(the last at 0 h\)"):
            await store.read_sample()

    async def test_a_corrected_value_comes_with_its_row_and_a_row_put_in_between_comes_too(self, where):
        add_samples(where, days(0, 1, 2))
        corrects = "UPDATE samples SET vcd = 9 WHERE time_h = 24"
        puts_in = "INSERT INTO samples (time_h, vcd) VALUES (12, 3)"
        store = SqlStore(
            where, follow=True, sleep=Passing(lambda: execute(where, corrects), lambda: execute(where, puts_in))
        )
        for _ in range(3):
            await store.read_sample()
        correction, between = await store.read_sample(), await store.read_sample()
        assert (correction.time_h, correction.vcd, correction.glucose) == (24.0, 9.0, 3.5)
        assert (between.time_h, between.measured()) == (12.0, {"vcd": 3.0})

    async def test_a_database_that_goes_away_is_told_and_read_on_when_it_is_back(self, tmp_path):
        where, aside = tmp_path / "lab.sqlite", tmp_path / "aside"
        add_samples(where, days(0))
        sleep = Passing(*6 * [None], lambda: aside.rename(where), lambda: add_samples(where, days(1)))
        store = SqlStore(where, follow=True, sleep=sleep)
        assert (await store.read_sample()).day == 0
        where.rename(aside)
        with pytest.raises(NotConnected, match="cannot be used now"):
            await store.read_sample()
        assert sum(sleep.slept) == AWAY_SECONDS
        assert (await store.read_sample()).day == 1, "who is away for less is not missed"

    @pytest.mark.parametrize(
        "damage",
        [
            lambda path: path.write_bytes(b"no database" * 400),
            lambda path: path.write_bytes(path.read_bytes()[:1000]),
            lambda path: path.write_bytes(b""),
            lambda path: (path.unlink(), path.mkdir()),
            lambda path: execute(path, "DROP TABLE samples"),
            lambda path: execute(path, "ALTER TABLE samples RENAME COLUMN vcd TO xv"),
        ],
        ids=["foreign", "cut", "empty", "folder", "no table", "no column"],
    )
    async def test_a_damaged_database_is_told_in_words_and_read_on_when_it_is_repaired(self, tmp_path, damage):
        where = tmp_path / "lab.sqlite"
        add_samples(where, days(0, 1))
        whole = where.read_bytes()
        store = SqlStore(where, follow=True, sleep=Passing(*12 * [None]))
        assert (await store.read_sample()).day == 0
        assert (await store.read_sample()).day == 1
        damage(where)
        for _ in range(2):
            with pytest.raises((NotConnected, UnreadableSource)) as told:
                await store.read_sample()
            assert told.value.__cause__ is not None
        if where.is_dir():
            where.rmdir()
        where.write_bytes(whole)
        add_samples(where, days(2))
        assert (await store.read_sample()).day == 2

    async def test_a_look_at_a_long_history_reads_its_latest_rows_and_still_finds_a_change_far_back(self, where):
        n = 2300
        add_samples(where, [SqlSample(state=make_state(time_h=h, titer=nan)) for h in range(n)])
        looks = 0

        async def looked(seconds):
            nonlocal looks
            looks += 1

        store = SqlStore(where, follow=True, sleep=looked)
        for _ in range(n):
            await store.read_sample()
        execute(where, "UPDATE samples SET titer = 55 WHERE time_h = 3")
        assert (await store.read_sample()).measured() == {"titer": 55.0}
        assert looks <= 3


class TestController:
    """`actuates=True`: requests that a controller acknowledges."""

    def store(self, where, *things, **options):
        return SqlStore(where, actuates=True, clock=ManualClock(), sleep=Passing(*things), **options)

    @staticmethod
    def answer(where, taken=ACKNOWLEDGE):
        return lambda: execute(where, f"UPDATE setpoints SET status = 'acknowledged', {taken} WHERE status = 'asked'")

    async def test_acknowledged_is_in_force_until_a_later_sample_says_otherwise(self, where):
        add_samples(where, days(0, 1, setpoints=NOMINAL))
        store = self.store(where, None, self.answer(where))
        assert store.kind is ConnectorKind.HARDWARE
        await store.read_sample()
        assert await store.read_setpoints() == NOMINAL
        assert await store.write_setpoints(OTHER) == OTHER
        assert await store.read_setpoints() == OTHER
        await store.read_sample()
        assert await store.read_setpoints() == NOMINAL  # somebody at the vessel

    async def test_what_the_controller_really_took_is_returned(self, where):
        add_samples(where, days(0))
        store = self.store(where, self.answer(where, ACKNOWLEDGE.replace("asked_agitation", "900")))
        await store.read_sample()
        assert (await store.write_setpoints(OTHER)).agitation == 900.0

    async def test_nobody_answers_so_the_request_is_withdrawn(self, where):
        add_samples(where, days(0))
        store = self.store(where, None, None, None, acknowledge_seconds=2.5)
        await store.read_sample()
        with pytest.raises(
            NotConnected, match=r"No controller acknowledged .* within 2.5 s; the request was withdrawn"
        ):
            await store.write_setpoints(OTHER)
        ((status, not_after),) = execute(where, "SELECT status, not_after FROM setpoints")
        assert (status, not_after) == ("withdrawn", "2026-01-05T08:00:02.500000Z")
        assert self.answer(where)() == 0  # too late: the controller finds nothing to do
        assert repr(await store.read_setpoints()) == repr(Setpoints())

    async def test_an_answer_in_the_last_moment_counts(self, where, monkeypatch):
        add_samples(where, days(0))
        store = self.store(where, None, acknowledge_seconds=1.0)
        await store.read_sample()
        given_up = store._controller._given_up

        async def answered_first(request):
            self.answer(where)()
            return await given_up(request)

        monkeypatch.setattr(store._controller, "_given_up", answered_first)
        assert await store.write_setpoints(OTHER) == OTHER

    async def test_the_same_request_after_a_crash_is_acted_on_once(self, where):
        add_samples(where, days(0))
        for _ in range(2):
            store = self.store(where, self.answer(where))
            await store.read_sample()
            assert await store.write_setpoints(OTHER) == OTHER
        assert execute(where, "SELECT count(*) FROM setpoints") == [(1,)]

    async def test_a_request_that_a_crash_left_open_is_taken_up(self, where):
        add_samples(where, days(0))
        left = self.store(where)  # the first wait never ends
        await left.read_sample()
        with pytest.raises(AssertionError, match="never comes"):
            await left.write_setpoints(OTHER)
        store = self.store(where, self.answer(where))
        await store.read_sample()
        assert await store.write_setpoints(OTHER) == OTHER
        assert execute(where, "SELECT count(*) FROM setpoints") == [(1,)]

    async def test_somebody_withdraws_it(self, where):
        add_samples(where, days(0))
        store = self.store(where, lambda: execute(where, "UPDATE setpoints SET status = 'withdrawn'"))
        await store.read_sample()
        with pytest.raises(WriteRejected, match="withdrawn by somebody else"):
            await store.write_setpoints(OTHER)

    async def test_what_somebody_else_put_into_the_table_is_no_exception_of_a_driver(self, where):
        add_samples(where, days(0, reactor="R01"))
        store = self.store(where)
        await store.read_sample()
        names = ", ".join(f"asked_{n}" for n in SETPOINTS)
        values = ", ".join(["1"] * 3 + ["36"] + ["1"] * 2)
        execute(
            where,
            f"INSERT INTO setpoints (origin, run, reactor, key, time_h, status, asked_at, {names}) "
            f"VALUES ('source', '', 'R01', 'by hand', 0, 'acknowledged', '', {values})",
        )
        with pytest.raises((UnreadableSource, NotConnected), match=r"read|write") as told:
            await store.write_setpoints(OTHER)
        assert isinstance(told.value.__cause__, ValueError)

    async def test_vessels_do_not_answer_for_each_other(self, where):
        add_samples(where, [*days(0, reactor="R01"), *days(0, reactor="R02")])
        vessels = self.store(where, self.answer(where)).vessels()
        for store in vessels.values():
            await store.read_sample()
        assert await vessels["R01"].write_setpoints(OTHER) == OTHER
        assert repr(await vessels["R02"].read_setpoints()) == repr(Setpoints())


def test_a_state_of_the_lab_and_one_of_a_record_do_not_meet(where):
    add_samples(where, [SqlSample(state=State(time_h=0.0, vcd=1.0))])
    execute(where, "INSERT INTO samples (origin, run, time_h, vcd) VALUES ('record', '', 24, 2.0)")
    assert len(asyncio.run(read_all(SqlStore(where)))) == 1
