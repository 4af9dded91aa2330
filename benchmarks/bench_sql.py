"""How fast does a rig fit into a database? `python benchmarks/bench_sql.py [--full] [--postgres URL] [--out FILE]`.

24 vessels x 28 days, one row a minute of 20 values (10 measured, 6 setpoints, 4 others); the quick mode takes 1 % of
the minutes. Each kind of database is filled through `add_samples`, with all its rules and in one transaction, in the
order in which a rig would write: minute by minute, all vessels. The time of making up the rows is taken off. Some are
then put in again: none may be there twice. On SQLite the CPU time is held against a bare `executemany` of the same rows
into the same table. A look for news is timed at a vessel with many rows and at one with 1,000: with nothing new in the
whole database, and after a row of another vessel. Last, the record of all vessels (sample, decision with two forecasts
of 28 days, write; one turn, eight in the full mode) is verified and mirrored, and one forecast is asked for. Times are
wall time where nothing else is said; CPU is that of this process, without the server's. `--postgres` names an empty
database, in which the tables are left behind, or `own`: then a server of its own is started; without it only SQLite is
measured. The bars of issue 26 and the figures of before (2026-11-24, the full mode) stand beside those of now.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import islice, product
from math import nan
from pathlib import Path
from statistics import median

import numpy as np
from sqlalchemy import select, text

from machine import stamp
from perfusio.connectors.database.database import Database
from perfusio.connectors.database.record_index import SqlRecord
from perfusio.connectors.database.samples import BATCH, SqlSample, add_samples, rows_of
from perfusio.connectors.database.schema import forecasts
from perfusio.connectors.database.source import VesselSource
from perfusio.connectors.sql import SqlStore
from perfusio.events import Decided, RunStarted, SampleRead, SetpointsWritten, WriteIntended
from perfusio.forecast import Forecast
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.mirror import copy_record
from perfusio.state import SETPOINT_QUANTITIES, SPECIES, STATE_QUANTITIES, Setpoints, State

N_VESSELS, DAYS, MINUTES, N_TAGS = 24, 28, 24 * 60, 20
OTHERS = ("pH [-]", "DO [%]", "pressure [mbar]", "volume [mL]")
AGAIN = 10 * BATCH
"""Rows that are put in a second time, at most."""
FEW, N_LOOKS = 1000, {True: 45, False: 5}
"""Rows of the short history; looks at each (more than chapters, so that one falls on every one)."""
BEFORE = {
    "SQLite": {
        "rows": 967680, "load_s": 202.6, "cpu_s": 64.1, "rows_per_s": 4777.1, "values_per_s": 95542.8, "bare": 6.7,
        "size_mib": 323.9, "again_rows_per_s": 3427.9, "doubled": 0, "read_rows_per_s": 8894.7, "look_ms": 396.1,
        "records_per_s": 75.7,
    },
    "PostgreSQL": {
        "rows": 967680, "load_s": 211.9, "cpu_s": 50.8, "rows_per_s": 4566.8, "values_per_s": 91335.5,
        "size_mib": 381.2, "again_rows_per_s": 2432.7, "doubled": 0, "read_rows_per_s": 4194.0, "look_ms": 678.1,
        "records_per_s": 19.3,
    },
}  # fmt: skip
"""Of commit 3733714, on 2026-11-24; `bare` of issue 26."""


def rig(share: float) -> Iterator[SqlSample]:
    """Rows as a rig writes them; numbers with all their digits, within what is possible."""
    rng = np.random.default_rng(0)
    low, high = (np.array([getattr(q, what) for q in STATE_QUANTITIES.values()]) for what in ("low", "high"))
    u_low, u_high = (np.array([getattr(q, what) for q in SETPOINT_QUANTITIES.values()]) for what in ("low", "high"))
    for minute in range(round(DAYS * MINUTES * share)):
        draws = rng.random((N_VESSELS, N_TAGS))
        for i, draw in enumerate(draws):
            measured = dict(zip(STATE_QUANTITIES, (low + draw[:10] * (high - low)).tolist(), strict=True))
            yield SqlSample(
                state=State(time_h=minute / 60.0, **measured),
                setpoints=Setpoints.of(u_low + draw[10:16] * (u_high - u_low)),
                reactor=f"R{i + 1:02d}",
                others=dict(zip(OTHERS, draw[16:].tolist(), strict=True)),
            )


class Made(Iterable[SqlSample]):
    """Rows, and the seconds that making them up took: wall time, and CPU time of this process.

    They are made many at once: two looks at the clock for each row would cost a tenth of what is measured.
    """

    def __init__(self, rows: Iterator[SqlSample]) -> None:
        self._rows, self.wall_s, self.cpu_s = rows, 0.0, 0.0

    def __iter__(self) -> Iterator[SqlSample]:
        while True:
            wall_s, cpu_s, made = seconds(lambda: list(islice(self._rows, BATCH)))
            self.wall_s, self.cpu_s = self.wall_s + wall_s, self.cpu_s + cpu_s
            if not made:
                return
            yield from made


def seconds(work: Callable[[], object]) -> tuple[float, float, object]:
    """Wall time and CPU time of this process for one call, and what it returned."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def written_record(folder: Path, turns: int = 1) -> Path:
    """The record of some turns of all vessels."""
    rng, path = np.random.default_rng(1), folder / "audit.jsonl"
    setpoints = Setpoints(**{name: q.low for name, q in SETPOINT_QUANTITIES.items()})
    with AuditLogger(path) as log:
        log.append(RunStarted(config={}, versions={}, sources={}))
        for turn, i in product(range(turns), range(N_VESSELS)):
            head = {"reactor": f"R{i + 1:02d}", "turn": turn}
            key = f"k{turn}.{i}"
            paths = rng.random((64, DAYS, len(SPECIES)))
            forecast = Forecast.from_samples(24.0 * np.arange(1, DAYS + 1), paths).to_json()
            log.append(SampleRead(**head, state=State.of(24.0 * turn, paths[0, 0]), in_force=setpoints))
            log.append(
                Decided(
                    **head, key=key, setpoints=setpoints, chosen=forecast, hold=forecast, why={}, score=0.0,
                    acquisition="LogEI", model_id="m",
                )
            )  # fmt: skip
            log.append(WriteIntended(**head, key=key, old=setpoints, new=setpoints))
            log.append(SetpointsWritten(**head, key=key, asked=setpoints, acknowledged=setpoints))
    return path


