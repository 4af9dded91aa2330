"""How fast does a rig fit into a database? `python benchmarks/bench_sql.py [--full] [--postgres URL] [--out FILE]`.

24 vessels x 28 days, one row a minute of 20 values (10 measured, 6 setpoints, 4 others); the quick mode takes 1 % of
the minutes. Each kind of database is filled through `add_samples`, with all its rules and in one transaction, in the
order in which a rig would write: minute by minute, all vessels. The time of making up the rows is taken off. Some are
then put in again: none may be there twice. Last, the record of one turn of all vessels (sample, decision with two
forecasts of 28 days, write) is mirrored. Rates are by wall time. `--postgres` names an empty database, in which the
tables are left behind; without it only SQLite is measured.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from sqlalchemy import text

from machine import stamp
from perfusio.connectors.database.database import Database
from perfusio.connectors.database.record_index import SqlRecord
from perfusio.connectors.database.samples import BATCH, SqlSample, add_samples, rows_of
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


class Made(Iterator[SqlSample]):
    """Rows, and the seconds that making them up took: wall time, and CPU time of this process."""

    def __init__(self, rows: Iterator[SqlSample]) -> None:
        self._rows, self.wall_s, self.cpu_s = rows, 0.0, 0.0

    def __next__(self) -> SqlSample:
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            return next(self._rows)
        finally:
            self.wall_s += time.perf_counter() - wall
            self.cpu_s += time.process_time() - cpu


def seconds(work: Callable[[], object]) -> tuple[float, object]:
    """Wall time of one call, and what it returned."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def written_record(folder: Path) -> Path:
    """The record of one turn of all vessels."""
    rng, path = np.random.default_rng(1), folder / "audit.jsonl"
    setpoints = Setpoints(**{name: q.low for name, q in SETPOINT_QUANTITIES.items()})
    with AuditLogger(path) as log:
        log.append(RunStarted(config={}, versions={}, sources={}))
        for i in range(N_VESSELS):
            head = {"reactor": f"R{i + 1:02d}", "turn": 0}
            paths = rng.random((64, DAYS, len(SPECIES)))
            forecast = Forecast.from_samples(24.0 * np.arange(1, DAYS + 1), paths).to_json()
            log.append(SampleRead(**head, state=State.of(0.0, paths[0, 0]), in_force=setpoints))
            log.append(
                Decided(
                    **head, key=f"k{i}", setpoints=setpoints, chosen=forecast, hold=forecast, why={}, score=0.0,
                    acquisition="LogEI", model_id="m",
                )
            )  # fmt: skip
            log.append(WriteIntended(**head, key=f"k{i}", old=setpoints, new=setpoints))
            log.append(SetpointsWritten(**head, key=f"k{i}", asked=setpoints, acknowledged=setpoints))
    return path


def size_mib(database: Database) -> float:
    """What the database takes on disk, indexes included [MiB]."""
    if database.is_sqlite:
        return Path(str(database.url.database)).stat().st_size / 2**20
    with database.reading() as connection:
        return float(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()) / 2**20


def measure(where: str, share: float, record: Path) -> dict[str, float]:
    """Fill one database and ask it."""
    database = Database(where, create=True)
    database.open()
    size_before, cpu_before = size_mib(database), time.process_time()
    made = Made(rig(share))
    load_s, n_rows = seconds(lambda: add_samples(where, made))
    cpu_s, size = time.process_time() - cpu_before - made.cpu_s, size_mib(database) - size_before
    load_s -= made.wall_s
    again_s, n_doubled = seconds(
        lambda: add_samples(where, (s for s, _ in zip(rig(share), range(AGAIN), strict=False)))
    )
    with database.reading() as connection:
        read_s, rows = seconds(lambda: rows_of(connection, "", "R01", "lab"))
    source = VesselSource(database, None, "R01", grows=True)
    seen = source.news(None)
    look_s, _ = seconds(lambda: source.news(seen))
    vessels = SqlStore(where).vessels()
    mirror_s, n_records = seconds(lambda: copy_record(record, SqlRecord(where)))
    assert isinstance(n_rows, int)
    assert isinstance(n_records, int)
    assert isinstance(rows, list)
    return {
        "rows": n_rows, "load_s": load_s, "rows_per_s": n_rows / load_s, "values_per_s": N_TAGS * n_rows / load_s,
        "doubled": float(str(n_doubled)), "again_rows_per_s": min(AGAIN, n_rows) / again_s,
        "read_rows_per_s": len(rows) / read_s, "look_ms": 1e3 * look_s, "vessels": len(vessels),
        "cpu_s": cpu_s, "bytes_per_row": 2**20 * size / n_rows, "size_mib": size,
        "records_per_s": n_records / mirror_s,
    }  # fmt: skip


ROWS = (
    ("rows", "rows of 20 values", "{:,.0f}"),
    ("load_s", "put in, one transaction [s]", "{:.1f}"),
    ("cpu_s", "  of it CPU of this process [s]", "{:.1f}"),
    ("rows_per_s", "  rows a second", "{:,.0f}"),
    ("values_per_s", "  values a second", "{:,.0f}"),
    ("size_mib", "size [MiB]", "{:.1f}"),
    ("again_rows_per_s", "put in again: rows a second", "{:,.0f}"),
    ("doubled", "  of them there twice", "{:.0f}"),
    ("read_rows_per_s", "one vessel read: rows a second", "{:,.0f}"),
    ("look_ms", "one look for news of a vessel [ms]", "{:.1f}"),
    ("records_per_s", "mirrored: records a second", "{:,.0f}"),
)


def main() -> int:
    """Measure, print, and fail if a row was doubled or lost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="all minutes instead of 1 %%")
    parser.add_argument("--postgres", metavar="URL", help="an empty PostgreSQL database to fill as well")
    parser.add_argument("--out", type=Path, help="also write the output to this file")
    args = parser.parse_args()
    share = 1.0 if args.full else 0.01
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record = written_record(folder)
        places = {"SQLite": str(folder / "lab.sqlite")} | ({"PostgreSQL": args.postgres} if args.postgres else {})
        results = {kind: measure(where, share, record) for kind, where in places.items()}
    lines = [
        stamp(),
        f"{N_VESSELS} vessels x {DAYS} days x {N_TAGS} values, one row a minute: {share:.0%} of the minutes",
        "",
        f"{'':38}" + "".join(f"{kind:>14}" for kind in results),
        *(f"{label:38}" + "".join(f"{form.format(r[key]):>14}" for r in results.values()) for key, label, form in ROWS),
        json.dumps({"benchmark": "sql", "mode": "full" if args.full else "quick"}
                   | {kind: {k: round(v, 1) for k, v in r.items()} for kind, r in results.items()}),
    ]  # fmt: skip
    print("\n".join(lines))
    if args.out:
        args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    expected = N_VESSELS * round(DAYS * MINUTES * share)
    return int(any(r["rows"] != expected or r["doubled"] or r["vessels"] != N_VESSELS for r in results.values()))


if __name__ == "__main__":
    sys.exit(main())
