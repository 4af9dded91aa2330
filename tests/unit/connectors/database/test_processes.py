"""Quantities that a process declares stand in one JSON column: samples, setpoints and the mirror of a record."""

import json
from math import nan

import pytest
from sqlalchemy import text

from perfusio.config import DesignSpace, Mode, RunConfig
from perfusio.connectors.database.database import Database
from perfusio.connectors.database.record_index import SqlRecord
from perfusio.connectors.database.samples import SqlSample, add_samples
from perfusio.connectors.sql import SqlStore
from perfusio.errors import EndOfRun, OutOfRange, UnreadableSource
from perfusio.events import SampleCorrected, SampleRead, SetpointsWritten, WriteIntended
from perfusio.process import CHO_PERFUSION, Setpoint, Species
from perfusio.process.facts import Allowed
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.mirror import copy_record, read
from perfusio.state import Setpoints, State
from perfusio.testing import ManualClock, make_state
from perfusio.twin.loop import first_records

PANEL = CHO_PERFUSION.without("pyruvate", "pyruvate_feed").with_(
    Species("asparagine", unit="mmol/L", role="solute", low=0, high=60),
    Setpoint("ph", unit="pH", role="condition", low=6.0, high=8.0,
             allowed=Allowed(low=6.8, high=7.2, nominal=7.0, max_step=0.1)),
    name="with asparagine",
)  # fmt: skip
SPACE = DesignSpace.of(PANEL)
ASKED = SPACE.nominal.with_values(ph=7.1, perfusion_rate=1.2)


def sample(day, **values):
    known = {"vcd": 10.0 + day, "viability": 97.0, "glucose": 4.0, "asparagine": 6.0 - day, "ph_measured": 7.02}
    return State.of_values(PANEL, 24.0 * day, {**known, **values})


def ask(where, query):
    with Database(where).reading() as connection:
        return connection.execute(text(query)).all()


def more(where, table, column="more"):
    """As Python sees it: SQLite gives the text of a document."""
    rows = ask(where, f"SELECT {column} FROM {table} ORDER BY time_h")
    return [json.loads(row[0]) if isinstance(row[0], str) else row[0] for row in rows]


async def samples_of(store):
    found = []
    try:
        while True:
            found.append(await store.read_sample())
    except EndOfRun:
        return found


async def test_samples_come_back_as_they_went_in(where):
    rows = [SqlSample(state=sample(d), setpoints=SPACE.nominal) for d in (0, 1)]
    assert add_samples(where, rows) == 2
    store = SqlStore(where, panel=PANEL)
    read = await samples_of(store)
    assert [s.measured() for s in read] == [row.state.measured() for row in rows]
    assert (await store.read_setpoints()).by_name() == SPACE.nominal.by_name()
    assert more(where, "samples") == [{"asparagine": 6.0 - d, "ph_measured": 7.02, "ph": 7.0} for d in (0, 1)]
    ((unit,),) = ask(where, "SELECT unit FROM quantities WHERE name = 'asparagine'")
    assert unit == "mmol/L"


def test_twice_is_once_blanks_are_filled_and_differences_refused(where):
    add_samples(where, [SqlSample(state=sample(0, asparagine=nan))])
    assert add_samples(where, [SqlSample(state=sample(0))]) == 0
    assert more(where, "samples")[0]["asparagine"] == 6.0
    with pytest.raises(UnreadableSource, match="asparagine of the sample at 0 h of the vessel is 6 mmol/L there and 5"):
        add_samples(where, [SqlSample(state=sample(0, asparagine=5.0))])
    with pytest.raises(OutOfRange, match="ph_measured = 71"):
        add_samples(where, [SqlSample(state=sample(1, ph_measured=71.0))])


async def test_a_row_of_the_lab_is_read_and_checked(where):
    add_samples(where, [SqlSample(state=sample(0))])
    columns = "origin, run, reactor, time_h, clone, quality, others, vcd, more"
    with Database(where).writing() as connection:
        for hour, value in ((24, "5.5"), (48, "555")):
            values = f"'source', '', '', {hour}, '', '{{}}', '{{}}', 12, '{{\"asparagine\": {value}}}'"
            connection.execute(text(f"INSERT INTO samples ({columns}) VALUES ({values})".replace(":", "\\:")))
    with pytest.raises(UnreadableSource, match="asparagine = 555"):
        await SqlStore(where, panel=PANEL).read_sample()
    with Database(where).writing() as connection:
        connection.execute(text("DELETE FROM samples WHERE time_h = 48"))
    assert [s.asparagine for s in await samples_of(SqlStore(where, panel=PANEL))] == [6.0, 5.5]


