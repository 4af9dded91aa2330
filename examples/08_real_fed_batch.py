"""Forecast real fed-batch cultures from an Excel workbook: each culture by a model of the other ones.

    python examples/08_real_fed_batch.py --workbook Package_input_Example.xlsx

The workbook is not part of perfusio: the example of CDPpy (https://github.com/ddolab/CDPpy) fits the map beside this
file. For your own one write a map (docs/how-to/read-an-excel-workbook.md) and say --map FILE.
"""

import argparse
import sys
from pathlib import Path

from perfusio.errors import PerfusioError
from perfusio.hybrid.model import HybridModel
from perfusio.study.backtest import leave_one_run_out
from perfusio.study.forecasters import baselines
from perfusio.tables.columns.column_map import read_column_map
from perfusio.tables.runs_from_workbook import read_workbook

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--workbook", type=Path, help="an .xlsx or .xls file")
beside = Path(__file__).with_name("08_mapping.toml")
parser.add_argument("--map", type=Path, default=beside, help="what its columns mean")
arguments = parser.parse_args()
if arguments.workbook is None:
    parser.error(
        "this example needs a workbook of fed-batch cultures, and none comes with perfusio: give one with "
        "--workbook FILE. Package_input_Example.xlsx of CDPpy (https://github.com/ddolab/CDPpy) fits the map beside "
        "this script; another one needs a map of its own, --map FILE (docs/how-to/read-an-excel-workbook.md)."
    )

try:
    runs = read_workbook(arguments.workbook, read_column_map(arguments.map), on_remark=print)
except PerfusioError as error:
    sys.exit(f"{error}")
for run in runs:
    n_feeds = sum(feed is not None for feed in run.feeds)
    print(f"{run.run_id:8} {run.clone:8} {len(run.states)} samples in {run.states[-1].day:.1f} days, {n_feeds} feeds")

result = leave_one_run_out(
    runs,
    lambda others: {"hybrid": HybridModel().fit(others), **baselines(others)},
    horizons=(1, 3),
    every=1,
)
print(f"\nEach of {len(runs)} cultures by a model of the others, from every day on, with the feeds that it was given.")
print(result.board.table())