def size_mib(database: Database) -> float:
    """What the database takes on disk, indexes included [MiB]."""
    if database.is_sqlite:
        return Path(str(database.url.database)).stat().st_size / 2**20
    with database.reading() as connection:
        return float(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()) / 2**20


def bare_s(filled: Path, folder: Path) -> float:
    """CPU time of a bare `executemany` of all samples, in their order, into the same table [s]."""
    empty = Database(str(folder / "bare.sqlite"), create=True)
    empty.open()
    cpu_s = 0.0
    with (
        closing(sqlite3.connect(filled)) as source,
        closing(sqlite3.connect(str(empty.url.database), isolation_level=None)) as target,
    ):
        rows = source.execute("SELECT * FROM samples ORDER BY rowid")
        into = f"INSERT INTO samples VALUES ({', '.join('?' * len(rows.description))})"
        target.execute("BEGIN IMMEDIATE")
        while batch := rows.fetchmany(20 * BATCH):
            start = time.process_time()
            target.executemany(into, batch)
            cpu_s += time.process_time() - start
        start = time.process_time()
        target.execute("COMMIT")
        return cpu_s + time.process_time() - start


def looks(where: str, database: Database, reactor: str, n: int) -> dict[str, float]:
    """Median times of a look for news that finds none [ms]: nothing happened, and a row of another vessel came."""
    source = VesselSource(database, None, reactor, grows=True)
    seen = source.news(None)
    assert seen is not None
    busy = []
    for i in range(n):
        add_samples(where, [SqlSample(state=State(time_h=float(i)), reactor=f"beside {reactor}")])
        busy.append(seconds(lambda: source.news(seen)))
    for _ in range(n):  # the first of them still read the chapters whose turn it is
        source.news(seen)
    quiet = [seconds(lambda: source.news(seen)) for _ in range(n)]
    assert all(found is None for _, _, found in (*quiet, *busy))
    return {
        "busy": 1e3 * median(s for s, _, _ in busy), "busy_cpu": 1e3 * median(s for _, s, _ in busy),
        "quiet": 1e3 * median(s for s, _, _ in quiet),
    }  # fmt: skip


