"""The record of a run in a database: an index that equals what the file makes of it, whatever happened meanwhile."""

import json
from dataclasses import replace
from math import nan

import numpy as np
import pytest
from sqlalchemy import MetaData, create_engine, select, text

from perfusio.cli.record.export import recorded
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode, RunConfig
from perfusio.connectors.database.database import Database
from perfusio.connectors.database.record_index import SqlRecord
from perfusio.connectors.database.schema import (
    VERSION_TABLE,
    decisions,
    events,
    forecasts,
    metadata,
    samples,
    setpoints,
)
from perfusio.errors import ChainBroken, UnreadableSource
from perfusio.events import (
    Decided,
    Forecasted,
    RunEnded,
    RunStarted,
    SampleAccepted,
    SampleCorrected,
    SampleQuarantined,
    SampleRead,
    SetpointsWritten,
    WriteIntended,
    WriteUnknown,
)
from perfusio.forecast import Forecast
from perfusio.record.apply_event import folded
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.mirror import Mirror, copy_record, read
from perfusio.record.verification.verify import read_records
from perfusio.report.story.run_story import story_of
from perfusio.state import QUANTITIES, SPECIES, STATE_QUANTITIES, Setpoints, State
from perfusio.testing import ManualClock, make_state
from perfusio.twin.loop import first_records

A, B = (Setpoints(perfusion_rate=1.0 + d, temperature=36.0, bleed_rate=0.1) for d in (0.0, 0.2))
RUN = "20260105T080000Z-test"


def forecast():
    return Forecast.from_samples(np.array([48.0, 72.0]), np.ones((4, 2, len(SPECIES)))).to_json()


def a_run():
    """Events of three turns: a late value, an unknown write, a character that PostgreSQL cannot keep."""
    head = {"reactor": "R01", "turn": 0, "culture_day": 0.0}
    yield RunStarted(config={"run": {}}, versions={}, sources={})
    yield SampleRead(**head, state=make_state(day=0, titer=nan, quality={"vcd": "diluted"}), in_force=A)
    why = {"text": "Because."}
    fields = {"chosen": forecast(), "hold": forecast(), "why": why, "acquisition": "LogEI", "model_id": "m1"}
    yield Decided(**head, key="k0", setpoints=B, score=nan, reason="µ \0 'quoted'; DROP TABLE events", **fields)
    yield WriteIntended(**head, key="k0", old=A, new=B)
    yield SetpointsWritten(**head, key="k0", asked=B, acknowledged=B)
    head = {"reactor": "R01", "turn": 1, "culture_day": 1.0}
    yield SampleRead(**head, state=make_state(day=1), in_force=B)
    yield SampleRead(**head, state=State(time_h=0.0, titer=7.0), in_force=B, extra=True)
    yield WriteIntended(**head, key="k1", old=B, new=A)
    yield WriteUnknown(**head, key="k1", asked=A, read_back=None)
    yield Forecasted(reactor="R02", turn=2, hold=forecast(), model_id="m1")
    yield RunEnded(outcome="COMPLETED", n_samples=2, n_decisions=1)


@pytest.fixture
def audit(tmp_path):
    path = tmp_path / "run" / "audit.jsonl"
    with AuditLogger(path, run_id=RUN, clock=ManualClock()) as logger:
        for event in a_run():
            logger.append(event)
    return path


def content(where):
    """Every row of every table."""
    with Database(where).reading() as connection:
        tables = [*(t for t in metadata.sorted_tables if t.name != "quantities"), forecasts]
        return {t.name: sorted(map(repr, connection.execute(select(t)).all())) for t in tables}


def rows(where, table):
    with Database(where).reading() as connection:
        query = select(table).order_by(*table.primary_key.columns)
        return [dict(row) for row in connection.execute(query).mappings()]


