"""Old name of `perfusio.tables.runs_from_files`; it stays."""

from perfusio.tables.runs_from_files import RUNS_FILE as RUNS_FILE
from perfusio.tables.runs_from_files import read_runs as read_runs
from perfusio.tables.runs_from_files import run_of as run_of
