"""A twin whose samples, setpoints and mirror are in one database, which dies in the middle of the run."""

import asyncio
from itertools import count

import pytest
from sqlalchemy import select

from perfusio.connectors.database.database import Database
from perfusio.connectors.database.record_index import SqlRecord
from perfusio.connectors.database.samples import SqlSample, add_samples
from perfusio.connectors.database.schema import metadata, setpoints
from perfusio.connectors.sql import SqlStore
from perfusio.record.mirror import Mirror, copy_record
from perfusio.testing import make_state


def content(where):
    with Database(where).reading() as connection:
        tables = (t for t in metadata.sorted_tables if t.name != "quantities")
        queries = {t.name: select(t).where(t.c.origin == "record") if "origin" in t.c else select(t) for t in tables}
        return {name: sorted(map(repr, connection.execute(query).all())) for name, query in queries.items()}


async def test_nothing_is_lost_and_the_twin_goes_on(postgres, postgres_url, run_twin, tmp_path):
    if postgres.programs is None:
        pytest.skip("the server of PERFUSIO_TEST_PG_URL is not ours to kill")
    reactors = ("R01", "R02")
    is_dead, n_read = False, 0

    def put_in(day):
        add_samples(postgres_url, [SqlSample(state=make_state(day=day), reactor=name) for name in reactors])

    async def time_passes(seconds):
        """A dead server comes back; the lab takes its next sample when that of each vessel was taken in."""
        nonlocal is_dead, n_read
        if is_dead:
            postgres.start()
            is_dead = False
        if n_read == len(reactors):
            n_read = 0
            put_in(next(days))
        await asyncio.sleep(0.01)

    def watch(event):
        """Kill the server when the second day's decision is on record, before its write."""
        nonlocal is_dead, n_read
        n_read += type(event).__name__ == "SampleRead"
        if type(event).__name__ == "WriteIntended" and event.turn == 1 and event.reactor == "R01":
            postgres.kill()
            is_dead = True

    days = count()
    put_in(next(days))
    path = tmp_path / "audit.jsonl"
    vessels = SqlStore(postgres_url, follow=True, sleep=time_passes).vessels()
    with Mirror(path, SqlRecord(postgres_url), first_pause_s=0.01) as mirror:
        run = await run_twin(vessels, days=4, observers=(watch, mirror))

    assert run.counts == ("COMPLETED", 10, 8)
    assert [e.turn for e in run.of("SampleRead", reactor="R02") if not e.extra] == [0, 1, 2, 3, 4]
    unknown = [e for e in run.of("WriteUnknown") if e.read_back is None]
    assert {(e.reactor, e.turn) for e in unknown} == {("R01", 1), ("R02", 1)}
    assert len(run.of("SetpointsWritten")) == 6
    with Database(postgres_url).reading() as connection:
        advice = connection.execute(
            select(setpoints.c.reactor, setpoints.c.time_h).where(setpoints.c.origin == "source")
        )
        assert sorted(map(tuple, advice)) == [(r, 24.0 * d) for r in reactors for d in (0, 2, 3)]
    assert mirror.trouble == ""
    again = tmp_path / "again.sqlite"
    copy_record(path, SqlRecord(again))
    assert content(postgres_url) == content(again)