def test_the_tables_say_what_the_record_says(where, audit):
    assert copy_record(audit, SqlRecord(where)) == 11
    assert [f"{line}\n" for line in SqlRecord(where).lines(RUN)] == audit.read_text().splitlines(keepends=True)
    first, second = rows(where, samples)
    assert (first["origin"], first["run"], first["vcd"], first["titer"]) == ("record", RUN, 20.0, 7.0)
    assert (first["quality"], second["time_h"]) == ({"vcd": "diluted"}, 24.0)
    assert (first["perfusion_rate"], second["perfusion_rate"]) == (1.2, None)  # in force from then to the next
    (decision,) = rows(where, decisions)
    assert (decision["key"], decision["perfusion_rate"], decision["agitation"]) == ("k0", 1.2, None)
    assert (decision["score"], decision["time_h"], decision["turn"]) == (None, 0.0, 0)
    assert decision["reason"] == "µ \N{REPLACEMENT CHARACTER} 'quoted'; DROP TABLE events"
    done, unknown = rows(where, setpoints)
    assert (done["status"], done["asked_perfusion_rate"], done["acknowledged_perfusion_rate"]) == (
        "acknowledged",
        1.2,
        1.2,
    )
    assert (unknown["status"], unknown["asked_perfusion_rate"], unknown["acknowledged_perfusion_rate"]) == (
        "unknown",
        1,
        None,
    )
    assert (done["time_h"], unknown["time_h"]) == (0.0, 24.0)
    expected = rows(where, forecasts)
    assert len(expected) == 3 * 2 * len(SPECIES)
    assert {(r["reactor"], r["plan"]) for r in expected} == {("R01", "hold"), ("R01", "chosen"), ("R02", "hold")}
    assert {(r["mean"], r["sd"], r["q95"]) for r in expected} == {(1.0, 0.0, 1.0)}
    assert [json.loads(r["record"])["event"] for r in rows(where, events)] == [r["event"] for r in rows(where, events)]


def test_forecasts_are_those_of_the_lines_number_by_number(where, tmp_path):
    path = tmp_path / "run" / "audit.jsonl"
    paths = np.random.default_rng(0).random((4, 2, len(SPECIES)))
    paths[:, 1, 0] = nan
    plan = Forecast.from_samples(np.array([48.0, 72.0]), paths).to_json()
    with AuditLogger(path, run_id=RUN, clock=ManualClock()) as logger:
        logger.append(RunStarted(config={"run": {}}, versions={}, sources={}))
        logger.append(Forecasted(reactor="R02", turn=2, hold=plan, model_id="m1"))
    copy_record(path, SqlRecord(where))
    series = ("time_h", "mean", "sd", "q05", "q10", "q90", "q95")
    found = {(r["plan"], r["quantity"], *map(r.get, series)) for r in rows(where, forecasts)}
    _, record = read_records(path)
    said = record.payload["hold"]
    assert found == {
        ("hold", q, *values)
        for q in said["mean"]
        for values in zip(said["times_h"], *(said[name][q] for name in series[1:]), strict=True)
    }
    assert None in {mean for _, _, _, mean, *_ in found}


def test_both_kinds_of_database_hold_the_same(tmp_path, postgres_url, audit):
    places = (str(tmp_path / "a.sqlite"), postgres_url)
    for where in places:
        copy_record(audit, SqlRecord(where))
    assert content(places[0]) == content(places[1])


def test_twice_is_once_and_rebuilt_is_equal(where, audit):
    index = SqlRecord(where)
    copy_record(audit, index)
    before = content(where)
    assert copy_record(audit, index) == 0
    assert content(where) == before
    with Database(where).writing() as connection:  # somebody meddled
        connection.execute(decisions.update().values(turn=9))
        connection.execute(samples.insert().values(origin="record", run=RUN, reactor="R09", time_h=1.0))
        connection.execute(samples.insert().values(origin="source", run=RUN, reactor="R09", time_h=1.0))
    assert copy_record(audit, index, rebuild=True) == 11
    theirs = [row for row in content(where)["samples"] if "'source'" in row]
    assert len(theirs) == 1  # rows of the lab are not the mirror's to touch
    assert content(where) == {**before, "samples": sorted([*before["samples"], *theirs])}


def test_every_way_of_coming_in_pieces_ends_equal(tmp_path, audit):
    lines = [*map(read, audit.read_text().splitlines())]
    whole = tmp_path / "whole.sqlite"
    copy_record(audit, SqlRecord(whole))
    for n in range(1, len(lines)):
        where = tmp_path / f"{n}.sqlite"
        index = SqlRecord(where)
        assert index.add(lines[:n]) == n
        assert index.last(RUN) == (n, lines[n - 1][0].hash)
        assert index.add(lines[max(0, n - 2) :]) == len(lines) - n
        assert content(where) == content(whole)


def test_a_failure_half_way_keeps_nothing_of_its_lines(where, audit):
    lines = [*map(read, audit.read_text().splitlines())]
    index = SqlRecord(where)
    with pytest.raises(UnreadableSource, match="they part at record 4"):
        index.add([*lines[:2], lines[3]])
    assert index.last(RUN) == (0, "")
    assert all(not found for found in content(where).values())


def test_another_record_of_the_same_run_is_refused(where, audit, tmp_path):
    index = SqlRecord(where)
    index.add([*map(read, audit.read_text().splitlines()[:3])])
    other = tmp_path / "other" / "audit.jsonl"
    clock = ManualClock()
    clock.advance(seconds=1)
    with AuditLogger(other, run_id=RUN, clock=clock) as logger:
        for event in a_run():
            logger.append(event)
    before = content(where)
    with pytest.raises(UnreadableSource, match=r"another record of run .*--rebuild"):
        copy_record(other, index)
    assert content(where) == before
    copy_record(other, index, rebuild=True)
    assert index.last(RUN)[0] == 11