def mirrored(where: str, database: Database, record: Path) -> dict[str, float]:
    """Rates of a record that is verified and mirrored; time of one question for a forecast [ms]."""
    index = SqlRecord(where)
    index.last("")  # which opens the database
    wall_s, cpu_s, n = seconds(lambda: copy_record(record, index))
    assert isinstance(n, int)
    with database.reading() as connection:
        decided = connection.execute(text("SELECT max(seq) FROM events WHERE event = 'Decided'")).scalar_one()
        run = connection.execute(text("SELECT run FROM events LIMIT 1")).scalar_one()
        query = select(forecasts).where(
            forecasts.c.run == run, forecasts.c.seq == decided, forecasts.c.plan == "hold",
            forecasts.c.quantity == "vcd",
        )  # fmt: skip
        asked = [seconds(lambda: connection.execute(query).all()) for _ in range(9)]
    assert all(len(rows) == DAYS for *_, rows in asked if isinstance(rows, list))
    return {
        "records_per_s": n / wall_s, "records_per_cpu_s": n / cpu_s, "forecast_ms": 1e3 * median(s for s, *_ in asked)
    }  # fmt: skip


def measure(where: str, share: float, record: Path, folder: Path) -> dict[str, float]:
    """Fill one database and ask it."""
    database = Database(where, create=True)
    database.open()
    size_before, made = size_mib(database), Made(rig(share))
    load_s, cpu_s, n_rows = seconds(lambda: add_samples(where, made))
    load_s, cpu_s, size = load_s - made.wall_s, cpu_s - made.cpu_s, size_mib(database) - size_before
    again_s, _, n_doubled = seconds(
        lambda: add_samples(where, (s for s, _ in zip(rig(share), range(AGAIN), strict=False)))
    )
    with database.reading() as connection:
        read_s, _, rows = seconds(lambda: rows_of(connection, "", "R01", "lab"))
    vessels = SqlStore(where).vessels()
    bare = bare_s(Path(where), folder) if database.is_sqlite else nan
    of_record = mirrored(where, database, record)
    add_samples(where, (SqlSample(state=State(time_h=h / 60), reactor="few") for h in range(FEW)))
    few, many = (looks(where, database, name, N_LOOKS[share == 1.0]) for name in ("few", "R01"))
    assert isinstance(n_rows, int)
    assert isinstance(rows, list)
    return {
        "rows": n_rows, "load_s": load_s, "rows_per_s": n_rows / load_s, "values_per_s": N_TAGS * n_rows / load_s,
        "doubled": float(str(n_doubled)), "again_rows_per_s": min(AGAIN, n_rows) / again_s,
        "read_rows_per_s": len(rows) / read_s, "look_ms": many["busy"], "look_few_ms": few["busy"],
        "look_cpu_ms": many["busy_cpu"], "look_few_cpu_ms": few["busy_cpu"],
        "look_ratio": many["busy"] / few["busy"], "look_cpu_ratio": many["busy_cpu"] / few["busy_cpu"],
        "quiet_ms": many["quiet"], "quiet_few_ms": few["quiet"], "vessels": len(vessels), "bare": cpu_s / bare,
        "cpu_s": cpu_s, "bytes_per_row": 2**20 * size / n_rows, "size_mib": size, **of_record,
    }  # fmt: skip


