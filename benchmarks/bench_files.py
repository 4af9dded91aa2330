"""How long does a file take with every check? `python benchmarks/bench_files.py [--full] [--out FILE]`.

Both readers work in this process on the same bytes, on one thread, in turn; the median of the repeats counts. pandas
only splits and converts. perfusio also finds encoding, separator and decimal mark, reads units, checks the grammar of
every number, ranges, the order of times and doubts about units, joins doubled rows, and makes one `State` and one
`Setpoints` per row. The bar is 10 times pandas, the aim 4 times.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from machine import stamp
from perfusio.tables.exporting import write_table
from perfusio.tables.read_any import read_any
from perfusio.tables.runs_table import RUNS_HEADER
from perfusio.tables.table import parse_table

DAYS_PER_RUN = 50
MOST_RATIO, AIM = 10.0, 4.0


def content(n_rows: int) -> bytes:
    """A wide table of runs of 50 days: every quantity and setpoint, some gaps and some values below a limit."""
    rng = np.random.default_rng(0)
    nominal = (20.0, 95.0, 4.0, 3.0, 2.0, 10.0, 3.0, 1.0, 500.0, 17.0, 1.0, 0.15, 4.0, 36.5, 850.0, 1.0)
    values = np.array(nominal) * rng.uniform(0.97, 1.03, (n_rows, len(nominal)))
    lines = [",".join(RUNS_HEADER)]
    for i, row in enumerate(values.tolist()):
        cells = [f"{v:.5g}" for v in row]
        if i % 20 == 3:
            cells[8] = ""
        if i % 50 == 7:
            cells[6] = "<0.2"
        lines.append(f"R{i // DAYS_PER_RUN:05d},CloneX,{i % DAYS_PER_RUN}," + ",".join(cells))
    return ("\n".join(lines) + "\n").encode()


def cpu_s(work: Callable[[], object], repeats: int) -> list[float]:
    """CPU seconds of each repeat, with garbage of the one before taken out."""
    found = []
    for _ in range(repeats):
        gc.collect()
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return found


def measure(n_rows: int, repeats: int, folder: Path) -> dict[str, float]:
    """Medians for one size: reading as CSV, and reading back what was exported."""
    data = content(n_rows)
    bare = cpu_s(lambda: pd.read_csv(io.BytesIO(data)), repeats)
    ours = cpu_s(lambda: parse_table(data, "runs.csv"), repeats)
    table = parse_table(data, "runs.csv")
    if len(table.rows) != n_rows:
        raise SystemExit(f"{len(table.rows)} rows were read of {n_rows}")
    path = folder / "runs.csv"
    written = cpu_s(lambda: write_table(path, table), 1)[0]
    same = [repr(row.state) for row in read_any(path).rows] == [repr(row.state) for row in table.rows]
    result = {
        "rows": n_rows,
        "mb": round(len(data) / 1e6, 2),
        "pandas_cpu_s": round(statistics.median(bare), 4),
        "perfusio_cpu_s": round(statistics.median(ours), 4),
        "export_cpu_s": round(written, 4),
        "round_trip_is_identity": same,
    }
    return {**result, "ratio": round(result["perfusio_cpu_s"] / max(result["pandas_cpu_s"], 1e-4), 1)}


def main() -> int:
    """Print the table; exit 1 if the bar is missed in full."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="up to 100,000 rows, 5 repeats; else 2,000 rows")
    parser.add_argument("--out", type=Path, help="also write what is printed here")
    arguments = parser.parse_args()
    sizes, repeats = ((1_000, 10_000, 100_000), 5) if arguments.full else ((2_000,), 3)
    with tempfile.TemporaryDirectory() as folder:
        found = [measure(n, repeats, Path(folder)) for n in sizes]
    largest = found[-1]
    is_kept = largest["ratio"] <= MOST_RATIO
    lines = [
        f"{stamp()}, pandas {pd.__version__}",
        f"reading a table of {len(RUNS_HEADER)} columns with all checks, beside a bare pandas read (median CPU s)",
        "",
        f"{'rows':>8} {'MB':>7} {'pandas':>8} {'perfusio':>9} {'ratio':>6} {'us per row':>11} {'export':>8}",
    ]
    for f in found:
        per_row = 1e6 * f["perfusio_cpu_s"] / f["rows"]
        lines.append(
            f"{f['rows']:>8} {f['mb']:>7.2f} {f['pandas_cpu_s']:>8.3f} {f['perfusio_cpu_s']:>9.3f} {f['ratio']:>6.1f} "
            f"{per_row:>11.1f} {f['export_cpu_s']:>8.3f}"
        )
    lines.append(f"bar ({MOST_RATIO:g} times pandas): {'kept' if is_kept else 'MISSED'}; aim ({AIM:g} times): "
                 f"{'reached' if largest['ratio'] <= AIM else 'not reached'}")  # fmt: skip
    mode = "full" if arguments.full else "quick"
    lines.append(json.dumps({"benchmark": "files", "mode": mode, "sizes": found, "bar_is_kept": is_kept}))
    text = "\n".join(lines) + "\n"
    sys.stdout.write(text)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")
    return 0 if is_kept or not arguments.full else 1


if __name__ == "__main__":
    sys.exit(main())