def test_a_cut_tail_shows_against_the_mirror(where, audit):
    index = SqlRecord(where)
    copy_record(audit, index)
    lines = audit.read_bytes().splitlines(keepends=True)
    audit.write_bytes(b"".join(lines[:-2]))
    with pytest.raises(ChainBroken, match=r"ends with record 9, but 11 records .* were mirrored"):
        copy_record(audit, index)


def test_a_changed_line_is_not_copied(where, audit):
    lines = audit.read_bytes().splitlines(keepends=True)
    audit.write_bytes(b"".join([*lines[:5], lines[5].replace(b"20.0", b"21.0"), *lines[6:]]))
    with pytest.raises(ChainBroken, match="line 6"):
        copy_record(audit, SqlRecord(where))


def test_two_runs_in_one_database_do_not_touch_each_other(where, audit, tmp_path):
    index = SqlRecord(where)
    copy_record(audit, index)
    before = content(where)
    other = tmp_path / "other" / "audit.jsonl"
    with AuditLogger(other, run_id="another", clock=ManualClock()) as logger:
        for event in a_run():
            logger.append(event)
    copy_record(other, index)
    assert {name: len(found) for name, found in content(where).items()} == {n: 2 * len(f) for n, f in before.items()}
    index.forget("another")
    assert content(where) == before


def test_a_mirror_follows_a_record_and_never_shows_in_it(where, tmp_path):
    path = tmp_path / "run" / "audit.jsonl"
    with Mirror(path, SqlRecord(where)) as mirror, AuditLogger(path, run_id=RUN, clock=ManualClock()) as logger:
        for event in a_run():
            logger.append(event)
            mirror(event)
    assert (mirror.trouble, mirror.n_mirrored, mirror.is_finished) == ("", 11, True)
    again = tmp_path / "again.sqlite"
    copy_record(path, SqlRecord(again))
    assert content(where) == content(again)


def test_a_mirror_takes_up_whole_lines_only(tmp_path, audit):
    data = audit.read_bytes()
    growing = tmp_path / "growing.jsonl"
    mirror = Mirror(growing, SqlRecord(tmp_path / "lab.sqlite"))
    for size in (*range(0, len(data), 997), len(data)):
        growing.write_bytes(data[:size])
        mirror.catch_up()
        assert mirror.n_mirrored == data[:size].count(b"\n")
    assert mirror.is_finished


def test_what_a_server_missed_while_it_was_dead_comes_later(postgres, postgres_url, tmp_path):
    if postgres.programs is None:
        pytest.skip("the server of PERFUSIO_TEST_PG_URL is not ours to kill")
    path, told = tmp_path / "run" / "audit.jsonl", []
    mirror = Mirror(path, SqlRecord(postgres_url), first_pause_s=0.01, on_trouble=told.append)
    with mirror, AuditLogger(path, run_id=RUN, clock=ManualClock()) as logger:
        for i, event in enumerate(a_run()):
            if i == 4:
                wait_until(lambda: mirror.n_mirrored == 4)
                postgres.kill()
            logger.append(event)
            mirror(event)
            if i == 7:
                wait_until(lambda: mirror.trouble)
                postgres.start()
    assert (mirror.trouble, mirror.n_mirrored) == ("", 11)
    assert "cannot be used now" in told[0]
    again = tmp_path / "again.sqlite"
    copy_record(path, SqlRecord(again))
    assert content(postgres_url) == content(again)


def test_an_index_that_stays_away_costs_the_run_nothing(tmp_path):
    class Away:
        def add(self, lines):
            raise OSError("no such disk")

    path = tmp_path / "audit.jsonl"
    with Mirror(path, Away()) as mirror, AuditLogger(path, run_id=RUN, clock=ManualClock()) as logger:
        for event in a_run():
            logger.append(event)
            mirror(event)
    assert mirror.trouble == "OSError: no such disk"
    assert copy_record(path, SqlRecord(tmp_path / "lab.sqlite")) == 11  # nothing is lost