BARS = {
    "SQLite": {"bare": "<= 3", "look_ms": "<= 20", "look_ratio": "<= 1.5", "records_per_s": ">= 1000"},
    "PostgreSQL": {"look_ms": "<= 60", "look_ratio": "<= 1.5", "records_per_s": ">= 300"},
}
"""Of issue 26."""
ROWS = (
    ("rows", "rows of 20 values", "{:,.0f}"),
    ("load_s", "put in, one transaction [s]", "{:.1f}"),
    ("cpu_s", "  of it CPU of this process [s]", "{:.1f}"),
    ("bare", "  times a bare executemany (CPU)", "{:.1f}"),
    ("rows_per_s", "  rows a second", "{:,.0f}"),
    ("values_per_s", "  values a second", "{:,.0f}"),
    ("size_mib", "size [MiB]", "{:.1f}"),
    ("again_rows_per_s", "put in again: rows a second", "{:,.0f}"),
    ("doubled", "  of them there twice", "{:.0f}"),
    ("read_rows_per_s", "one vessel read: rows a second", "{:,.0f}"),
    ("look_ms", "look for news, another's came [ms]", "{:.1f}"),
    ("look_few_ms", "  of a vessel with 1,000 rows", "{:.1f}"),
    ("look_ratio", "  the one by the other", "{:.2f}"),
    ("look_cpu_ms", "  CPU of this process [ms]", "{:.1f}"),
    ("look_few_cpu_ms", "  of a vessel with 1,000 rows", "{:.1f}"),
    ("look_cpu_ratio", "  the one by the other", "{:.2f}"),
    ("quiet_ms", "look for news, nothing came [ms]", "{:.2f}"),
    ("quiet_few_ms", "  of a vessel with 1,000 rows", "{:.2f}"),
    ("records_per_s", "verified, mirrored: records a second", "{:,.0f}"),
    ("records_per_cpu_s", "  a second of CPU time", "{:,.0f}"),
    ("forecast_ms", "one forecast asked for [ms]", "{:.1f}"),
)


def told(figures: Mapping[str, float], key: str, form: str) -> str:
    """One figure as text; nothing where there is none."""
    value = figures.get(key, nan)
    return "" if value != value else form.format(value)


def main() -> int:
    """Measure, print, and fail if a row was doubled or lost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="all minutes instead of 1 %%")
    parser.add_argument("--postgres", metavar="URL", help="an empty PostgreSQL database to fill as well, or 'own'")
    parser.add_argument("--out", type=Path, help="also write the output to this file")
    args = parser.parse_args()
    share = 1.0 if args.full else 0.01
    with tempfile.TemporaryDirectory() as name, served(args.postgres) as url:
        folder = Path(name)
        record = written_record(folder, turns=8 if args.full else 1)
        places = {"SQLite": str(folder / "lab.sqlite")} | ({"PostgreSQL": url} if url else {})
        results = {kind: measure(where, share, record, folder) for kind, where in places.items()}
    lines = [
        stamp(),
        f"{N_VESSELS} vessels x {DAYS} days x {N_TAGS} values, one row a minute: {share:.0%} of the minutes",
        "",
        f"{'':38}" + "".join(f"{kind:>14}{'bar':>9}{'before':>10}" for kind in results),
        *(f"{label:38}" + "".join(f"{told(r, key, form):>14}{BARS[kind].get(key, ''):>9}"
                                  f"{told(BEFORE[kind], key, form):>10}"
                                  for kind, r in results.items()) for key, label, form in ROWS),
        json.dumps({"benchmark": "sql", "mode": "full" if args.full else "quick"}
                   | {kind: {k: round(v, 2) for k, v in r.items() if v == v} for kind, r in results.items()}),
    ]  # fmt: skip
    print("\n".join(lines))
    if args.out:
        args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    expected = N_VESSELS * round(DAYS * MINUTES * share)
    return int(any(r["rows"] != expected or r["doubled"] or r["vessels"] != N_VESSELS for r in results.values()))


@contextmanager
def served(postgres: str | None) -> Iterator[str | None]:
    """URL of an empty database: of a server that lives as long as this, if `own` is asked for."""
    if postgres != "own":
        yield postgres
        return
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "servers"))
    from postgres_server import PostgresServer, programs

    server = PostgresServer(programs=programs())
    try:
        yield server.new_database()[1]
    finally:
        server.end()


if __name__ == "__main__":
    sys.exit(main())