async def test_a_correction_of_a_declared_quantity_in_old_rows_is_seen(where):
    add_samples(where, [SqlSample(state=sample(d / 24, asparagine=3.0)) for d in range(260)])
    store = SqlStore(where, panel=PANEL, follow=True, timeout_seconds=0.01, poll_seconds=0.001)
    for _ in range(260):
        await store.read_sample()
    with Database(where).writing() as connection:
        connection.execute(
            text('UPDATE samples SET more = \'{"asparagine"\\: 2.0, "ph_measured"\\: 7.02}\' WHERE time_h = 3')
        )
    assert (await store.read_sample()).asparagine == 2.0


def test_another_unit_of_the_same_name_is_refused(where):
    add_samples(where, [SqlSample(state=sample(0))])
    other = CHO_PERFUSION.with_(Species("asparagine", unit="g/L", role="solute"))
    with pytest.raises(UnreadableSource, match="asparagine is in mmol/L there and in g/L in"):
        add_samples(where, [SqlSample(state=State.of_values(other, 24.0, {"vcd": 1.0}))])
    titer = CHO_PERFUSION.with_(Species("titer", unit="g/L", role="product"))
    with pytest.raises(UnreadableSource, match="titer is in mg/L there and in g/L"):
        add_samples(where, [SqlSample(state=State.of_values(titer, 24.0, {"vcd": 1.0}))])


async def test_a_controller_acknowledges_declared_setpoints(where):
    add_samples(where, [SqlSample(state=sample(0), setpoints=SPACE.nominal)])

    async def controller(_):
        names = [n for n in PANEL.setpoint_names if n in CHO_PERFUSION.by_name]
        taken = ", ".join(f"acknowledged_{n} = asked_{n}" for n in (*names, "more"))
        with Database(where).writing() as connection:
            connection.execute(text(f"UPDATE setpoints SET status = 'acknowledged', {taken} WHERE status = 'asked'"))

    store = SqlStore(where, panel=PANEL, actuates=True, clock=ManualClock(), sleep=controller)
    await store.read_sample()
    assert (await store.write_setpoints(ASKED)).by_name() == ASKED.by_name()
    assert (await store.read_setpoints()).ph == 7.1
    assert more(where, "setpoints", "asked_more") == [{"ph": 7.1}]


def test_a_mirror_holds_the_process_of_its_record(where, tmp_path):
    path = tmp_path / "run" / "audit.jsonl"
    config = RunConfig(duration_days=3, process=PANEL)
    at = {"reactor": "R01", "turn": 0}
    with AuditLogger(path, run_id="run-1", clock=ManualClock()) as logger:
        for event in (
            first_records.started(config, SPACE, {"R01": Mode.AUTOMATIC}, {"R01": {"kind": "hardware"}}),
            SampleRead(**at, state=sample(0), in_force=SPACE.nominal),
            WriteIntended(**at, key="k0", old=SPACE.nominal, new=ASKED),
            SetpointsWritten(**at, key="k0", asked=ASKED, acknowledged=ASKED),
            SampleRead(**at, state=sample(1), in_force=ASKED),
            SampleCorrected(**at, state=sample(0, asparagine=2.5), corrects=2),
        ):
            logger.append(event)
    index = SqlRecord(where)
    copy_record(path, index)
    assert more(where, "samples") == [
        {"asparagine": 2.5, "ph_measured": 7.02, "ph": 7.1}, {"asparagine": 5.0, "ph_measured": 7.02},
    ]  # fmt: skip
    assert more(where, "setpoints", "acknowledged_more") == [{"ph": 7.1}]
    assert ask(where, "SELECT vcd, pyruvate FROM samples ORDER BY time_h") == [(10.0, None), (11.0, None)]
    lines = [*map(read, path.read_text().splitlines())]
    in_two = tmp_path / "two.sqlite"
    SqlRecord(in_two).add(lines[:3])
    SqlRecord(in_two).add(lines[3:])  # another program, which folds the first lines out of the database
    assert more(in_two, "samples") == more(where, "samples")


async def test_rows_of_before_are_read_by_a_process_that_declares_more(where):
    add_samples(where, [SqlSample(state=make_state(day=0, pyruvate=nan), setpoints=Setpoints(perfusion_rate=1.0))])
    (state,) = await samples_of(SqlStore(where, panel=PANEL))
    assert (state.vcd, state.asparagine != state.asparagine) == (20.0, True)