def test_a_corrected_and_an_accepted_sample_read_in_every_room_as_in_the_twin(where, tmp_path):
    """Twin, mirror, export and figure fold the record with one function (design: one fact, one room)."""
    path = tmp_path / "run" / "audit.jsonl"
    with AuditLogger(path, run_id=RUN, clock=ManualClock()) as logger:
        for event in a_corrected_run():
            logger.append(event)
    index = SqlRecord(where)
    copy_record(path, index)
    run_state = folded((r.to_event() for r in read_records(path)), RUN)
    known = run_state.trajectories["R01"]
    assert [s.glucose for s in known.states] == [4.0, 2.5, 3.0, 4.0]
    mirrored = rows(where, samples)
    for name in QUANTITIES:
        if name in STATE_QUANTITIES:
            expected = [getattr(s, name) for s in known.states]
        else:
            expected = [*(getattr(u, name) for u in known.setpoints), nan]
        assert [row[name] for row in mirrored] == [None if v != v else v for v in expected], name
    assert [row["quality"] for row in mirrored] == [dict(s.quality) for s in known.states]
    assert [row.state for row in recorded(path).rows] == list(known.states)
    assert story_of(path).vessels["R01"].known == known
    before = content(where)
    copy_record(path, index, rebuild=True)
    assert content(where) == before


def a_corrected_run():
    """Day 1 is corrected and completed, day 2 was quarantined and is accepted late, a write came between."""
    at = {"reactor": "R01"}
    space = DEFAULT_AMBR250_DESIGN_SPACE
    sources = {"R01": {"kind": "hardware", "clone": "CloneX"}}
    yield first_records.started(RunConfig(duration_days=3), space, {"R01": Mode.AUTOMATIC}, sources)
    yield SampleRead(**at, turn=0, state=make_state(day=0, glucose=4.0), in_force=space.nominal)
    first = replace(make_state(day=1, glucose=4.0, titer=nan), quality={"glucose": "diluted"})
    yield SampleRead(**at, turn=1, state=first, in_force=space.nominal)
    faster = replace(space.nominal, perfusion_rate=1.2)
    yield WriteIntended(**at, turn=1, key="k1", old=space.nominal, new=faster)
    yield SetpointsWritten(**at, turn=1, key="k1", asked=faster, acknowledged=faster)
    yield SampleQuarantined(**at, turn=2, state=make_state(day=2, glucose=3.0))
    yield SampleCorrected(**at, turn=2, state=make_state(day=1, glucose=2.5, titer=nan), corrects=3)
    yield SampleRead(**at, turn=3, state=make_state(day=3, glucose=4.0), in_force=faster)
    yield SampleRead(**at, turn=3, state=State(time_h=24.0, titer=410.0, glucose=9.9), in_force=faster, extra=True)
    yield SampleAccepted(**at, turn=3, state=make_state(day=2, glucose=3.0), who="AB")
    yield Forecasted(**at, turn=3, hold=forecast(), model_id="m1")


@pytest.mark.parametrize("revision", ["r0001", "r0002"])
def test_an_older_mirror_says_after_its_upgrade_what_the_twin_knows(where, tmp_path, revision):
    path = tmp_path / "run" / "audit.jsonl"
    with AuditLogger(path, run_id=RUN, clock=ManualClock()) as logger:
        for event in a_corrected_run():
            logger.append(event)
    copy_record(path, SqlRecord(where))
    new = content(where)
    with Database(where).writing() as connection:  # as a perfusio without the one fold left it
        day = (samples.c.time_h == 24.0) & (samples.c.origin == "record")
        connection.execute(samples.update().where(day).values(glucose=4.0))
        connection.execute(samples.delete().where(samples.c.time_h == 48.0))
    back_to(where, revision)
    with Database(where).reading():
        pass
    assert content(where) == new


def wait_until(is_so):
    """Give a thread the time it needs; a test that waits for ever is ended by its time limit."""
    import time

    while not is_so():
        time.sleep(0.005)


def test_a_database_of_the_first_revision_is_upgraded_to_what_a_new_one_holds(where, audit):
    copy_record(audit, SqlRecord(where))
    new = content(where)
    back_to(where, "r0001")
    assert copy_record(audit, SqlRecord(where)) == 0
    assert content(where) == new
    ages = {row["culture_day"] for table in (events, forecasts, decisions) for row in rows(where, table)}
    assert ages == {None, 0.0, 1.0}


def back_to(where, revision):
    """Make a database as it was at an earlier revision."""
    more = ("samples", "more"), ("setpoints", "asked_more"), ("setpoints", "acknowledged_more"), ("decisions", "more")
    url = where.replace("postgresql:", "postgresql+psycopg:") if "://" in where else f"sqlite:///{where}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP VIEW forecasts"))
        forecasts.to_metadata(MetaData()).create(connection)
        for table, column in more:
            connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        for table in ("events", "decisions", "forecasts") if revision == "r0001" else ():
            connection.execute(text(f"ALTER TABLE {table} DROP COLUMN culture_day"))
            connection.execute(text(f"ALTER TABLE {table} RENAME COLUMN turn TO day"))
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{revision}'"))
    engine.dispose()
